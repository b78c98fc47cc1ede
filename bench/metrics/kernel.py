"""The kernel distance of two sets of features: squared maximum mean discrepancy under a cubic polynomial kernel."""

import math

import numpy as np

from bench.metrics.types import Blank, Measured

SUBSETS, SUBSET_SIZE, SCALE = 100, 1000, 1000.0
ROWS_AT_ONCE = 1000


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
    (Binkowski et al. 2018); where one subset is all of both sets, that one estimate. The standard error is that of the
    estimate from all rows (`jackknife_variance`) with, for random subsets, that of their mean given the rows: both
    sets are samples. None below three rows. n is the smaller of N and M. Raises Blank for fewer than two images.
    """
    n = min(len(reference), len(others))
    if n < 2:
        raise Blank("a kernel distance needs at least two images")
    x, y, size = reference.astype(np.float64), others.astype(np.float64), min(SUBSET_SIZE, n)
    whole = size == len(x) == len(y)
    found = [
        unbiased_mmd(x, y) if whole else unbiased_mmd(x[_subset(rng, len(x), size)], y[_subset(rng, len(y), size)])
        for _ in range(1 if whole else SUBSETS)
    ]
    of_subsets = 0.0 if whole else float(np.var(found, ddof=1)) / SUBSETS
    se = SCALE * math.sqrt(jackknife_variance(x, y) + of_subsets) if n > 2 else None
    return Measured(SCALE * float(np.mean(found)), se, n)


def scaled_kd(reference: np.ndarray, others: np.ndarray, scale: np.ndarray, *, rng: np.random.Generator) -> Measured:
    """Return `kd` of features divided by one number, scale [1]; raises Blank where it is 0.

    The kernel adds 1 to x . y / F, so that it means something for features of the size of 1 alone: larger ones leave
    the third power of x . y, which the few largest features decide.
    """
    if not scale.item() > 0:
        raise Blank("the features of all training images are 0")
    return kd(reference / scale, others / scale, rng=rng)


def jackknife_variance(x: np.ndarray, y: np.ndarray) -> float:
    r"""Return the variance of `unbiased_mmd` over draws of both sets, by leaving out one row at a time.

    .. math:: \frac{N-1}{N} \sum_i (U_{-i} - \bar U)^2 + \frac{M-1}{M} \sum_j (U_{-j} - \bar U)^2

    Source: the jackknife of U-statistics (Arvesen 1969), of each set in turn. x [N, F], y [M, F], at least three rows
    each. On average it is not too small (Efron and Stein 1981); of equal distributions it is up to twice the variance.
    """
    (within_x, _), (within_y, _), (from_x, from_y) = _sums(x, x), _sums(y, y), _sums(x, y)
    of_x = _left_out(within_x - _own(x), from_x, len(y))
    return of_x + _left_out(within_y - _own(y), from_y, len(x))


def _left_out(within: np.ndarray, across: np.ndarray, others: int) -> float:
    """Return one set's part of the variance: sums of the kernel over its other rows [N], and over the other set [N]."""
    n = len(within)
    means = (within.sum() - 2 * within) / ((n - 1) * (n - 2)) - 2 * (across.sum() - across) / ((n - 1) * others)
    return (n - 1) / n * float(((means - means.mean()) ** 2).sum())


def _sums(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums of k(x, y) over y [N] and over x [M], a part of x at a time."""
    over_y, over_x = np.empty(len(x)), np.zeros(len(y))
    for start in range(0, len(x), ROWS_AT_ONCE):
        kernel = cubic_kernel(x[start : start + ROWS_AT_ONCE], y)
        over_y[start : start + ROWS_AT_ONCE] = kernel.sum(axis=1)
        over_x += kernel.sum(axis=0)
    return over_y, over_x


def _own(x: np.ndarray) -> np.ndarray:
    """Return k(x_i, x_i): [N]."""
    return ((x * x).sum(axis=1) / x.shape[1] + 1.0) ** 3


def _subset(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Return `size` different numbers below n."""
    return rng.choice(n, size, replace=False)
