"""A table as LaTeX that needs booktabs and nothing else."""

from collections.abc import Callable
from itertools import groupby
from typing import TypeVar

from report.tables.cells import Line, Table
from report.tables.formats.latex_columns import aligned, segments
from report.tables.formats.latex_escape import escape, mark, printable

T = TypeVar("T")
_TEXT_WIDTH = 483.0  # points: A4 with margins of 2 cm
_LINES = 68  # of \scriptsize on one page, with room for the caption
_COLSEP = 3.0  # points on either side of a column


def to_latex(table: Table) -> str:
    """Write the table as `table*` floats: one if it fits a page, else its groups of columns in panels below each other.

    Panels share a float while they fit on a page together; further floats repeat the number, "continued".
    """
    rules = 0.3 * len({line.row for line in table.lines})
    blocks = [(_tabular(table, span), len(table.lines) + rules + 3.5) for span in _panels(table)]
    said = [f"{mark(i)} {note}" for i, note in enumerate(table.notes)] + list(table.remarks)
    blocks += [(_below(table), 1 + _points(" ".join(said)) / _TEXT_WIDTH)] if said else []
    floats = _packed(blocks, lambda block: block[1], _LINES)
    return "\n".join(_float(table, [text for text, _ in blocks], i) for i, blocks in enumerate(floats))


def _float(table: Table, blocks: list[str], number: int) -> str:
    label = "".join(c for c in table.suite if (c.isalnum() and c.isascii()) or c == "-")
    head = [rf"\caption{{{escape(table.caption)}}}", rf"\label{{tab:{label}}}"]
    if number:
        head = [r"\addtocounter{table}{-1}", r"\caption{(continued)}"]
    return "\n".join(
        [
            r"\begin{table*}[tp]",
            r"\centering",
            *head,
            r"\par\medskip",
            r"\scriptsize",
            rf"\setlength{{\tabcolsep}}{{{_COLSEP:g}pt}}",
            "\n\\par\\medskip\n".join(blocks),
            r"\end{table*}",
            "",
        ]
    )


def _below(table: Table) -> str:
    notes = [rf"\textsuperscript{{{mark(i)}}}~{escape(note)}" for i, note in enumerate(table.notes)]
    return "\n".join([r"\begin{minipage}{\textwidth}", *notes, *map(escape, table.remarks), r"\end{minipage}"])


def _panels(table: Table) -> list[range]:
    """Split the columns, where groups begin if possible, so that each panel fits the width of a page."""
    widths = [_column_width(table, i) for i in range(len(table.columns))]
    room = _TEXT_WIDTH - max((_points(line.label) for line in table.lines), default=0.0) - _COLSEP
    groups = [[i for i, _ in g] for _, g in groupby(enumerate(table.columns), key=lambda c: c[1].group)]
    pieces = [piece for group in groups for piece in _packed(group, lambda i: widths[i], room)]
    packed = _packed(pieces, lambda piece: sum(widths[i] for i in piece), room)
    return [range(panel[0][0], panel[-1][-1] + 1) for panel in packed] or [range(0)]


def _packed(things: list[T], size: Callable[[T], float], room: float) -> list[list[T]]:
    """Put things into bins in their order, as many into each as there is room for, at least one."""
    bins: list[list[T]] = []
    for thing in things:
        if bins and sum(map(size, bins[-1])) + size(thing) <= room:
            bins[-1].append(thing)
        else:
            bins.append([thing])
    return bins


def _column_width(table: Table, i: int) -> float:
    heads = max(map(_points, f"{table.columns[i].header} {table.arrows[i]}".split("\n")))
    parts = zip(*(segments(line.cells[i]) for line in table.lines), strict=True)
    signs = ("", " ± ", " ()")
    cells = sum(max(map(_points, texts)) + _points(s) for s, texts in zip(signs, parts, strict=False) if any(texts))
    return max(heads, cells) + 2 * _COLSEP


def _points(text: str) -> float:
    """Return about how wide a text is in \\scriptsize, in points."""
    wide = "±%&<>+mw"
    narrow = " .,:()-fijlrt"
    return sum(2.6 if c in narrow else 6.3 if c in wide else 5.6 if c.isupper() else 4.0 for c in printable(text))


def _tabular(table: Table, span: range) -> str:
    columns = [table.columns[i] for i in span]
    heads = [_head(f"{c.header} {table.arrows[i]}".strip()) for i, c in zip(span, columns, strict=True)]
    body = []
    cells = [aligned([line.cells[i] for line in table.lines], escape, mark) for i in span]
    for _, lines in groupby(enumerate(table.lines), key=lambda line: line[1].row):
        body += [r"\midrule", *(_line(line, [column[k] for column in cells]) for k, line in lines)]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{@{{}}l{'r' * len(columns)}@{{}}}}",
            r"\toprule",
            *_groups([c.group for c in columns]),
            " & ".join(["Model", *heads]) + r" \\",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _head(text: str) -> str:
    lines = [escape(line) for line in text.split("\n")]
    return lines[0] if len(lines) == 1 else r"\shortstack[r]{" + r"\\".join(lines) + "}"


def _groups(groups: list[str]) -> list[str]:
    if not any(groups):
        return []
    cells, rules, at = [], [], 2
    for name, members in groupby(groups):
        n = len(list(members))
        cells.append(rf"\multicolumn{{{n}}}{{c}}{{{escape(name)}}}")
        rules += [rf"\cmidrule(lr){{{at}-{at + n - 1}}}"] if name else []
        at += n
    return [" & ".join(["", *cells]) + r" \\", "".join(rules)]


def _line(line: Line, cells: list[str]) -> str:
    return " & ".join([escape(line.label), *cells]) + r" \\"
