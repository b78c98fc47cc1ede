"""What a model costs: parameters, memory and time."""

import numpy as np

from bench.metrics.types import Measured


def parameters(count: np.ndarray) -> Measured:
    """Return the number of trainable parameters; count [1]."""
    return Measured(float(count.item()))


def parameter_mib(count: np.ndarray) -> Measured:
    """Return the MiB that the parameters fill: 4 bytes each in fp32, 2^20 bytes a MiB; count [1]."""
    return Measured(4.0 * float(count.item()) / 2**20)


def seconds_per_epoch(seconds: np.ndarray) -> Measured:
    """Return the wall-clock seconds of one pass over the training images; seconds [1]."""
    return Measured(float(seconds.item()))


def generation_seconds(seconds: np.ndarray) -> Measured:
    """Return the median of the seconds that each run took [n]."""
    return Measured(float(np.median(seconds)), None, len(seconds))
