"""A table as CSV: one line per row and variant, full precision, in the stored unit."""

import csv
import io
from typing import Any

from report.cells import Line, Table
from report.columns import Column


def to_csv(table: Table) -> str:
    """Write mean, half-width over seeds, standard error over images, number of seeds and published value per column."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = [column.key + part for column in table.columns for part in _parts(column)]
    writer.writerow(["suite", "dataset", "preset", "row", "variant", "n_seeds", "seeds", "status", *keys])
    writer.writerows(_line(table, line) for line in table.lines)
    return text.getvalue()


def _parts(column: Column) -> dict[str, str]:
    """Return what is written of each cell of a column: ending of the heading -> attribute of the cell."""
    parts = {"": "value", "_half_width": "half_width", "_n": "n"}
    parts |= {"_se": "standard_error"} if column.image_error else {}
    return parts | ({"_published": "printed_value"} if column.printed_setting is not None else {})


def _line(table: Table, line: Line) -> list[Any]:
    seeds = " ".join(map(str, line.seeds))
    status = "+".join(sorted(set(line.statuses)))
    numbers = [
        getattr(cell, attribute)
        for column, cell in zip(table.columns, line.cells, strict=True)
        for attribute in _parts(column).values()
    ]
    lead = [table.suite, table.dataset, table.preset, line.row, line.variant, len(line.seeds), seeds, status]
    return [*lead, *numbers]
