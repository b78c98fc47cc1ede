"""What a metric is, what it returns, and how it says that it cannot be had."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from itertools import product
from operator import index
from typing import Literal

from bench.errors import Blank

__all__ = ["Blank", "Measured", "Metric", "grid"]


@dataclass(frozen=True)
class Measured:
    """One number, its standard error and the number of samples it rests on, as plain numbers.

    Numbers of NumPy and tensors of one element are made plain. Raises ValueError for a value or an error that is not
    finite, so that no table ever holds one, TypeError for what is no number.
    """

    value: float
    se: float | None = None
    n: int | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"the metric came out as {self.value}")
        object.__setattr__(self, "value", float(self.value))
        if self.se is not None:
            if not math.isfinite(self.se):
                raise ValueError(f"the standard error came out as {self.se}")
            object.__setattr__(self, "se", float(self.se))
        if self.n is not None:
            object.__setattr__(self, "n", index(self.n))


@dataclass(frozen=True)
class Metric:
    """A metric's label, unit and direction, what it takes, and where its function is ("module:function").

    `inputs` are names of ARRAYS; `needs` are capabilities of a model besides those that the inputs need. A metric with
    an `extra` is measured only where the evaluation's `extras` name it. `version` grows when the same model would give
    another number than before: values of two versions never share a table.
    """

    label: str
    unit: str
    direction: Literal["lower", "higher", "none"]
    target: str
    inputs: tuple[str, ...]
    description: str
    needs: frozenset[str] = frozenset()
    settings: tuple[dict[str, str], ...] = ({},)
    extra: str | None = None
    version: int = 1

    def function(self) -> Callable[..., Measured]:
        """Return the function `f(*arrays) -> Measured`, which may also take `setting` and `rng` by name."""
        module, name = self.target.split(":")
        return getattr(import_module(module), name)

    def options(self, given: Mapping[str, object]) -> dict[str, object]:
        """Return those of `given` (a setting, a generator) that the function takes by name."""
        taken = signature(self.function()).parameters
        return {name: value for name, value in given.items() if name in taken}


def grid(**axes: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    """Return the product of named axes as settings."""
    return tuple(dict(zip(axes, values, strict=True)) for values in product(*axes.values()))
