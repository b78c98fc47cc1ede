"""The embedded default: scikit-learn's 1,797 digits of 8 x 8 pixels."""

import gzip
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.places import Places
from bench.data.splits import carve
from bench.data.types import ImageDataset, cut


def load_digits(places: Places, settings: Mapping[str, str]) -> ImageDataset:
    """Return the digits as 1,257 / 180 / 360 images [N, 1, 8, 8], stratified, x = round(255 v / 16) for v in 0..16."""
    lines = stored()
    images = np.rint(lines[:, :64].reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    labels = lines[:, 64].astype(np.int64)
    rest, test = carve(labels, 360)
    train, validation = (rest[part] for part in carve(labels[rest], 180))
    order = np.concatenate([train, validation, test])
    splits = cut(images[order], labels[order], (train, validation, test))
    return ImageDataset("digits", *splits, tuple("0123456789"), settings, "embedded")


def stored() -> NDArray[np.float64]:
    """Return what scikit-learn's file of digits holds, [N, 65]: 64 pixels in 0..16 and the class.

    The file is read as `sklearn.datasets.load_digits` reads it, without the import, which takes two seconds; where
    it lies elsewhere, by that function.
    """
    package = find_spec("sklearn")
    place = Path(package.origin).parent / "datasets/data/digits.csv.gz" if package and package.origin else None
    if place is not None and place.is_file():
        with gzip.open(place, "rt", encoding="utf-8") as file:
            return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits as read

    bunch = read()
    return np.column_stack([bunch.data, bunch.target])
