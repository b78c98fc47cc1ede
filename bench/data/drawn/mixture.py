"""Points of a plane from five Gaussians: the toy data of ALICE and the symmetric VAE (Section 6.1, sVAE)."""

from collections.abc import Mapping

import numpy as np

from bench.data.places import Places
from bench.data.splits import SPLIT_SEED
from bench.data.types import ImageDataset, Split

CENTRES = np.array([(0, 0), (2, 2), (-2, -2), (2, -2), (-2, 2)], dtype=np.float64)
VARIANCE = 0.04  # of each coordinate
SIZES = 2048, 128, 1024  # of training, validation and test split


def load_mixture(places: Places, settings: Mapping[str, str]) -> ImageDataset:
    """Return 2,048 / 128 / 1,024 points float32 [N, 1, 1, 2], each from one of five Gaussians with equal chances.

    x ~ 1/5 sum_c N(m_c, 0.04 I), m = (0, 0), (2, 2), (-2, -2), (2, -2), (-2, 2)

    Source: ALICE's code, by which the variance is 0.04; drawn with `SPLIT_SEED`. The class is the Gaussian.
    """
    rng = np.random.default_rng(SPLIT_SEED)
    splits = []
    for n in SIZES:
        labels = rng.integers(len(CENTRES), size=n)
        points = CENTRES[labels] + np.sqrt(VARIANCE) * rng.standard_normal((n, 2))
        splits.append(Split(points.astype(np.float32)[:, None, None], labels))
    names = tuple(f"({x:g}, {y:g})" for x, y in CENTRES)
    train, validation, test = splits
    return ImageDataset("toy-mixture", train, validation, test, names, settings, "drawn", class_probabilities=posterior)


def posterior(points: np.ndarray) -> np.ndarray:
    """Return the exact p(class | x) [N, 5] of points [N, 1, 1, 2]; those far from all centres get it too."""
    distances = ((points.reshape(-1, 1, 2).astype(np.float64) - CENTRES) ** 2).sum(-1)  # [N, 5]
    scores = -distances / (2 * VARIANCE)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)
