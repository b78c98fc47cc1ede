"""A grid of settings of which every seed takes one combination: studies of how often a model works, and how well."""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

Grid = Mapping[str, Sequence[Any]]  # "network.FIELD" of the network's configuration, or an option of the model's


def size(grid: Grid) -> int:
    """Return the number of combinations; 1 of an empty grid."""
    return math.prod(len(values) for values in grid.values())


def combination(grid: Grid, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of the network and the options of combination number `seed` modulo their number.

    The last axis changes first.
    """
    values = list(product(*grid.values()))[seed % size(grid)]
    network: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for key, value in zip(grid, values, strict=True):
        where, _, field = key.rpartition(".")
        (network if where == "network" else options)[field] = value
    return network, options
