"""What the page's scripts read: seed values, runs, curves, embeddings and pictures of every row, as plain data."""

import base64
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
from scipy.special import stdtrit

from report.figures.colours import CLASSES
from report.page.curves import curve
from report.page.sections import Row, Section, SuiteData
from report.store import Digest, Tile, seed_values
from report.tables.cells import Cell
from report.tables.layout import Column

TILES = ("samples", "reconstructions")
_SHOWN = ("latent_dim", "options", "training")  # settings that a tooltip has room for
_UNSAFE = "<>&\u2028\u2029"


def to_script(value: object) -> str:
    """Return JSON that is harmless inside a script element: <, >, & and line separators are written as escapes."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for character in _UNSAFE:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def payload(
    sections: Sequence[Section], pictures: Mapping[Path | Tile, str | None], results: Path
) -> dict[str, object]:
    """Return all that tooltips, curves and comparisons show.

    `t` holds the two-sided 95% quantiles of Student's t for 1, 2, … degrees of freedom, up to the most seeds of a row.
    """
    most = max((len(row.runs) for section in sections for row in section.rows), default=0)
    return {
        "t": [float(stdtrit(df, 0.975)) for df in range(1, max(most, 2))],
        "classColours": CLASSES,
        "suites": [_suite(section, pictures, results) for section in sections],
    }


def _suite(section: Section, pictures: Mapping[Path | Tile, str | None], results: Path) -> Mapping[str, object]:
    rows = zip(section.data["rows"], section.rows, strict=True)
    return section.data | {"rows": [facts | {"tiles": _tiles(row, pictures, results)} for facts, row in rows]}


def with_data(section: Section, results: Path) -> Section:
    """Return the section with what scripts read of it, but for its pictures."""
    columns = (*section.columns, *section.more)
    data: SuiteData = {
        "name": section.suite.name,
        "dataset": section.dataset,
        "columns": [_column(section, column) for column in columns],
        "rows": [_row(section, row, columns, results) for row in section.rows],
    }
    return replace(section, data=data)


def tile_of(row: Row, name: str) -> Tile | None:
    """Return the picture of the row's first seed that has one."""
    return next((tile for run in row.runs if (tile := run.tile(name))), None)


def link(path: Path, results: Path) -> str:
    """Return a file's address relative to the page, fit for an attribute."""
    return quote(os.fsencode(path.relative_to(results).as_posix()))


def _column(section: Section, column: Column) -> dict[str, object]:
    return {
        "label": column.header.replace("\n", " "),
        "sign": section.suite.sign(column.metric),
        "decimals": 0 if column.style == "count" else column.decimals,
        "percent": column.style == "percent",
        "spread": column.comparable or column in section.more,
    }


def _row(section: Section, row: Row, columns: Iterable[Column], results: Path) -> dict[str, object]:
    return {
        "label": row.label,
        "settings": "; ".join(f"{name}: {value}" for name, value in row.settings if name in _SHOWN),
        "values": [seed_values(row.runs, column.metric, column.setting) for column in columns],
        "notes": [_notes(section, row, i) for i in range(len(row.cells))],
        "runs": [{"seed": d.seed, "id": d.id, "status": d.status, "link": link(d.place, results)} for d in row.runs],
        "curve": curve(row.runs),
        "tsne": next((found for d in row.runs if (found := _embedding(d))), None),
    }


def _tiles(row: Row, pictures: Mapping[Path | Tile, str | None], results: Path) -> dict[str, list[str | None]]:
    found = {name: tile for name in TILES if (tile := tile_of(row, name))}
    return {name: [pictures[t], link(t.place, results)] for name, t in found.items() if t in pictures}


def _notes(section: Section, row: Row, i: int) -> list[str]:
    """Return what has to be said of a cell besides its seeds."""
    cell, column = row.cells[i], section.columns[i]
    said = [f"Blank: {_reason(section, row, cell, column)}"] if cell.value is None else []
    if cell.standard_error is not None:
        said.append(f"Standard error over images: {column.show(cell.standard_error)}")
    if cell.printed:
        said.append(f"Published: {cell.printed}")
    if (difference := cell.printed_difference) is not None:
        sign = "+" if difference >= 0 else "−"
        unlike = section.table.unlike_printed
        settings = f"; settings differ: {unlike}" if unlike else ""
        said.append(f"Measured − published: {sign}{column.show(abs(difference))}{settings}")
    if cell.best:
        said.append("Bold: the paired 95% interval of the pair excludes zero")
    return said


def _reason(section: Section, row: Row, cell: Cell, column: Column) -> str:
    if cell.note is not None:
        return section.table.notes[cell.note]
    stored = (d.values().get((column.metric, column.setting)) for d in row.runs)
    reasons = [reason for m in stored if m and (reason := m.get("reason"))]
    reasons += [d.ending for d in row.runs if d.status != "done"]
    return next(iter(reasons), "not measured")


def _embedding(run: Digest) -> dict[str, object] | None:
    """Return t-SNE coordinates in 256 steps and labels, one byte each, as base64: x, then y, then label; None without.

    Both axes have the same scale.
    """
    stored = run.facts["tsne"]
    if stored is None:
        return None
    x, y, label = (np.array(stored[name], dtype=float) for name in ("x", "y", "label"))  # [N]
    kept = np.isfinite(x) & np.isfinite(y) & (label >= 0) & (label < 256)
    x, y, label = x[kept], y[kept], label[kept]
    if not x.size:
        return None
    width = max(np.ptp(x), np.ptp(y)) or 1.0
    scaled = [255 * (0.5 + (v - (v.min() + v.max()) / 2) / width) for v in (x, y)]
    data = np.stack([*scaled, label]).round().astype(np.uint8).tobytes()
    names = run.facts["classes"]
    return {"seed": run.seed, "n": int(x.size), "data": base64.b64encode(data).decode("ascii"), "classes": names}
