"""What the page shows of one suite: its table with the costs, and behind every row its runs, settings and command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypedDict

from report.commands import command
from report.names import dataset_label, model_label
from report.page.curves import curve
from report.store import Digest, Suite, number, seed_values
from report.tables.cells import Cell, Line, Table
from report.tables.layout import Column

_COST_UNITS = ("s", "MiB")


@dataclass(frozen=True)
class Row:
    """One line of the page's table: the table's cells, more numbers for comparisons, and the runs behind them."""

    row: str
    variant: str
    label: str
    status: str  # "done", or what else happened to some run
    cells: tuple[Cell, ...]
    runs: tuple[Digest, ...]
    settings: tuple[tuple[str, str], ...]
    command: str


class SuiteData(TypedDict):
    """What the page's scripts read of a suite, but for pictures."""

    name: str
    dataset: str
    columns: list[dict[str, object]]
    rows: list[dict[str, object]]


@dataclass(frozen=True)
class Section:
    """One suite as the page shows it."""

    suite: Suite
    table: Table
    columns: tuple[Column, ...]
    arrows: tuple[str, ...]
    rows: tuple[Row, ...]
    more: tuple[Column, ...]  # measured, not in the table: for comparisons
    command: str
    provenance: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    data: SuiteData = field(default_factory=lambda: SuiteData(name="", dataset="", columns=[], rows=[]))

    @property
    def dataset(self) -> str:
        """The data set's name for a reader."""
        return dataset_label(self.table.dataset)

    @property
    def seeds(self) -> list[int]:
        """The seeds of the runs."""
        return sorted({d.seed for d in self.suite.digests})

    @property
    def has_curves(self) -> bool:
        """Whether some row stores a training curve."""
        return any(curve(row.runs) for row in self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """How many runs ended in which status."""
        statuses = sorted(d.status for d in self.suite.digests)
        return {status: len(list(same)) for status, same in groupby(statuses)}

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Headings above the columns, and how many columns each spans."""
        return [(name, len(list(same))) for name, same in groupby(column.group for column in self.columns)]


def make_section(suite: Suite, table: Table) -> Section:
    """Put the suite's table and what stands behind it together for the page."""
    shown = {(c.metric, c.setting) for c in table.columns}
    measured = dict.fromkeys(
        key for d in suite.digests for key, m in d.values().items() if number(m["value"]) is not None
    )
    left = [key for key in measured if key not in shown]
    cost = tuple(_column(suite, *key, group="Cost") for key in left if suite.metric(key[0]).get("unit") in _COST_UNITS)
    costs = {(c.metric, c.setting) for c in cost}
    more = tuple(_column(suite, *key) for key in left if key not in costs)
    rows = [_row(suite, line, cost) for line in table.lines]
    lines = (Line(row, v, model_label(row, v), (), (), ()) for row, v, _ in suite.models(rows=suite.extra_rows))
    rows += [_row(suite, line, cost, table.columns) for line in lines]
    return Section(
        suite=suite,
        table=table,
        columns=(*table.columns, *cost),
        arrows=(*table.arrows, *("↓" for _ in cost)),
        rows=tuple(rows),
        more=more,
        command=command(suite),
        provenance=_provenance(suite),
    )


def _column(suite: Suite, metric: str, setting: str, group: str = "") -> Column:
    facts = suite.metric(metric)
    unit = f", {facts['unit']}" if facts.get("unit") else ""
    header = f"{facts.get('label') or metric}{unit}" + (f"\n{setting}" if setting else "")
    return Column(metric, setting, header, 2, group, comparable=False)


def _row(suite: Suite, line: Line, cost: tuple[Column, ...], columns: tuple[Column, ...] = ()) -> Row:
    """Return a line of the table with its costs; one that is not of the table brings its `columns`."""
    runs = tuple(suite.runs(line.row, line.variant))
    cells = (*line.cells, *(_mean(column, runs) for column in (*columns, *cost)))
    status = "+".join(sorted({d.status for d in runs} or set(line.statuses)))
    again = command(suite, line.row, line.variant, [d.seed for d in runs])
    return Row(line.row, line.variant, line.label, status, cells, runs, _settings(runs), again)


def _mean(column: Column, runs: tuple[Digest, ...]) -> Cell:
    values = list(seed_values(runs, column.metric, column.setting).values())
    if not values:
        return Cell(None, "–")
    mean = sum(values) / len(values)
    return Cell(mean, column.show(mean), len(values))


def _settings(runs: tuple[Digest, ...]) -> tuple[tuple[str, str], ...]:
    """Return the settings of a row's runs, section by section; those that differ between its seeds are all named."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for name, value in run.facts["run"].items():
            if name not in ("suite", "row", "variant", "seed"):
                found.setdefault(name, {})[_written(value)] = None
    return tuple((name, " or ".join(values)) for name, values in found.items() if any(values))


def _written(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_written(v)}" for key, v in value.items() if v not in (None, {}))
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _provenance(suite: Suite) -> dict[str, tuple[str, ...]]:
    """Return what the runs were made with and on: each different value once."""
    found: dict[str, dict[str, None]] = {}

    def note(name: str, value: object) -> None:
        if value not in (None, "", {}, []):
            found.setdefault(name, {})[_written(value)] = None

    for digest in suite.digests:
        facts, data = digest.facts["provenance"], digest.data
        note("Commit", facts.get("git"))
        note("Machine", facts.get("hardware"))
        note("Python", facts.get("python"))
        note("Packages", facts.get("versions"))
        note("Data", {key: data.get(key) for key in ("name", "sha256", "split_seed", "settings")} if data else None)
        note("Images", data.get("images"))
        note("Classifier of the distances", facts.get("classifier"))
    seconds = sum(number(d.facts["seconds"]) or 0 for d in suite.digests)
    if seconds:
        note("Time of all runs", f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.1f} min")
    return {name: tuple(values) for name, values in found.items()}
