"""Measured beside printed: the difference, and whether the settings match."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from fake_results import ok, write_digest, write_suite

from report.published import Printed
from report.store import read_suite
from report.tables.assemble import make_table
from report.tables.cells import Table
from report.tables.formats.csv_text import to_csv
from report.tables.formats.latex import to_latex
from report.tables.formats.markdown import to_markdown
from report.tables.printed import unlike_printed

LBAE = {"dataset": "mnist", "published": {"paper": "LBAE", "table": "1 MNIST"}}


def _table(folder: Path, preset: str = "small", epochs: int = 24, **suite: Any) -> Table:
    """One row with NLL 97 and 95, printed 90 and 91."""
    write_suite(folder, ["VAE"], preset=preset, **suite)
    for variant, value in (("unidirectional", 97.0), ("bidirectional", 95.0)):
        facts: dict[str, Any] = {"preset": preset, "run": {"training": {"epochs": epochs}, "data": {}}}
        write_digest(folder, "VAE", variant, 0, [ok("nll", "", value)], **facts)
    printed = {
        ("VAE", "unidirectional", "nll", ""): Printed("90.00", 90.0, "nats", ""),
        ("VAE", "bidirectional", "nll", ""): Printed("91.00", 91.0, "nats", ""),
    }
    return make_table(read_suite(folder), printed)


def test_difference_stands_in_csv_and_its_mean_below_the_table(tmp_path: Path) -> None:
    table = _table(tmp_path, **LBAE)
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [line["nll_published_difference"] for line in lines] == ["7.0", "4.0"]
    assert "Measured minus printed, mean over the lines: NLL +5.50." in table.remarks


def test_small_table_says_so_in_every_format(tmp_path: Path) -> None:
    table = _table(tmp_path, **LBAE)
    for text in (to_csv(table), to_markdown(table), to_latex(table)):
        assert "preset small (not the paper's sizes)" in text
        assert "preset small, not the paper's; 24 epochs, the paper has 2000" in text


def test_matching_settings_are_called_so(tmp_path: Path) -> None:
    table = _table(tmp_path, preset="paper", epochs=2000, **LBAE)
    assert table.unlike_printed == ""
    assert "Settings are the printed values', as far as the paper states them." in table.remarks


@pytest.mark.parametrize(
    ("paper", "data", "said"),
    [
        ("BVAE", {"split": "identity", "preprocess": "resize"}, ["6 epochs, the paper states none"]),
        (
            "LBAE",
            {"split": "official", "preprocess": "resize"},
            ["6 epochs, the paper has 500", "preprocess resize, the paper's center-crop"],
        ),
    ],
)
def test_variant_of_the_data_is_compared(tmp_path: Path, paper: str, data: dict[str, str], said: list[str]) -> None:
    write_suite(tmp_path, ["VAE"], preset="paper", dataset="celeba", published={"paper": paper, "table": "IV"})
    facts: dict[str, Any] = {"preset": "paper", "run": {"training": {"epochs": 6}, "data": data}}
    write_digest(tmp_path, "VAE", "unidirectional", 0, [], **facts)
    assert unlike_printed(read_suite(tmp_path)) == said


def test_fewer_images_and_notes_on_the_data_are_named(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"], preset="paper", **LBAE)
    facts: dict[str, Any] = {
        "preset": "paper",
        "run": {"training": {"epochs": 2000, "train_images": 500}},
        "provenance": {"data": {"note": "JPEG copies"}},
    }
    write_digest(tmp_path, "VAE", "unidirectional", 0, [], **facts)
    assert unlike_printed(read_suite(tmp_path)) == ["trained on 500 images only", "data: JPEG copies"]


def test_without_printed_values_nothing_is_compared(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("nll", "", 97.0)])
    table = make_table(read_suite(tmp_path))
    assert table.unlike_printed == ""
    assert not any("printed" in remark for remark in table.remarks)
