"""Every trial of a table, seed by seed, as CSV and Markdown, where its layout asks for it."""

import csv
import io
from pathlib import Path

from report.names import model_label
from report.statistics import t_interval
from report.store import Digest, Suite, number
from report.tables.columns import TABLES
from report.tables.formats.markdown import escape, row
from report.tables.layout import Column

BLANK = "–"


def write_trials(suite: Suite) -> list[Path]:
    """Write trials.csv, unrounded, and trials.md, a table for each column; return the paths, none without such numbers.

    A line of the latter holds the numbers of one model by seed, then their mean and 95% t-interval.
    """
    layout = TABLES[suite.facts["table"]]
    models = [(r, v, runs) for r in suite.rows for v in layout.variants if (runs := suite.runs(r, v))]
    measured = {key for *_, runs in models for run in runs for key, m in run.values().items() if m["value"] is not None}
    columns = [c for c in layout.columns if c.comparable and (c.metric, c.setting) in measured]
    if not layout.trials or not columns:
        return []
    paths = [suite.folder / "trials.csv", suite.folder / "trials.md"]
    for path, text in zip(paths, (_csv(columns, models), _markdown(columns, models)), strict=True):
        path.write_text(text, encoding="utf-8", newline="\n")
    return paths


_Models = list[tuple[str, str, list[Digest]]]


def _csv(columns: list[Column], models: _Models) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "variant", "seed", "status", *(c.key for c in columns)])
    for name, variant, runs in models:
        writer.writerows([name, variant, d.seed, d.status, *(_value(d, c) for c in columns)] for d in runs)
    return text.getvalue()


def _markdown(columns: list[Column], models: _Models) -> str:
    seeds = sorted({d.seed for *_, runs in models for d in runs})
    heads = ["Model", *(f"seed {seed}" for seed in seeds), "mean"]
    parts = []
    for column in columns:
        lines = [_line(column, model_label(name, variant), seeds, runs) for name, variant, runs in models]
        rule = row([":---", *["---:"] * (len(heads) - 1)])
        parts += [f"**{escape(column.header)}**", "", row(heads), rule, *lines, ""]
    return "\n".join(parts)


def _line(column: Column, label: str, seeds: list[int], runs: list[Digest]) -> str:
    found = {d.seed: _value(d, column) for d in runs}
    values = [value for value in found.values() if value is not None]
    shown = [BLANK if (value := found.get(seed)) is None else column.show(value) for seed in seeds]
    if not values:
        return row([escape(label), *shown, BLANK])
    mean, half_width = t_interval(values)
    last = column.show(mean) if half_width is None else column.show_interval(mean, half_width)
    return row([escape(label), *shown, last])


def _value(digest: Digest, column: Column) -> float | None:
    return number((digest.values().get((column.metric, column.setting)) or {}).get("value"))
