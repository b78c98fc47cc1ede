"""Over seeds: Student's t for a mean and for a paired difference, levels of a family, how many seeds would do."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit


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


def t_p_value(values: Sequence[float], distance: float) -> float:
    """Two-sided p-value of a mean that lies `distance` from the value it is tested against.

    p = 2 P(T > distance · sqrt(n) / s), T with n - 1 degrees of freedom: the t-interval at level 1 - a reaches that
    value if and only if a ≤ p. Takes [n] finite numbers; 1 below two values or without a spread.
    """
    half_width = t_interval(values, 0.95).half_width
    if not half_width:
        return 1.0
    error = half_width / stdtrit(len(values) - 1, 0.975)
    return float(2 * stdtr(len(values) - 1, -distance / error))


def fdr_level(p_values: npt.NDArray[np.float64], q: float = 0.05) -> npt.NDArray[np.float64]:
    """Level at which the intervals of a family are drawn so that at most a share q of its verdicts is wrong.

    Level = R q / M with R of the M p-values [..., M] accepted at the false discovery rate q, R = 1 where none is
    (Benjamini and Hochberg 1995). Intervals at confidence 1 - level miss what they are of, among those selected, at a
    rate of at most q for independent statistics (Benjamini and Yekutieli 2005, false coverage rate); a verdict is wrong
    only where its interval misses. Returns [..., 1]; needs M >= 1.
    """
    p = np.asarray(p_values, dtype=float)
    rank = np.arange(1, p.shape[-1] + 1)
    small = np.sort(p, axis=-1) * (p.shape[-1] / rank) <= q  # those up to the last one are accepted
    accepted = np.where(small, rank, 0).max(axis=-1, keepdims=True)
    return np.maximum(accepted, 1) * q / p.shape[-1]


def seeds_to_resolve(spread: float, distance: float, alpha: float, most: int = 10_000) -> int | None:
    """Smallest n with t_{1 - alpha / 2, n - 1} · spread / sqrt(n) < distance; None above `most`.

    `spread` is the standard deviation of one seed's difference, `distance` that of the mean from what it is tested
    against, in the same unit. More seeds move both, so that it is an order of magnitude, not a promise.
    """
    n = np.arange(2, most + 1)
    enough = stdtrit(n - 1, 1 - alpha / 2) * spread / np.sqrt(n) < distance
    return int(n[enough.argmax()]) if enough.any() else None
