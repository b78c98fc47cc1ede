"""The embedded default: scikit-learn's 1,797 digits of 8 x 8 pixels."""

from collections.abc import Mapping

import numpy as np

from bench.data.places import Places
from bench.data.splits import carve
from bench.data.types import ImageDataset, cut


def load_digits(places: Places, settings: Mapping[str, str]) -> ImageDataset:
    """Return the digits as 1,257 / 180 / 360 images [N, 1, 8, 8], stratified, x = round(255 v / 16) for v in 0..16."""
    from sklearn.datasets import load_digits as read

    bunch = read()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]  # [N, 1, 8, 8]
    labels = bunch.target.astype(np.int64)
    rest, test = carve(labels, 360)
    train, validation = (rest[part] for part in carve(labels[rest], 180))
    order = np.concatenate([train, validation, test])
    splits = cut(images[order], labels[order], (train, validation, test))
    return ImageDataset("digits", *splits, tuple("0123456789"), settings, "embedded")
