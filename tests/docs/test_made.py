"""No number of README and docs is typed by hand: made passages are as they are made now, and prose has none."""

import csv
import re
from pathlib import Path

import pytest

from bench.metrics import METRICS
from bench.study import search
from docs.made.notebook import NOTEBOOK, notebook
from docs.made.passages import MADE, MARKS, ROOT, pages, rebuilt
from docs.made.reference import FORMULAS
from docs.made.words import prose
from report.build import suite_folders
from report.figures.registry import FIGURES
from report.store import read_suite

PAGES = [path for path in pages() if MARKS.search(path.read_text(encoding="utf-8"))]
UNIT = r"(?:dB|nats|bits|%|s|ms|seconds|minutes|hours|times|×|MiB|MB|GFLOP|M|k)"
MEASURED = re.compile(rf"(?<![\w.])\d[\d,]*(?:\.\d+| ?{UNIT}(?![\w]))(?!\w)")
OTHERS = ("docs/power.md", "docs/pythae.md", "docs/pythae-how-to.md")  # made, and tested, elsewhere
OURS = [path for path in pages() if path.relative_to(ROOT).as_posix() not in OTHERS]
# Definitions, not measurements: levels of intervals and tests.
ALLOWED = {"README.md": {"95 %"}, "docs/howto/tables.md": {"95 %"}, "docs/howto/claims.md": {"5 %"}}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_rebuild_changes_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert rebuilt(text) == text, f"{path.name} is not as it is made now: python -m docs.made"


def test_the_page_of_searches_has_every_declared_one() -> None:
    text = (ROOT / "docs" / "reference" / "searches.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"made: search name=(\S+)", text)) == search.names()


def test_the_notebook_is_the_tutorial() -> None:
    assert NOTEBOOK.read_text(encoding="utf-8") == notebook()


def test_a_changed_number_is_noticed() -> None:
    text = (ROOT / "docs" / "howto" / "choose.md").read_text(encoding="utf-8")
    (body,) = [match["body"] for match in MARKS.finditer(text) if match["name"] == "answers"]
    number = re.search(r"\d+\.\d+", body)
    assert number is not None
    wrong = text.replace(number[0], f"{float(number[0]) + 1:.2f}")
    assert wrong != text and rebuilt(wrong) == text


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_prose_holds_no_measured_number(path: Path) -> None:
    own = MARKS.sub("", path.read_text(encoding="utf-8"))
    said = [re.sub(r"`[^`]*`", "", part) for part in prose(own)]
    found = {" ".join(number.split()) for part in said for number in MEASURED.findall(part)}
    assert found <= ALLOWED.get(path.relative_to(ROOT).as_posix(), set())


@pytest.mark.parametrize("text", ["by 0.27 nats", "took 53 minutes", "is 94 % of", "7.3 × faster", "1,024 MiB"])
def test_what_counts_as_a_measured_number(text: str) -> None:
    assert MEASURED.search(text)


def test_every_kind_of_passage_is_used() -> None:
    used = {match["name"] for path in PAGES for match in MARKS.finditer(path.read_text(encoding="utf-8"))}
    assert used == MADE.keys()


def test_every_metric_has_its_formula_and_range() -> None:
    assert {metric.target for metric in METRICS.values() if metric.target.startswith("bench.")} == FORMULAS.keys()
    assert all(entry.keys() == {"formula", "range"} and all(entry.values()) for entry in FORMULAS.values())


def test_every_figure_and_every_paper_with_printed_values_is_explained() -> None:
    text = (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8")
    figures = text.partition("## Figures")[2]
    named = [name for line in figures.splitlines() for name in re.findall(r"`([\w-]+)`", (line.split("|") + [""])[1])]
    assert sorted(named) == sorted(FIGURES)
    with (ROOT / "results" / "published.csv").open(encoding="utf-8", newline="") as file:
        papers = {line["paper"] for line in csv.DictReader(file)}
    assert all(f"`{paper}`" in text for paper in papers)


def test_every_committed_suite_is_listed_with_its_runs_and_seeds() -> None:
    text = (ROOT / "docs" / "reference" / "suites.md").read_text(encoding="utf-8").partition("## What has been run")[2]
    listed = re.findall(r"^\| `([\w-]+)` \| [^|]+ \| \w+ \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    assert {name for name, *_ in listed} == {folder.name for folder in suite_folders(ROOT / "results")}
    for name, runs, seeds in listed:
        digests = read_suite(ROOT / "results" / name).digests
        assert (len(digests), len({d.seed for d in digests})) == (int(runs), int(seeds))
