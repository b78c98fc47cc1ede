"""Passages made from results/perf: what the benchmark programs measured, and what the fault programme saw."""

import ast
import json
from typing import Any

from docs.made.stored import RESULTS
from report.tables.formats.markdown import escape, row


def perf(name: str, columns: str = "") -> str:
    """Return the table of a benchmark program as it prints it (the named fields alone), with the machine below.

    Fields that the program had not when the table was measured are left out.
    """
    stored = _read(name)
    declared = _columns(name)
    wanted = columns.split(",") if columns else [key for key in declared if any(key in row for row in stored["rows"])]
    heads = [declared[key].partition(":") for key in wanted]
    lines = [row([escape(title) for title, _, _ in heads]), row(["---:" if form else ":---" for *_, form in heads])]
    for entry in stored["rows"]:
        cells = [(entry.get(key), form) for key, (*_, form) in zip(wanted, heads, strict=True)]
        lines.append(row(["" if v is None else escape(format(v, form) if form else str(v)) for v, form in cells]))
    return "\n".join([*lines, "", escape(_machine(stored["machine"]))])


def command() -> str:
    """Return how long the README's command takes, and on what."""
    stored = _read("revisions")
    hardware, seconds = stored["machine"]["hardware"], stored["rows"][0]["after_seconds"]
    return f"{seconds / 60:.1f} minutes on {hardware['cores']} cores ({hardware['processor']})"


def faults() -> str:
    """Return how many faults were made, and how many rows of the programme's table hold."""
    stored = _read("faults")
    rows = stored["rows"]
    total = {key: sum(entry[key] for entry in rows) for key in ("kills", "flips", "disks", "lost")}
    return (
        f"{sum(entry['holds'] for entry in rows)} of {len(rows)} rows hold. Kills survived: {total['kills']}. "
        f"Flipped bytes caught: {total['flips']}. Points of a full disk tried: {total['disks']}. "
        f"Runs lost: {total['lost']}."
    )


def _columns(name: str) -> dict[str, str]:
    """Return the columns of a program's table, as its source has them: importing it takes torch."""
    tree = ast.parse((RESULTS.parent / "bench" / "perf" / f"{name}.py").read_text(encoding="utf-8"))
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    return next(ast.literal_eval(n.value) for n in assigned if ast.unparse(n.targets[0]) == "COLUMNS")


def _machine(about: dict[str, Any]) -> str:
    hardware = about["hardware"]
    accelerator = about.get("accelerator") or "no accelerator"
    torch = about["versions"]["torch"]
    size = f"{hardware['cores']} cores, {hardware['threads']} threads"
    return f"{hardware['processor']}, {size}, torch {torch}, {accelerator}."


def _read(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / "perf" / f"{name}.json").read_text(encoding="utf-8"))
