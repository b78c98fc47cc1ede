"""Every trial of a table, seed by seed, as CSV and Markdown, where its layout asks for it."""

from pathlib import Path

from report.files import write_whole
from report.names import model_label
from report.statistics import t_interval
from report.store import Digest, Suite, seed_values
from report.tables.columns import TABLES
from report.tables.formats.csv_text import csv_text
from report.tables.formats.markdown import escape, row
from report.tables.layout import Column

BLANK = "–"


def write_trials(suite: Suite) -> list[Path]:
    """Write trials.csv, unrounded, and trials.md, a table for each column; return the paths, none without such numbers.

    A line of the latter holds the numbers of one model by seed, then their mean and 95% t-interval.
    """
    layout = TABLES[suite.facts["table"]]
    models = suite.models(layout.variants)
    measured = {key for *_, runs in models for run in runs for key, m in run.values().items() if m["value"] is not None}
    columns = [c for c in layout.columns if c.comparable and (c.metric, c.setting) in measured]
    if not layout.trials or not columns:
        return []
    texts = {"csv": _csv(columns, models), "md": _markdown(columns, models)}
    return [write_whole(suite.folder / f"trials.{ending}", text) for ending, text in texts.items()]


_Models = list[tuple[str, str, list[Digest]]]


def _csv(columns: list[Column], models: _Models) -> str:
    lines: list[list[object]] = [["row", "variant", "seed", "status", *(c.key for c in columns)]]
    for name, variant, runs in models:
        lines += [[name, variant, d.seed, d.status, *(d.value(c.metric, c.setting) for c in columns)] for d in runs]
    return csv_text(lines)


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
    found = seed_values(runs, column.metric, column.setting)
    shown = [column.show(found[seed]) if seed in found else BLANK for seed in seeds]
    if not found:
        return row([escape(label), *shown, BLANK])
    mean, half_width = t_interval(list(found.values()))
    last = column.show(mean) if half_width is None else column.show_interval(mean, half_width)
    return row([escape(label), *shown, last])
