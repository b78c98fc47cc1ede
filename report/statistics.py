"""Intervals over seeds: Student's t for one mean and for a paired difference."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit


class Interval(NamedTuple):
    """A mean and the half-width of its confidence interval; the half-width is None below two values."""

    mean: float
    half_width: float | None

    @property
    def resolved(self) -> bool:
        """Whether the interval excludes zero; never so without a spread, where t has nothing to measure against."""
        return bool(self.half_width) and abs(self.mean) > (self.half_width or 0.0)


def t_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Confidence interval of a mean over seeds.

    mean ± t_{(1 + level) / 2, n - 1} · s / sqrt(n), with s the standard deviation with n - 1 below.
    Takes [n] finite numbers, n ≥ 1, returns their unit; raises ValueError without any value.
    """
    if len(values) == 0:
        raise ValueError("no values to average")
    x = np.asarray(values, dtype=float)
    mean = float(x.mean())
    if len(x) < 2:
        return Interval(mean, None)
    half_width = float(stdtrit(len(x) - 1, (1 + level) / 2) * x.std(ddof=1) / np.sqrt(len(x)))
    return Interval(mean, half_width if half_width > 1e-12 * abs(mean) else 0.0)  # equal values up to rounding


def paired_interval(a: Mapping[int, float], b: Mapping[int, float], level: float = 0.95) -> Interval | None:
    """Interval of the mean difference b - a over the seeds that both have; None with fewer than two shared seeds."""
    shared = sorted(a.keys() & b.keys())
    return t_interval([b[seed] - a[seed] for seed in shared], level) if len(shared) >= 2 else None
