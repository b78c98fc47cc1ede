"""What tuning chose and gained, where a suite's rows were tuned alike: one line a model, as CSV and Markdown."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from report.files import write_whole
from report.names import model_label
from report.store import Suite
from report.tables.formats.csv_text import csv_text
from report.tables.formats.markdown import escape, row


class Tuned(NamedTuple):
    """What was chosen for a model; `own` is the value of the row's own configuration, None where that failed."""

    row: str
    variant: str
    criterion: str
    configurations: int
    failed: int
    chosen: Mapping[str, object]
    changed: bool
    own: float | None
    value: float
    gain: float | None


def tuned(suite: Suite) -> list[Tuned]:
    """Return what was chosen for each model of a suite; none where its rows were not tuned.

    `gain` is by how much the chosen configuration's criterion on validation images is better than that of the row's
    own: a choice among values, which flatters it, so that the tables' numbers are of test images and other seeds.
    """
    found = []
    for name, variant, _ in suite.models():
        outcome = suite.facts["tuning"].get(f"{name}/{variant}")
        if outcome is None:
            continue
        value, own = outcome["values"][outcome["chosen"]], outcome["values"][0]
        if value is None:
            continue
        sign = suite.sign(outcome["criterion"].partition("[")[0])
        chosen = dict(zip(outcome["keys"], outcome["points"][outcome["chosen"]], strict=True))
        failed = outcome["values"].count(None)
        gain = None if own is None else sign * (value - own)
        about = (outcome["criterion"], len(outcome["values"]), failed, chosen, outcome["chosen"] > 0)
        found.append(Tuned(name, variant, *about, own, value, gain))
    return found


def budget(suite: Suite) -> str:
    """Return the budget of a model's tuning in words; empty where the rows were not tuned."""
    found = tuned(suite)
    if not found:
        return ""
    most = " or ".join(str(n) for n in sorted({line.configurations for line in found}))
    return f"the best of {most} configurations a model on validation images"


def write_tuning(suite: Suite) -> list[Path]:
    """Write tuning.csv, unrounded, and tuning.md; return the paths, none where the rows were not tuned."""
    found = tuned(suite)
    if not found:
        return []
    texts = {"csv": _csv(found), "md": _markdown(suite, found)}
    return [write_whole(suite.folder / f"tuning.{ending}", text) for ending, text in texts.items()]


def _csv(found: list[Tuned]) -> str:
    keys = list(dict.fromkeys(key for line in found for key in line.chosen))
    heads: list[object] = ["row", "variant", "criterion", "configurations", "failed", "own", "value", "gain", *keys]
    lines = [[*line[:5], line.own, line.value, line.gain, *(line.chosen.get(key) for key in keys)] for line in found]
    return csv_text([heads, *lines])


def _markdown(suite: Suite, found: list[Tuned]) -> str:
    said = (
        f"Each model has {budget(suite)}: its own one and draws from stated ranges, trained at one seed. Gain: by how "
        "much the chosen one is better than the model's own on those images, in the criterion's unit. The tables are "
        "of test images."
    )
    heads = ["Model", "Criterion", "Chosen", "Own", "Chosen one's", "Gain", "Failed"]
    lines = [row(heads), row([":---", ":---", ":---", "---:", "---:", "---:", "---:"])]
    for line in found:
        chosen = ", ".join(f"{key} {value}" for key, value in line.chosen.items()) if line.changed else "its own"
        cells = [model_label(line.row, line.variant), _criterion(suite, line.criterion), chosen]
        numbers = [_short(line.own), _short(line.value), _short(line.gain), f"{line.failed} of {line.configurations}"]
        lines.append(row([*map(escape, cells), *numbers]))
    return "\n".join([escape(said), "", *lines, ""])


def _criterion(suite: Suite, criterion: str) -> str:
    facts = suite.metric(criterion.partition("[")[0])
    return str(facts.get("label") or criterion) + (f" ({facts['unit']})" if facts.get("unit") else "")


def _short(value: float | None) -> str:
    """Write four digits of a number: 23.41, 0.003210."""
    if value is None:
        return "–"
    digits = 2 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 6)}f}"
