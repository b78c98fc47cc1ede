"""A table as LaTeX that needs booktabs and nothing else."""

from collections.abc import Callable
from itertools import groupby
from typing import TypeVar

from report.cells import Cell, Line, Table

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "[": "{[}",  # a bracket or star that opens a line would belong to the line break before it
    "*": "{*}",
    "β": r"$\beta$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": r"$-$",
    "–": "--",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "\n": " ",
}
T = TypeVar("T")
_TEXT_WIDTH = 483.0  # points: A4 with margins of 2 cm
_LINES = 66  # of \scriptsize on one page, with room for the caption
_COLSEP = 3.0  # points on either side of a column


def escape(text: str) -> str:
    """Return any text as LaTeX that prints it; line breaks become spaces."""
    text = "".join(_ESCAPES.get(character, character) for character in text.replace("--", "-\0-").replace("--", "-\0-"))
    return text.replace("\0", "{}")  # keeps hyphens apart, which together would become a dash


def mark(note: int) -> str:
    """Return the letter of a footnote: a … z, then aa, ab, …"""
    return (mark(note // 26 - 1) if note >= 26 else "") + "abcdefghijklmnopqrstuvwxyz"[note % 26]


def to_latex(table: Table) -> str:
    """Write the table as `table*` floats: one if it fits a page, else its groups of columns in panels below each other.

    Panels share a float while they fit on a page together; further floats repeat the number, "continued".
    """
    panels = _packed(_panels(table), lambda _: len(table.lines) + 3, _LINES)
    floats = [_float(table, spans, i, i == len(panels) - 1) for i, spans in enumerate(panels)]
    return "\n".join(floats)


def _float(table: Table, spans: list[range], number: int, last: bool) -> str:
    label = "".join(c for c in table.suite if (c.isalnum() and c.isascii()) or c == "-")
    head = [rf"\caption{{{escape(table.caption)}}}", rf"\label{{tab:{label}}}"]
    if number:
        head = [r"\addtocounter{table}{-1}", r"\caption{(continued)}"]
    notes = [rf"\textsuperscript{{{mark(i)}}}~{escape(note)}" for i, note in enumerate(table.notes)]
    below = [r"\par\medskip", r"\begin{minipage}{\textwidth}", " ".join([*notes, *map(escape, table.remarks)])]
    return "\n".join(
        [
            r"\begin{table*}[tp]",
            r"\centering",
            *head,
            r"\par\medskip",
            r"\scriptsize",
            rf"\setlength{{\tabcolsep}}{{{_COLSEP:g}pt}}",
            "\n\\par\\medskip\n".join(_tabular(table, span) for span in spans),
            *([*below, r"\end{minipage}"] if last and (notes or table.remarks) else []),
            r"\end{table*}",
            "",
        ]
    )


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
    heads = f"{table.columns[i].header} {table.arrows[i]}".split("\n")
    return max(map(_points, [*heads, *(line.cells[i].display for line in table.lines)])) + 2 * _COLSEP


def _points(text: str) -> float:
    """Return about how wide a text is in \\scriptsize, in points."""
    return sum(2.6 if c in " .,:()-fijlrt" else 6.3 if c in "±%" else 5.6 if c.isupper() else 4.0 for c in text)


def _tabular(table: Table, span: range) -> str:
    columns = [table.columns[i] for i in span]
    heads = [_head(f"{c.header} {table.arrows[i]}".strip()) for i, c in zip(span, columns, strict=True)]
    body = []
    for _, lines in groupby(table.lines, key=lambda line: line.row):
        body += [r"\midrule", *(_line(line, span) for line in lines)]
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


def _line(line: Line, span: range) -> str:
    return " & ".join([escape(line.label), *(_cell(line.cells[i]) for i in span)]) + r" \\"


def _cell(cell: Cell) -> str:
    text = escape(cell.measured)
    text = rf"\textbf{{{text}}}" if cell.best else text
    text += rf"\textsuperscript{{{mark(cell.note)}}}" if cell.note is not None else ""
    return text + (f" ({escape(cell.printed)})" if cell.printed else "")
