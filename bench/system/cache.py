"""Named arrays on disk that can be computed again at any time."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

Arrays = Mapping[str, np.ndarray]


def cached_arrays(path: Path, names: Iterable[str], make: Callable[[], Arrays]) -> Arrays:
    """Return the named arrays from an .npz file, or make them and write it whole or not at all.

    A file that is absent, damaged (each array has a CRC-32) or of other names is made anew; nothing is unpickled, and
    a folder that cannot be written only costs making them again.
    """
    expected = set(names)
    with suppress(Exception):  # a damaged archive raises half a dozen unrelated types
        with np.load(path, allow_pickle=False) as stored:
            if set(stored.files) == expected:
                return {name: stored[name] for name in stored.files}
    arrays = {name: array for name, array in make().items() if name in expected}
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(partial, path)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return arrays
