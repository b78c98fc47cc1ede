"""Every number that the papers' result tables print stands in published.csv and in a table of ours: none is lost."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from fake_results import ok, write_digest, write_suite

from bench.study.suite import load
from bench.study.suite_files import names
from report.published import cells_of, read_published
from report.store import read_suite
from report.stored_json import Source
from report.tables.assemble import make_table
from report.tables.cells import Table
from report.tables.formats.csv_text import to_csv
from report.tables.formats.latex import to_latex
from report.tables.formats.markdown import to_markdown

# Counted in the papers: the cells with a number, of LBAE by data set; sizes in MB that a caption prints once for all
# rows of a kind are cells of each row of BVAE's tables here (one more a row than the table has columns).
PRINTED = {
    ("BVAE", "I"): 14 * 9,
    ("BVAE", "II"): 14 * 9,
    ("BVAE", "III"): 14 * 9,
    ("BVAE", "IV"): 8 * 6,
    ("BVAE", "Figure 4"): 2,
    ("sVAE", "1"): 9 + 5,
    ("sVAE", "2"): 7,
    ("LBAE", "1 MNIST"): 22,
    ("LBAE", "1 CIFAR-10"): 22,
    ("LBAE", "1 CelebA"): 22,
    ("LBAE", "2 MNIST"): 7,
    ("LBAE", "2 CIFAR-10"): 7,
    ("LBAE", "2 CelebA"): 7,
    ("LBAE", "4 MNIST"): 14,
    ("LBAE", "4 CIFAR-10"): 14,
    ("LBAE", "4 CelebA"): 14,
    ("LBAE", "5 MNIST"): 15,
    ("LBAE", "5 CIFAR-10"): 15,
    ("LBAE", "5 CelebA"): 15,
    ("selfVAE", "2"): 3 * 6,
    ("selfVAE", "README of the code"): 1,
    ("Untapped", "Section 3"): 2,
    ("M2", "1"): 8,
    ("Pythae", "Section Reproducibility"): 6,
}
_FOUND = read_published(Path("nowhere"))
assert _FOUND is not None
PUBLISHED = pd.DataFrame(_FOUND)
SOURCES = {name: suite.published for name in names() if (suite := load(name, "small")).published}


def _tables(folder: Path, with_run: bool) -> Iterator[Table]:
    """Yield every suite's table beside printed values: without a run, or with one that measured next to nothing."""
    for name, source in SOURCES.items():
        assert source is not None
        suite, printed = load(name, "small"), source.model_dump()
        rows = [row.row for row in suite.rows]
        facts = {"table": suite.table, "dataset": suite.dataset, "published": printed}
        write_suite(folder / name, rows, **facts)
        if with_run:
            variant = suite.rows[0].variants[0]
            measured = [ok("seconds_per_epoch", "", 1.0)]
            write_digest(folder / name, rows[0], variant, 0, measured, dataset=suite.dataset)
        yield make_table(read_suite(folder / name), cells_of(_FOUND, suite_source(printed)))


def suite_source(printed: dict[str, str]) -> Source:
    return {"paper": printed["paper"], "table": printed["table"]}


def _shown(table: Table) -> set[tuple[str, str, str, str, str]]:
    """Return row, variant as printed, metric, printed setting and text of every printed value in a table."""
    return {
        (line.row, variant, column.metric, str(column.printed_setting), cell.printed)
        for line in table.lines
        for variant in (line.variant, *(["unidirectional"] if line.variant in ("stock", "corrected") else []))
        for column, cell in zip(table.columns, line.cells, strict=True)
        if cell.printed
    }


def test_published_csv_has_as_many_cells_as_the_papers_print() -> None:
    counts = Counter(zip(PUBLISHED["paper"], PUBLISHED["table"], strict=True))
    assert {key: n for key, n in counts.items() if key[0] != "ALICE"} == PRINTED


@pytest.mark.parametrize("with_run", [False, True])
def test_our_tables_lose_none(tmp_path: Path, with_run: bool) -> None:
    shown = {(t.suite, *cell) for t in _tables(tmp_path, with_run) for cell in _shown(t)}
    kept: Counter[tuple[str, str]] = Counter()
    for c in PUBLISHED[PUBLISHED["paper"] != "ALICE"].to_dict("records"):
        suites = [n for n, s in SOURCES.items() if s is not None and s.paper == c["paper"] and n.endswith(c["dataset"])]
        found = [(n, c["row"], c["variant"], c["metric"], c["setting"], c["printed"]) in shown for n in suites]
        assert found and any(found), c
        kept[c["paper"], c["table"]] += 1
    assert kept == PRINTED


def test_a_printed_cell_stands_in_every_format_in_its_own_style(tmp_path: Path) -> None:
    table = next(t for t in _tables(tmp_path, False) if t.suite == "svae-mnist")
    line = next(line for line in to_markdown(table).splitlines() if line.startswith("| GAN, as printed |"))
    assert "| *(-114.25)* |" in line and "| *(8.34)* |" in line
    assert r"\textsl{($-$114.25)}" in to_latex(table).replace(r"\phantom{0}", "")
    (stored,) = [x for x in csv.DictReader(io.StringIO(to_csv(table))) if x["row"] == "GAN"]
    assert (stored["status"], stored["n_seeds"], stored["nll_ais_published"]) == ("printed", "0", "114.25")


def test_a_printed_row_whose_setting_is_not_stated_stands_below_all_that_it_may_be(tmp_path: Path) -> None:
    write_suite(tmp_path, ["sVAE", "sVAE-r 0.1", "sVAE-r 1", "ALI"], table="svae-colour", dataset="cifar10")
    for row in ("sVAE", "sVAE-r 0.1", "sVAE-r 1", "ALI"):
        write_digest(tmp_path, row, "unidirectional", 0, [ok("mse", "", 1.0)], dataset="cifar10")
    table = make_table(read_suite(tmp_path), cells_of(_FOUND, {"paper": "sVAE", "table": "2"}))
    labels = [line.label for line in table.lines]
    assert labels[:5] == ["sVAE", "sVAE-r 0.1", "sVAE-r 1", "sVAE-r, as printed", "ALI"]
    assert "Inception score" in [column.header for column in table.columns]
