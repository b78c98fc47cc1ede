"""One version: in setup.cfg, in CITATION.cff, at the head of CHANGELOG.md, and in what results carry."""

import configparser
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.system.provenance import collect

ROOT = Path(__file__).parents[2]


def test_the_version_is_one() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    newest = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited and newest
    assert setup["metadata"]["version"] == cited[1] == newest[1]


def test_results_carry_the_version() -> None:
    try:
        installed = version("vae-bench")
    except PackageNotFoundError:
        installed = None
    assert collect(1, "cpu")["versions"]["vae-bench"] == installed


def test_the_citation_names_what_it_must() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert all(f"\n{key}: " in f"\n{text}" for key in ("cff-version", "message", "title", "version", "license"))
    assert "\nauthors:\n" in text
