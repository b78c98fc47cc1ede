"""The papers' own numbers, as printed, from published.csv."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from report.stored_json import Source


@dataclass(frozen=True)
class Printed:
    """One published cell: as printed, as a number, and what has to be known about it."""

    text: str
    value: float
    unit: str
    note: str
    table: str = ""


PRINTED = "published.csv"
_COLUMNS = {"paper", "table", "dataset", "row", "variant", "metric", "setting", "printed", "value", "unit", "note"}
PrintedLine = Mapping[str, str]  # a line of published.csv, by column
Published = Mapping[tuple[str, str, str, str], Printed]  # (row, variant, metric, setting)


def read_published(folder: Path) -> list[PrintedLine] | None:
    """Read the lines of published.csv of the results folder, else the one of this package; None where neither exists.

    Raises OSError or ValueError where it cannot be read, lacks a column or holds something else for a number.
    """
    candidates = (folder / PRINTED, Path(__file__).with_name(PRINTED))
    path = next((p for p in candidates if p.is_file()), None)
    if path is None:
        return None
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            lines = list(reader)
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: {error}") from None
    if missing := _COLUMNS - set(reader.fieldnames or ()):
        raise ValueError(f"it lacks {min(missing)!r}")
    if any(None in line or None in line.values() for line in lines):
        raise ValueError("its lines differ in length")
    for line in lines:
        float(line["value"])
    return list(lines)


def cells_of(lines: Iterable[PrintedLine], source: Source) -> Published:
    """Return the printed cells of one paper for the data set of one of its tables (its figures included)."""
    paper = [line for line in lines if line["paper"] == source["paper"]]
    datasets = {line["dataset"] for line in paper if line["table"] == source["table"]}
    return {
        (c["row"], c["variant"], c["metric"], c["setting"]): Printed(
            c["printed"], float(c["value"]), c["unit"], c["note"], c["table"]
        )
        for c in paper
        if c["dataset"] in datasets
    }


def printed_cell(published: Published | None, row: str, variant: str, metric: str, setting: str) -> Printed | None:
    """Look up one cell; Figure 4 states no β, so "beta-VAE 1.5 z128" finds its "beta-VAE z128"."""
    row = re.sub(r" [\d.]+(?= z\d+$)", "", row)
    return None if published is None else published.get((row, variant, metric, setting))
