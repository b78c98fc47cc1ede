"""A table, and all measurements, as CSV: full precision, in the stored unit."""

import csv
import io
from typing import Any

from report.store import COLUMNS, Suite
from report.tables.cells import Line, Table
from report.tables.layout import Column

_LEAD = ("suite", "dataset", "preset", "settings", "unlike_published", "row", "variant", "n_seeds", "seeds", "status")
_PUBLISHED = {"_published": "printed_value", "_published_difference": "printed_difference"}


def to_csv(table: Table) -> str:
    """Write mean, half-width over seeds, standard error over images, number of seeds and published value per column.

    With a published value come the difference of the mean from it, and once a line how the settings differ from its.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = [column.key + part for column in table.columns for part in _parts(column)]
    writer.writerow([*_LEAD, *keys])
    writer.writerows(_line(table, line) for line in table.lines)
    return text.getvalue()


def to_measurements(suite: Suite) -> str:
    """Write one line per run, metric and setting, in the order of suite.json's runs; values are not rounded."""
    place = {identity: i for i, identity in enumerate((suite.facts["runs"] or {}).values())}
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for digest in sorted(suite.digests, key=lambda d: place.get(d.id, len(place))):
        for measurement in digest.facts["measurements"]:
            line = digest.facts | measurement | {"path": digest.facts.get("path")}
            writer.writerow({key: "" if line.get(key) is None else line[key] for key in COLUMNS})
    return text.getvalue()


def _parts(column: Column) -> dict[str, str]:
    """Return what is written of each cell of a column: ending of the heading -> attribute of the cell."""
    parts = {"": "value", "_half_width": "half_width", "_n": "n"}
    parts |= {"_se": "standard_error"} if column.image_error else {}
    return parts | (_PUBLISHED if column.printed_setting is not None else {})


def _line(table: Table, line: Line) -> list[Any]:
    seeds = " ".join(map(str, line.seeds))
    status = "+".join(sorted(set(line.statuses)))
    numbers = [
        getattr(cell, attribute)
        for column, cell in zip(table.columns, line.cells, strict=True)
        for attribute in _parts(column).values()
    ]
    suite = [table.suite, table.dataset, table.preset, table.settings, table.unlike_printed]
    return [*suite, line.row, line.variant, len(line.seeds), seeds, status, *numbers]
