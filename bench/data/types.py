"""What every data set returns: uint8 images, integer labels and a split that is fixed before training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.splits import SPLIT_SEED, Indices

Images = NDArray[Any]  # uint8 [N, C, H, W]; points of a space are float32 [N, 1, 1, D]
Labels = NDArray[np.int64]  # [N], or [N, 40] of 0/1 for attributes
Factor = NDArray[Any]  # [N]: numbers of categories int64, amounts float64


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set: `images` uint8 [N, C, H, W] and `labels` int64 [N] (CelebA: [N, 40] of 0/1)."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """A data set with its split; `test` is never used to choose anything."""

    name: str
    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]  # names of the labels (CelebA: of the 40 attributes)
    settings: Mapping[str, str]
    source: str  # "embedded", or the folder or file that was read
    note: str | None = None  # what a table made from these images must say
    split_seed: int = SPLIT_SEED
    reference: Split | None = None  # images with labels that `train` does not tell: never for a model
    class_probabilities: Callable[[np.ndarray], np.ndarray] | None = None  # exact p(class | x) [N, k], if known
    factors: Mapping[str, Factor] = field(default_factory=dict)  # of each test image, if known: what it was made with

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of one image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over shapes, types and contents of all arrays, so that any pixel, label or split changes it."""
        digest = sha256()
        for split in (self.train, self.validation, self.test):
            for array in (split.images, split.labels):
                digest.update(f"{array.shape} {array.dtype.str};".encode())
                digest.update(np.ascontiguousarray(array).data)
        for name, values in self.factors.items():
            digest.update(f"{name} {values.shape} {values.dtype.str};".encode() + values.tobytes())
        return digest.hexdigest()


def cut(images: Images, labels: Labels, parts: Sequence[Indices]) -> tuple[Split, Split, Split]:
    """Return training, validation and test split of arrays that lie in the order of `parts`: slices, not copies."""
    first, second, third = np.cumsum([len(part) for part in parts])
    slices = slice(0, first), slice(first, second), slice(second, third)
    train, validation, test = (Split(images[s], labels[s]) for s in slices)
    return train, validation, test
