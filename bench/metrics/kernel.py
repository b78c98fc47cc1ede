"""The kernel distance of two sets of features: squared maximum mean discrepancy under a cubic polynomial kernel."""

import numpy as np

from bench.metrics.types import Blank, Measured

SUBSETS, SUBSET_SIZE, SCALE = 100, 1000, 1000.0


def cubic_kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return k(x, y) = (x . y / F + 1)^3 of features [N, F] and [M, F]: [N, M]  (Binkowski et al. 2018, Section 4)."""
    linear = x @ y.T / x.shape[1] + 1.0
    return linear * linear * linear


def unbiased_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Return the unbiased estimate of the squared maximum mean discrepancy under the cubic kernel.

    MMD^2 = sum_{i != j} k(x_i, x_j) / (N (N - 1)) + sum_{i != j} k(y_i, y_j) / (M (M - 1)) - 2 mean_{ij} k(x_i, y_j)

    Source: Eq. 3 of Gretton et al. 2012. x [N, F], y [M, F], at least two rows each. It can be negative.
    """
    n, m = len(x), len(y)
    k_xx, k_yy, k_xy = cubic_kernel(x, x), cubic_kernel(y, y), cubic_kernel(x, y)
    within_x = (k_xx.sum() - np.trace(k_xx)) / (n * (n - 1))
    within_y = (k_yy.sum() - np.trace(k_yy)) / (m * (m - 1))
    return float(within_x + within_y - 2.0 * k_xy.mean())


def kd(reference: np.ndarray, others: np.ndarray, *, rng: np.random.Generator) -> Measured:
    """Return 1000 x the squared maximum mean discrepancy of two sets of features [N, F] and [M, F].

    The mean over 100 random subsets of min(1000, N, M) rows of each set, drawn without replacement, as KID is defined
    (Binkowski et al. 2018), and its standard error over subsets. Where one subset is all of both sets there is a single
    estimate and no standard error. n is the smaller of N and M. Raises Blank for fewer than two images.
    """
    n = min(len(reference), len(others))
    if n < 2:
        raise Blank("a kernel distance needs at least two images")
    x, y, size = reference.astype(np.float64), others.astype(np.float64), min(SUBSET_SIZE, n)
    if size == len(x) == len(y):
        return Measured(SCALE * unbiased_mmd(x, y), n=n)
    found = [unbiased_mmd(x[_subset(rng, len(x), size)], y[_subset(rng, len(y), size)]) for _ in range(SUBSETS)]
    return Measured(SCALE * float(np.mean(found)), SCALE * float(np.std(found, ddof=1)) / SUBSETS**0.5, n)


def _subset(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Return `size` different numbers below n."""
    return rng.choice(n, size, replace=False)
