"""A table, and all measurements, as CSV: full precision, in the stored unit."""

import csv
import io
from collections.abc import Iterable, Sequence

from report.store import COLUMNS, Suite, lines
from report.tables.cells import Line, Table
from report.tables.layout import Column

_LEAD = ("suite", "dataset", "preset", "settings", "unlike_published", "row", "variant", "n_seeds", "seeds", "status")
_PUBLISHED = {"_published": "printed_value", "_published_difference": "printed_difference"}


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """Write lines as CSV; text that a spreadsheet would take for a formula begins with an apostrophe."""
    written = []
    for line in lines:
        text = io.StringIO()
        csv.writer(text).writerow(map(_plain, line))  # which quotes a return as well as a line feed
        written.append(text.getvalue().removesuffix("\r\n"))
    return "\n".join([*written, ""])


def to_csv(table: Table) -> str:
    """Write mean, half-width over seeds, standard error over images, number of seeds and published value per column.

    With a published value come the difference of the mean from it, and once a line how the settings differ from its.
    """
    keys = [column.key + part for column in table.columns for part in _parts(column)]
    return csv_text([[*_LEAD, *keys], *(_line(table, line) for line in table.lines)])


def to_measurements(suite: Suite) -> str:
    """Write one line per run, metric and setting, in the order of suite.json's runs; values are not rounded."""
    place = {identity: i for i, identity in enumerate((suite.facts["runs"] or {}).values())}
    digests = sorted(suite.digests, key=lambda d: place.get(d.id, len(place)))
    return csv_text([COLUMNS, *(list(line.values()) for digest in digests for line in lines(digest))])


def _plain(field: object) -> object:
    """Return a field that is no formula: one that begins with =, +, -, @, a tab or a return, and is no number."""
    if not isinstance(field, str) or not field.startswith(("=", "+", "-", "@", "\t", "\r")):
        return field
    try:
        float(field)
    except ValueError:
        return f"'{field}"
    return field


def _parts(column: Column) -> dict[str, str]:
    """Return what is written of each cell of a column: ending of the heading -> attribute of the cell."""
    parts = {"": "value", "_half_width": "half_width", "_n": "n"}
    parts |= {"_se": "standard_error"} if column.image_error else {}
    return parts | (_PUBLISHED if column.printed_setting is not None else {})


def _line(table: Table, line: Line) -> list[object]:
    seeds = " ".join(map(str, line.seeds))
    status = "+".join(sorted(set(line.statuses)))
    numbers = [
        getattr(cell, attribute)
        for column, cell in zip(table.columns, line.cells, strict=True)
        for attribute in _parts(column).values()
    ]
    suite = [table.suite, table.dataset, table.preset, table.settings, table.unlike_printed]
    return [*suite, line.row, line.variant, len(line.seeds), seeds, status, *numbers]
