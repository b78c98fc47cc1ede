"""A table as GitHub Markdown."""

import re

from report.tables.cells import Cell, Table
from report.tables.formats.latex import mark


def escape(text: str) -> str:
    """Return any text as Markdown that shows it: no markup, no HTML, no cell border; line breaks become spaces."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
    return re.sub(r"([\\`*_{}\[\]|~$#])", r"\\\1", text)


def to_markdown(table: Table) -> str:
    """Write caption, table and footnotes; model names lead the lines, numbers are set to the right."""
    heads = [escape(f"{c.header} {arrow}".strip()) for c, arrow in zip(table.columns, table.arrows, strict=True)]
    below = [f"<sup>{mark(i)}</sup> {escape(note)}" for i, note in enumerate(table.notes)]
    below += [escape(remark) for remark in table.remarks]
    rows = [
        row(["Model", *heads]),
        row([":---", *("---:" for _ in heads)]),
        *(row([escape(line.label), *(_cell(cell) for cell in line.cells)]) for line in table.lines),
    ]
    return "\n".join([escape(table.caption), "", *rows, *(["", "<br>\n".join(below)] if below else []), ""])


def row(cells: list[str]) -> str:
    """Write one line of a table from cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    text = f"**{escape(cell.measured)}**" if cell.best else escape(cell.measured)
    text += f"<sup>{mark(cell.note)}</sup>" if cell.note is not None else ""
    return (text + (f" *({escape(cell.printed)})*" if cell.printed else "")).lstrip()
