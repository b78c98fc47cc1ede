"""A table on a terminal: columns side by side, in blocks where the screen is too narrow."""

import shutil
from collections.abc import Sequence


def as_text(headers: Sequence[str], lines: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Return lines of cells under headers as text; the first column stands in every block of columns."""
    room = width or shutil.get_terminal_size((120, 24)).columns
    cells = [[" ".join(cell.split()) for cell in line] for line in (headers, *lines)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(headers))]
    blocks: list[list[int]] = [[]]
    for i in range(1, len(headers)):
        if blocks[-1] and widths[0] + sum(widths[j] + 2 for j in blocks[-1]) + widths[i] + 2 > room:
            blocks.append([])
        blocks[-1].append(i)
    texts = []
    for block in blocks:
        rows = [f"{line[0]:{widths[0]}}" + "".join(f"  {line[i]:>{widths[i]}}" for i in block) for line in cells]
        texts.append("\n".join(row.rstrip() for row in rows))
    return "\n\n".join(texts)
