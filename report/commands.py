"""The command that makes a row again."""

import re
import shlex
from collections.abc import Iterable

from report.store import Suite


def command(suite: Suite, row: str = "", variant: str = "", seeds: Iterable[int] = ()) -> str:
    """Return the command line that trains and measures one row with these seeds; without a row, the whole suite.

    It names the preset, and the settings given when the suite was run (suite.json's "arguments").
    """
    given = suite.facts["arguments"] or ["--suite", suite.name]
    words = ["vae-bench", "run", *(given[1:] if given[0] == "--suite" else given), "--preset", suite.facts["preset"]]
    words += ["--models", _pattern(f"{row}/{variant}")] if row else []
    words += ["--seeds", ",".join(map(str, seeds))] if seeds else []
    return shlex.join(words)


def _pattern(name: str) -> str:
    """Return a glob of --models that matches the name: its own signs in brackets, a comma, which would divide, as ?."""
    return re.sub(r"[\[*?]", r"[\g<0>]", name).replace(",", "?")
