"""States of a training on disk: written in one step, with a checksum beside each, the previous one kept."""

import hashlib
import io
import random
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.system.files import write_whole

KEPT = 2  # files: the newest, and the one before
SHARE = 0.05  # of the time, at most, goes into writing
LONGEST_GAP = 60.0  # seconds of training between two files inside an epoch


class Checkpoints:
    """A folder of numbered states `N.pt` with their SHA-256 in `N.sha256`.

    A state is written to a temporary file, synced and renamed, then its checksum likewise: a file without a matching
    checksum is torn or damaged and is passed over for the one before. States hold tensors and plain values alone and
    are read without pickle's arbitrary code.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._cost, self._written = 0.0, -float("inf")

    def due(self, *, epoch_ended: bool) -> bool:
        """Whether to write now: at the end of an epoch, or a minute after the last, at 5 % of the time at most."""
        gap = time.monotonic() - self._written
        return gap * SHARE >= self._cost and (epoch_ended or gap >= LONGEST_GAP)

    def begin(self) -> None:
        """Count the first minute from now."""
        self._written = time.monotonic()

    def save(self, state: dict[str, Any]) -> None:
        """Write a state as the newest and delete all but the one before. Raises OSError, with earlier files intact."""
        started = time.monotonic()
        buffer = io.BytesIO()
        torch.save(state, buffer)
        data = buffer.getbuffer()
        self.folder.mkdir(parents=True, exist_ok=True)
        numbers = self._numbers()
        path = self.folder / f"{max(numbers, default=0) + 1:06d}.pt"
        write_whole(path, data)
        write_whole(path.with_suffix(".sha256"), hashlib.sha256(data).hexdigest().encode())
        for number in numbers[: 1 - KEPT]:
            for suffix in ("sha256", "pt"):  # the checksum first: what remains of a pair is never taken for whole
                (self.folder / f"{number:06d}.{suffix}").unlink(missing_ok=True)
        for partial in self.folder.glob("*.partial"):
            partial.unlink(missing_ok=True)
        self._written = time.monotonic()
        self._cost = self._written - started

    def load(self) -> dict[str, Any] | None:
        """Return the newest whole state on the CPU, None where there is none."""
        for number in reversed(self._numbers()):
            path = self.folder / f"{number:06d}.pt"
            try:
                data = path.read_bytes()
                whole = path.with_suffix(".sha256").read_text() == hashlib.sha256(data).hexdigest()
            except (OSError, ValueError):
                continue
            if whole:
                return torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
        return None

    def clear(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob("*.pt") if path.stem.isdigit())


def random_state() -> dict[str, Any]:
    """Return the states of all global random generators, as tensors and plain values."""
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [str(kind), torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, float(gauss)],
        "python": list(random.getstate()),
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put all global random generators into a state of `random_state`."""
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    kind, keys, position, has_gauss, gauss = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), position, has_gauss, gauss))
    version, internal, following = state["python"]
    random.setstate((version, tuple(internal), following))
