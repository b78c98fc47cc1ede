"""What no hand writes in README and docs: passages made from registries and stored results.

A passage stands between two marks, `<!-- made: NAME key=value … -->` and `<!-- end -->`; NAME is one of `MADE`.
`python -m docs.made` writes all of them anew.
"""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from docs.made import findings, machines, reference, searches

ROOT = Path(__file__).resolve().parents[2]
_HEAD = r"(?P<head><!-- made: (?P<name>[\w-]+)(?P<arguments>[^>]*?) -->)"
MARKS = re.compile(rf"{_HEAD}(?P<body>.*?)<!-- end -->", re.DOTALL)

MADE: dict[str, Callable[..., str]] = {
    "answers": findings.best,
    "claims": findings.strip,
    "found": findings.found,
    "measured": findings.measured,
    "printed": findings.printed,
    "runs": findings.runs,
    "table": findings.table,
    "perf": machines.perf,
    "command": machines.command,
    "faults": machines.faults,
    "arrays": reference.arrays,
    "data": reference.data,
    "figures": reference.figures,
    "help": reference.command_help,
    "metrics": reference.metrics,
    "models": reference.models,
    "networks": reference.networks,
    "presets": reference.presets,
    "registries": reference.registries,
    "search": searches.searches,
    "settings": reference.settings,
    "suites": reference.suites,
}


def pages() -> list[Path]:
    """Return the README and every page of the documentation."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def rebuilt(text: str) -> str:
    """Return a page with each made passage as it is made now; raises KeyError for a passage of no known name."""

    def made(match: re.Match[str]) -> str:
        arguments = dict(word.split("=", 1) for word in shlex.split(match["arguments"]))
        body = MADE[match["name"]](**arguments).strip()
        inside = f"\n\n{body}\n\n" if match["body"].startswith("\n") else body
        return f"{match['head']}{inside}<!-- end -->"

    return MARKS.sub(made, text)
