"""A grid of settings of which every seed takes one combination: studies of how often a model works, and how well."""

import math
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

Grid = Mapping[str, Sequence[JsonValue]]  # "network.FIELD" of the network's configuration, or an option of the model's


def size(grid: Grid) -> int:
    """Return the number of combinations; 1 of an empty grid."""
    return math.prod(len(values) for values in grid.values())


def combination(grid: Grid, seed: int) -> tuple[dict[str, JsonValue], dict[str, JsonValue]]:
    """Return the fields of the network and the options of combination number `seed` modulo their number.

    The last axis changes first.
    """
    network: dict[str, JsonValue] = {}
    options: dict[str, JsonValue] = {}
    rest = seed
    for key, values in reversed(list(grid.items())):
        rest, at = divmod(rest, len(values))
        (network if key.startswith("network.") else options)[key.removeprefix("network.")] = values[at]
    return network, options
