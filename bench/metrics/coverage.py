"""Density and coverage: samples in the neighbourhoods of test images."""

import numpy as np

from bench.metrics.types import Blank, Measured

NEIGHBOURS = 5
ROWS_AT_ONCE = 1000


def density(reference: np.ndarray, samples: np.ndarray) -> Measured:
    r"""Return how many of the test images' neighbourhoods a sample lies in, on average, over k = 5.

    .. math:: \frac{1}{k M} \sum_{j=1}^M \sum_{i=1}^N 1[y_j \in B(x_i, r_k(x_i))]

    Source: Eq. 4 of Naeem et al. 2020; r_k is the distance of the k-th nearest other test image. Features [N, F] and
    [M, F]; 1 is expected of equal laws, and it may be more. n is M. Raises Blank for 5 test images or fewer.
    """
    inside = _neighbourhoods(reference, samples)
    return Measured(float(inside.sum() / (NEIGHBOURS * len(samples))), n=len(samples))


def coverage(reference: np.ndarray, samples: np.ndarray) -> Measured:
    r"""Return the share of test images in whose neighbourhood a sample lies.

    .. math:: \frac1N \sum_{i=1}^N 1[\exists j: y_j \in B(x_i, r_k(x_i))]

    Source: Eq. 5 of Naeem et al. 2020, with k = 5; see `density`.
    """
    return Measured(float((_neighbourhoods(reference, samples) > 0).mean()), n=len(samples))


def _neighbourhoods(reference: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return how many samples lie in each test image's neighbourhood: [N]."""
    if len(reference) <= NEIGHBOURS:
        raise Blank(f"a neighbourhood of {NEIGHBOURS} needs more than {NEIGHBOURS} test images")
    x, y = reference.astype(np.float64), samples.astype(np.float64)
    inside = np.empty(len(x), dtype=np.int64)
    for start in range(0, len(x), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        radius = np.partition(_squared(x[rows], x), NEIGHBOURS, axis=1)[:, NEIGHBOURS]  # itself is the nearest
        inside[rows] = (_squared(x[rows], y) < radius[:, None]).sum(1)
    return inside


def _squared(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return squared distances [N, M] of rows [N, F] and [M, F]."""
    return ((x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * x @ y.T).clip(min=0)
