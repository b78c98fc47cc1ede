"""From stored runs to a table: means over seeds, intervals, the better of a pair, and why a cell is blank."""

import re
from collections.abc import Iterable
from dataclasses import replace

from report.names import PAIR, model_label
from report.published import Printed, Published, printed_cell
from report.statistics import paired_interval, t_interval
from report.store import Digest, NoResults, Suite, number, seed_values
from report.tables.captions import caption, newest_version, remarks, settings
from report.tables.cells import Cell, Line, Table
from report.tables.columns import TABLES
from report.tables.layout import Column, Layout
from report.tables.printed import beside_printed, unlike_printed

BLANK = "–"
_ARROWS = {-1: "↓", 1: "↑"}
_SAMPLER = re.compile(r"sampler=[^;]*")
_PRINTED_AS = {
    "unidirectional": "unidirectional",
    "bidirectional": "bidirectional",
    "stock": "unidirectional",
    "corrected": "unidirectional",
}


def make_table(suite: Suite, published: Published | None = None) -> Table:
    """Build the suite's table from its digests; with `published`, printed values stand beside the measured ones.

    A cell is the mean over seeds; the better cell of a pair is marked where the paired 95% t-interval over at least
    two shared seeds excludes zero. Columns without any value, measured or printed, are left out and named in the
    caption; what the paper prints of other rows stands in lines of its own.
    Raises NoResults for a kind of table that is not in TABLES.
    """
    layout = TABLES.get(suite.facts["table"])
    if layout is None:
        raise NoResults(f"{suite.folder}: unknown table {suite.facts['table']!r}; known: {', '.join(TABLES)}")
    groups = suite.models(layout.variants)
    runs = [d for *_, group in groups for d in group]
    done = [d for d in runs if d.status == "done"]
    measured = {key for d in runs for key in d.values()}
    printed = {key[2:] for key in published or ()}
    candidates = [
        c
        for c in (*layout.columns, *_added(suite, measured))
        if (c.metric, c.setting) in measured or (c.metric, c.printed_setting) in printed
    ]
    columns = [
        c
        for c in candidates
        if seed_values(done, c.metric, c.setting) or not done or (c.metric, c.printed_setting) in printed
    ]
    notes: dict[str, int] = {}
    lines = []
    for row, variant, group in groups:
        cells = tuple(_beside(_cell(c, group, notes), _printed(published, row, variant, c)) for c in columns)
        seeds, statuses = tuple(d.seed for d in group), tuple(d.status for d in group)
        lines.append(Line(row, variant, model_label(row, variant), seeds, statuses, cells))
    lines, compared = _mark_best(lines, columns, layout, suite)
    lines = _with_printed_alone(suite, lines, columns, published or {})
    anchors = _anchors(suite, columns)
    dropped = {c.header: _reason(c, done) for c in candidates if c not in columns}
    return Table(
        suite=suite.name,
        dataset=suite.facts["dataset"],
        preset=suite.facts["preset"],
        settings=settings(suite),
        caption=caption(suite, lines, columns, compared),
        remarks=(
            *beside_printed(suite, lines, columns),
            *remarks(suite, layout, dropped, _on_printed(lines, columns, published)),
            *(
                ["Training images, noise: what they get in the place of samples, by whatever sampler."]
                if anchors
                else ()
            ),
        ),
        columns=tuple(columns),
        arrows=tuple(_ARROWS.get(suite.sign(c.metric), "") for c in columns),
        lines=(*lines, *anchors),
        notes=tuple(notes),
        unlike_printed="; ".join(unlike_printed(suite)) if published else "",
    )


def _added(suite: Suite, measured: Iterable[tuple[str, str]]) -> list[Column]:
    """Return a column for each setting of the metrics that say they want one: those of plug-ins."""
    shown = {name: facts.get("label", name) for name, facts in suite.facts["metrics"].items() if facts.get("column")}
    keys = sorted(key for key in measured if key[0] in shown)
    return [Column(name, setting, f"{shown[name]}\n{setting}".rstrip(), 3) for name, setting in keys]


def _cell(column: Column, runs: list[Digest], notes: dict[str, int]) -> Cell:
    values = seed_values(runs, column.metric, column.setting)
    if not values:
        return _without_value(column, runs, notes)
    mean, half_width = t_interval(list(values.values()))
    error = None
    if column.image_error and len(values) == 1:
        (seed,) = values
        error = number(next(d for d in runs if d.seed == seed).values()[column.metric, column.setting].get("se"))
    whole = mean == round(mean) and len(values) == 1
    style = replace(column, decimals=0) if column.metric == "active_units" and whole else column
    display = style.show(mean)
    if half_width is not None and column.comparable:
        display = column.show_interval(mean, half_width)
    elif error is not None:
        display = f"{column.show_interval(mean, error)} SE"
    return Cell(mean, display, len(values), half_width, error)


