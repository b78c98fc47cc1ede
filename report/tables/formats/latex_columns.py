"""A column of a table as LaTeX with its decimal points under each other, and so its ± and its printed values."""

import re
from collections.abc import Callable, Sequence

from report.tables.cells import Cell

_NUMBER = re.compile(r"([-−]?\d+)((?:\.\d+)?)(.*)", re.DOTALL)
Escape = Callable[[str], str]


def segments(cell: Cell) -> tuple[str, str, str]:
    """Split what a cell shows into value, spread and printed value, those that it lacks empty."""
    value, _, spread = cell.measured.partition(" ± ")
    return value, spread, cell.printed


def aligned(cells: Sequence[Cell], escape: Escape, mark: Callable[[int], str]) -> list[str]:
    """Write the cells of one column: digits that a number lacks, and numbers that a cell lacks, as empty space.

    All digits of a font are equally wide, so that right-aligned cells made so agree at every decimal point.
    """
    values, spreads, printed = zip(*map(segments, cells), strict=True) if cells else ((), (), ())
    parts = zip(
        _padded(values, escape),
        _padded(spreads, escape, r" $\pm$ "),
        _padded(printed, escape, r" \textsl{(", ")}"),
        strict=True,
    )
    written = []
    for cell, (value, spread, beside) in zip(cells, parts, strict=True):
        text = rf"\textbf{{{value}{spread}}}" if cell.best else value + spread
        written.append(text + (rf"\textsuperscript{{{mark(cell.note)}}}" if cell.note is not None else "") + beside)
    return written


def _padded(texts: Sequence[str], escape: Escape, before: str = "", after: str = "") -> list[str]:
    """Write each text between `before` and `after`, all as wide as the widest."""
    found = [_NUMBER.fullmatch(text) for text in texts]
    scaled = any(f and f[3] in ("k", "M") for f in found)  # counts: their points are of different units
    whole = 0 if scaled else max((len(f[1]) for f in found if f), default=0)
    decimals = 0 if scaled else max((len(f[2]) for f in found if f), default=0)
    written = []
    for text, number in zip(texts, found, strict=True):
        if number:
            lead = _space("0" * (whole - len(number[1]))) if before else ""  # a cell is set to the right anyway
            tail = _space(("." + "0" * decimals)[len(number[2]) : decimals] if decimals else "")
            shown = escape(number[1].replace("-", "−") + number[2]) + tail + escape(number[3])
            written.append(f"{lead}{before}{shown}{after}" if after else f"{before}{lead}{shown}")
        else:
            written.append(before + escape(text) + after if text else "")
    widest = max(written, key=len, default="")
    return [text or (_space(widest) if before else "") for text in written]


def _space(text: str) -> str:
    return rf"\phantom{{{text}}}" if text else ""
