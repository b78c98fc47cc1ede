"""Inputs that are changed a little: parts of JSON values that become odd or go, bytes that become others."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ODD = st.sampled_from(
    [None, True, -1, 0, 1, 10**400, -(2**70), 1e308, -1e-320, float("inf"), float("nan"), {}, [], [[]], [None]]
    + ["", "\udcff", "\0\r\n", "=1", "</script>", "é\u2028", "x" * 5000, [1, "x"], {"": None}, {"value": {}}]
)


def examples(number: int) -> settings:
    """Return the settings of a test that tries so many mutated inputs, the same each time, shrunk where one fails."""
    return settings(max_examples=number, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every part of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


def changed(data: st.DataObject, value: Any, wanted: Callable[[tuple[Any, ...]], bool] = lambda path: True) -> Any:
    """Return a JSON value of which one part, of a path that is wanted, is odd, or gone."""
    path = data.draw(st.sampled_from([path for path in places(value) if wanted(path)] or [()]), label="part")
    odd = deepcopy(data.draw(ODD, label="becomes"))  # a later change may be inside it
    if not path:
        return odd
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    if data.draw(st.booleans(), label="gone"):
        del inner[path[-1]]
    else:
        inner[path[-1]] = odd
    return value


def respelt(data: st.DataObject, stored: bytes) -> bytes:
    """Return bytes of which some are others, gone or new."""
    spoilt = bytearray(stored)
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        at = data.draw(st.integers(0, len(spoilt)), label="at")
        spoilt[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3), label="bytes")
    return bytes(spoilt)


def mutated(data: st.DataObject, value: Any, spell: Callable[[Any], str]) -> bytes:
    """Return a value written down with odd parts or, one time in three, with odd bytes."""
    if data.draw(st.integers(0, 2), label="bytes") == 0:
        return respelt(data, spell(value).encode("utf-8", "surrogateescape"))
    for _ in range(data.draw(st.integers(1, 3), label="parts")):
        value = changed(data, value)
    return spell(value).encode("utf-8", "surrogateescape")
