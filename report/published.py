"""The papers' own numbers, as printed, from published.csv."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from report.stored_json import Source

if TYPE_CHECKING:
    import pandas as pd


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
Published = Mapping[tuple[str, str, str, str], Printed]  # (row, variant, metric, setting)


def read_published(folder: Path) -> "pd.DataFrame | None":
    """Read published.csv of the results folder, else the one of this package; None where neither exists.

    Raises OSError or ValueError where it cannot be read, lacks a column or holds something else for a number.
    """
    candidates = (folder / PRINTED, Path(__file__).with_name(PRINTED))
    path = next((p for p in candidates if p.is_file()), None)
    if path is None:
        return None
    import pandas as pd

    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    if missing := _COLUMNS - set(frame.columns):
        raise ValueError(f"it lacks {min(missing)!r}")
    frame["value"].astype(float)
    return frame


def cells_of(frame: "pd.DataFrame", source: Source) -> Published:
    """Return the printed cells of one paper for the data set of one of its tables (its figures included)."""
    paper = frame[frame["paper"] == source["paper"]]
    datasets = set(paper.loc[paper["table"] == source["table"], "dataset"])
    lines = paper[paper["dataset"].isin(datasets)].to_dict("records")
    return {
        (c["row"], c["variant"], c["metric"], c["setting"]): Printed(
            c["printed"], float(c["value"]), c["unit"], c["note"], c["table"]
        )
        for c in lines
    }


def printed_cell(published: Published | None, row: str, variant: str, metric: str, setting: str) -> Printed | None:
    """Look up one cell; Figure 4 states no β, so "beta-VAE 1.5 z128" finds its "beta-VAE z128"."""
    row = re.sub(r" [\d.]+(?= z\d+$)", "", row)
    return None if published is None else published.get((row, variant, metric, setting))