def _without_value(column: Column, runs: list[Digest], notes: dict[str, int]) -> Cell:
    broken = [d.status for d in runs if d.status != "done"]
    if len(broken) == len(runs):
        return Cell(None, broken[0])
    done = [d for d in runs if d.status == "done"]
    stored = [d.values().get((column.metric, column.setting)) for d in done]
    failed = any(m and m["status"] == "failed" for m in stored)
    reason = _reason(column, done)
    return Cell(None, "failed" if failed else BLANK, note=notes.setdefault(reason, len(notes)))


def _reason(column: Column, runs: Iterable[Digest]) -> str:
    stored = [d.values().get((column.metric, column.setting)) for d in runs]
    return next((str(m["reason"]) for m in stored if m and m.get("reason")), "not measured")


def _printed(published: Published | None, row: str, variant: str, column: Column) -> Printed | None:
    """Return what the paper prints for a cell: of the same variant, else of the one that it stands beside."""
    if column.printed_setting is None:
        return None
    variants = (variant, _PRINTED_AS.get(variant, variant))
    found = (printed_cell(published, row, v, column.metric, column.printed_setting) for v in variants)
    return next((cell for cell in found if cell), None)


def _with_printed_alone(suite: Suite, lines: list[Line], columns: list[Column], published: Published) -> list[Line]:
    """Return the lines and, below those of the same row or of its settings, those that only the paper has."""
    shown = {id(cell) for x in lines for c in columns if (cell := _printed(published, x.row, x.variant, c))}
    left = {key: cell for key, cell in published.items() if id(cell) not in shown}
    alone = []
    for row, variant in dict.fromkeys(key[:2] for key in left):
        found = [left.get((row, variant, c.metric, str(c.printed_setting))) for c in columns]
        label = f"{model_label(row, variant if variant in PAIR else PAIR[0])}, as printed"
        if any(found):
            alone.append(Line(row, variant, label, (), ("printed",), tuple(_beside(Cell(None, ""), p) for p in found)))
    order = list(suite.rows)
    for row in dict.fromkeys(line.row for line in alone if line.row not in suite.rows):
        beside = [i for i, name in enumerate(order, 1) if name.startswith((f"{row} ", f"{row}-"))]
        order.insert(beside[-1] if beside else len(order), row)
    return sorted([*lines, *alone], key=lambda line: order.index(line.row))


def _beside(cell: Cell, printed: Printed | None) -> Cell:
    return cell if printed is None else replace(cell, printed=printed.text, printed_value=printed.value)


def _mark_best(lines: list[Line], columns: list[Column], layout: Layout, suite: Suite) -> tuple[list[Line], int]:
    """Return the lines with the better cells of pairs marked, and how many pairs of cells were compared."""
    better: set[tuple[str, str, int]] = set()
    compared = 0
    for row in {line.row for line in lines}:
        for i, column in enumerate(columns):
            sign = suite.sign(column.metric) if column.comparable else 0
            first, second = (seed_values(suite.runs(row, v), column.metric, column.setting) for v in layout.pair)
            difference = paired_interval(first, second) if sign else None
            if difference is not None:
                compared += 1
                if difference.resolved:
                    better.add((row, layout.pair[1 if difference.mean * sign > 0 else 0], i))
    marked = [
        replace(x, cells=tuple(replace(c, best=(x.row, x.variant, i) in better) for i, c in enumerate(x.cells)))
        for x in lines
    ]
    return marked, compared


def _anchors(suite: Suite, columns: Iterable[Column]) -> list[Line]:
    """Return a line each of what training images, and noise, get in the place of samples, where a column has that."""
    lines = []
    for anchor in suite.anchors:
        found = [_of_anchor(suite, anchor, column) for column in columns]
        if any(cell.value is not None for cell in found):
            lines.append(Line(anchor.row, anchor.variant, anchor.row, (), ("anchor",), tuple(found)))
    return lines


def _of_anchor(suite: Suite, anchor: Digest, column: Column) -> Cell:
    """Return an anchor's cell, empty where the column is not of samples or the suite has another version of it."""
    setting, sampled = _SAMPLER.subn("sampler=normal", column.setting)
    found = anchor.values().get((column.metric, setting)) if sampled else None
    value = anchor.value(column.metric, setting)
    if not found or value is None or found.get("version", 1) != newest_version(suite, column.metric):
        return Cell(None, "")
    return Cell(value, column.show(value))


def _on_printed(lines: list[Line], columns: list[Column], published: Published | None) -> list[str]:
    """What has to be known about the printed values shown, once per column and remark."""
    found = {
        f"{column.header.split()[0]}: {printed.note}": None
        for line in lines
        for column in columns
        if (printed := _printed(published, line.row, line.variant, column)) and printed.note
    }
    return list(found)
