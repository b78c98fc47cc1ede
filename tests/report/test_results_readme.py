"""results/README.md is true: figures, papers, and of every suite it lists the runs and seeds."""

import csv
import json
import re
from pathlib import Path

import pytest

from report.figures.registry import FIGURES, explained
from report.store import read_suite

RESULTS = Path(__file__).parents[2] / "results"
TEXT = (RESULTS / "README.md").read_text(encoding="utf-8")
SUITES = re.findall(r"^\| `([\w-]+)` \| (\d+) \| (\d+) \| `python -m bench.run", TEXT, re.MULTILINE)


def test_every_figure_is_explained_once() -> None:
    (table,) = re.findall(r"\| figure \| shows \|\n\| --- \| --- \|\n((?:\|.*\n)+)", TEXT)
    names = [name for line in table.splitlines() for name in re.findall(r"`([\w-]+)`", line.split("|")[1])]
    assert sorted(names) == sorted(FIGURES)
    assert table == explained()


def test_every_paper_with_printed_values_is_named() -> None:
    with (RESULTS / "published.csv").open(encoding="utf-8", newline="") as file:
        papers = {line["paper"] for line in csv.DictReader(file)}
    assert all(f"`{paper}`" in TEXT for paper in papers)


def test_the_table_lists_suites() -> None:
    assert "digits" in [name for name, *_ in SUITES]


@pytest.mark.parametrize(("name", "runs", "seeds"), SUITES)
def test_a_suite_has_the_runs_and_seeds_that_are_stated(name: str, runs: str, seeds: str) -> None:
    listed = set(json.loads((RESULTS / name / "suite.json").read_text(encoding="utf-8"))["runs"].values())
    kept = [digest for digest in read_suite(RESULTS / name).digests if digest.id in listed]
    assert len(kept) == int(runs)
    assert len({digest.seed for digest in kept}) == int(seeds)
