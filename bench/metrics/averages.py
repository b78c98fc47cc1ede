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


def bits_per_dim(nll_nats: np.ndarray, dimensions: np.ndarray) -> Measured:
    r"""Return the mean over images of :math:`-\log_2 p(x) / D`, with D = C H W.

    nll_nats: [N], the importance-weighted estimate of each image; dimensions: [1], D. Source: Table 2, selfVAE.
    """
    return mean(nll_nats / (float(dimensions.item()) * math.log(2)))
