"""Whether stored JSON has the shape that tables, figures and pages rely on: one clear line where it has not."""

from collections.abc import Mapping
from typing import Any

_OPTIONAL: dict[str, type] = {  # part of a digest -> its kind; any may be absent or null
    "run": dict,
    "provenance": dict,
    "curves": dict,
    "tsne": dict,
    "classes": list,
}
_INSIDE = {"run": ("training", "options", "evaluation"), "provenance": ("data", "classifier", "hardware")}
_SUITE: dict[str, type] = {"rows": list, "metrics": dict, "runs": dict, "published": dict}
_NAMES: dict[type, str] = {dict: "an object", list: "a list"}


def check_digest(facts: Mapping[str, Any]) -> None:
    """Raise ValueError or KeyError, naming the part, for a digest whose parts are not of their kinds."""
    for name, kind in _OPTIONAL.items():
        _expect(facts.get(name), kind, name)
        for inner in _INSIDE.get(name, ()):
            _expect((facts.get(name) or {}).get(inner), dict, f"{name}.{inner}")
    for key, values in (facts.get("curves") or {}).items():
        _expect(values, list, f"curves.{key}")
    if tsne := facts.get("tsne"):
        if len({len(tsne[axis]) for axis in ("x", "y", "label")}) != 1:
            raise ValueError("x, y and label of tsne differ in length")
        if not all(set(map(type, tsne[axis])) <= {int, float} for axis in ("x", "y", "label")):
            raise ValueError("tsne holds something other than numbers")
    for m in facts["measurements"]:
        _check_measurement(m)


def check_suite(facts: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the part, for a suite.json whose parts are not of their kinds."""
    for name, kind in _SUITE.items():
        _expect(facts.get(name), kind, name)
    for name, metric in (facts.get("metrics") or {}).items():
        _expect(metric, dict, f"metrics.{name}")
    if missing := {"paper", "table"} - set(facts.get("published") or ("paper", "table")):
        raise ValueError(f"published lacks {sorted(missing)[0]!r}")


def _check_measurement(m: Mapping[str, Any]) -> None:
    if not all(isinstance(m[key], str) for key in ("metric", "status")):
        raise ValueError("a measurement's metric or status is not text")
    if not isinstance(m.get("setting") or "", str):
        raise ValueError(f"the setting of {m['metric']} is not text")
    if not isinstance(m.get("version", 1), int):
        raise ValueError(f"the version of {m['metric']} is not a whole number")
    if m["status"] == "ok" and not isinstance(m["value"], int | float | None):
        raise ValueError(f"the value of {m['metric']} is not a number")


def _expect(value: Any, kind: type, name: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"{name} is not {_NAMES[kind]}")
