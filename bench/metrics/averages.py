"""Means over the test set of numbers that each image has one of, and numbers that there is one of."""

import math

import numpy as np

from bench.metrics.types import Measured


def mean(values: np.ndarray) -> Measured:
    """Return the mean of values [N] with its standard error s / sqrt(N), s the sample deviation (None at N = 1).

    Raises ValueError where there is no value, or the mean is not finite.
    """
    n = len(values)
    if n == 0:
        raise ValueError("no values to average")
    exact = np.asarray(values, dtype=np.float64)
    return Measured(float(exact.mean()), float(exact.std(ddof=1) / np.sqrt(n)) if n > 1 else None, n)


def only(value: np.ndarray) -> Measured:
    """Return the number that an array [1] holds."""
    return Measured(float(value.item()))


def mean_nll(nll_nats: np.ndarray, neg_elbo_nats: np.ndarray) -> Measured:
    r"""Return the mean of -ln p(x), of which the first n images have an estimate y, all N images having e = -ELBO.

    .. math:: \bar y_n + b (\bar e_N - \bar e_n), \quad
        s^2 = \Bigl(\frac1n + \frac{(\bar e_N - \bar e_n)^2}{\sum_{i \le n} (e_i - \bar e_n)^2}\Bigr) s_r^2
        + \frac{b^2 s_e^2}{N}

    Source: the regression estimator of double sampling (Cochran 1977, Section 12.6), e being a control variate whose
    mean is estimated too. b is the least-squares slope of y on e over the n images and s_r their residual deviation,
    s_e is that of all e; both sets are samples of images. nll_nats [n], neg_elbo_nats [N]. The plain `mean` of y for
    n = N, for n < 3, and where e tells nothing: it does not vary, or is not finite. Raises as `mean` does.
    """
    n, n_all = len(nll_nats), len(neg_elbo_nats)
    plain = mean(nll_nats)
    e_all = np.asarray(neg_elbo_nats, dtype=np.float64)
    e = e_all[:n] - e_all[:n].mean()
    spread = float(e @ e)
    if n == n_all or n < 3 or not (np.isfinite(e_all).all() and spread > 0):
        return plain
    y = np.asarray(nll_nats, dtype=np.float64) - plain.value
    slope = float(e @ y) / spread
    moved = float(e_all.mean() - e_all[:n].mean())
    of_residuals = float(((y - slope * e) ** 2).sum()) / (n - 2)
    variance = (1 / n + moved**2 / spread) * of_residuals + slope**2 * float(e_all.var(ddof=1)) / n_all
    return Measured(plain.value + slope * moved, math.sqrt(variance), n)


def bits_per_dim(nll_nats: np.ndarray, neg_elbo_nats: np.ndarray, dimensions: np.ndarray) -> Measured:
    r"""Return `mean_nll` as the mean of :math:`-\log_2 p(x) / D`, with D = C H W.

    nll_nats [n] and neg_elbo_nats [N] as there; dimensions: [1], D. Source: Table 2, selfVAE.
    """
    nats = float(dimensions.item()) * math.log(2)
    return mean_nll(nll_nats / nats, neg_elbo_nats / nats)
