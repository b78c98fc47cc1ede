"""What a metric returns, and how it says that it cannot be had."""

import math
from dataclasses import dataclass


class Blank(Exception):
    """The metric cannot be had here; the message is the reason that stands in the table's blank cell."""


@dataclass(frozen=True)
class Measured:
    """One number, its standard error and the number of samples it rests on.

    Raises ValueError for a value that is not finite, so that no table ever holds one.
    """

    value: float
    se: float | None = None
    n: int | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"the metric came out as {self.value}")
