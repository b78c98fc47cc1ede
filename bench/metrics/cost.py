"""What a model costs in memory and time."""

import numpy as np

from bench.metrics.types import Measured


def parameter_mib(count: np.ndarray) -> Measured:
    """Return the MiB that the parameters fill: 4 bytes each in fp32, 2^20 bytes a MiB; count [1]."""
    return Measured(4.0 * float(count.item()) / 2**20)


def generation_seconds(seconds: np.ndarray) -> Measured:
    """Return the median of the seconds that each run took [n]."""
    return Measured(float(np.median(seconds)), None, len(seconds))
