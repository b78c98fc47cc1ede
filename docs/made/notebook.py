"""The tutorial as a notebook: its prose, its Python blocks, and its commands behind an exclamation mark."""

import json
import re
from pathlib import Path

from docs.made.words import BLOCK

PAGE = Path(__file__).resolve().parents[1] / "tutorial.md"
NOTEBOOK = PAGE.with_suffix(".ipynb")
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def notebook() -> str:
    """Return the tutorial as a notebook in format 4.5."""
    cells: list[dict[str, object]] = []
    text, at = PAGE.read_text(encoding="utf-8"), 0
    for block in BLOCK.finditer(text):
        if block["language"] not in ("python", "sh"):
            continue
        cells += _prose(text[at : block.start()])
        lines = block["text"].rstrip("\n").splitlines()
        source = [f"!{line}" for line in lines] if block["language"] == "sh" else lines
        cells.append({"cell_type": "code", "execution_count": None, "outputs": [], "source": _lines(source)})
        at = block.end()
    cells += _prose(text[at:])
    numbered = [{"id": f"cell-{i}", "metadata": {}, **cell} for i, cell in enumerate(cells)]
    whole = {"cells": numbered, "metadata": {"kernelspec": _KERNEL}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _prose(text: str) -> list[dict[str, object]]:
    shown = re.sub(r"<!-- .*? -->\n?", "", text).strip("\n")
    return [{"cell_type": "markdown", "source": _lines(shown.splitlines())}] if shown.strip() else []


def _lines(lines: list[str]) -> list[str]:
    return [f"{line}\n" for line in lines[:-1]] + lines[-1:]
