"""What can be computed again at any time, kept on disk; a file that is damaged costs the computation alone."""

import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench.system import checked
from bench.system.files import Bytes

Arrays = Mapping[str, np.ndarray]
Kept = TypeVar("Kept")
_ABANDONED = 3600.0  # seconds after which a file that is not finished has no writer


def kept(
    path: Path,
    make: Callable[[], Kept],
    read: Callable[[memoryview], Kept],
    write: Callable[[Kept], Sequence[Bytes]],
) -> Kept:
    """Return what a checked file holds, or make it and write it whole or not at all.

    `read` gets the bytes of `write`. What it raises, a file that is absent or damaged in any bit, and a folder that
    cannot be written only cost making it again.
    """
    with suppress(Exception):  # readers raise half a dozen unrelated types
        return read(checked.read(path))
    made = make()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        checked.write(path, *write(made), durable=False)
        for left in path.parent.glob("*.partial"):  # by a process that was killed
            if abs(time.time() - left.stat().st_mtime) > _ABANDONED:  # or in the future
                left.unlink()
    return made


def cached_arrays(path: Path, names: Iterable[str], make: Callable[[], Arrays]) -> Arrays:
    """Return the named arrays from a checked .npz file, or make them and write it; nothing is unpickled."""
    expected = set(names)

    def read(data: memoryview) -> Arrays:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            if set(stored.files) != expected:
                raise checked.Damaged(f"{path} holds {', '.join(stored.files)}")
            return {name: stored[name] for name in stored.files}

    def write(arrays: Arrays) -> list[Bytes]:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        return [buffer.getbuffer()]

    return kept(path, lambda: {name: array for name, array in make().items() if name in expected}, read, write)
