"""Figures of codes and samples: from digests alone, and none where no model has the data."""

from pathlib import Path
from typing import Any

import pytest
from fake_results import ok, write_digest, write_suite
from matplotlib.figure import Figure

from report.figures.codes import draw_bit_sums, draw_hamming
from report.figures.samples import draw_class_shares, draw_prd, first_with, outermost
from report.store import read_suite

CURVE = {"mean": [k / 9 for k in range(10)], "std": [0.1] * 10}
PLOTS: dict[str, Any] = {
    "bit_sums": {"encoded": [0.1, 0.5, 0.4], "hyperplane": [0.2, 0.5, 0.3], "coins": [0.25, 0.5, 0.25]},
    "hamming": {"paper": CURVE, "inverse": CURVE},
    "prd": {"hyperplane": {"precision": [1.0, 0.5, 0.0], "recall": [0.0, 0.5, 1.0]}},
    "class_shares": {"test images": [0.5, 0.5], "hyperplane": [0.4, 0.6]},
}
DRAWN = {draw_bit_sums: "bit_sums", draw_hamming: "hamming", draw_prd: "prd", draw_class_shares: "class_shares"}


def test_each_is_drawn_as_picture_and_as_vectors(tmp_path: Path) -> None:
    write_suite(tmp_path, ["LBAE"])
    write_digest(
        tmp_path, "LBAE", "bidirectional", 0, [ok("bit_sum_tv", "sampler=coins", 0.1)], plots=PLOTS, classes=["a", "b"]
    )
    suite = read_suite(tmp_path)
    for draw, name in DRAWN.items():
        assert [path.name for path in draw(suite)] == [f"{name}.png", f"{name}.pdf"]


def test_none_is_drawn_without_its_data(tmp_path: Path) -> None:
    write_suite(tmp_path, ["LBAE"])
    write_digest(tmp_path, "LBAE", "bidirectional", 0, [])
    assert [path for draw in DRAWN for path in draw(read_suite(tmp_path))] == []


def test_the_first_run_with_data_stands_for_its_model(tmp_path: Path) -> None:
    write_suite(tmp_path, ["LBAE"])
    write_digest(tmp_path, "LBAE", "unidirectional", 0, [])
    write_digest(tmp_path, "LBAE", "unidirectional", 1, [], plots=PLOTS)
    write_digest(tmp_path, "LBAE", "unidirectional", 2, [], plots=PLOTS)
    assert [run.seed for run in first_with(read_suite(tmp_path), "prd")] == [1]


def test_among_many_models_those_are_named_that_are_above_all_others_somewhere() -> None:
    curves = {
        3: {"recall": [1.0, 0.5, 0.0], "precision": [0.0, 0.9, 1.0]},
        5: {"recall": [0.0, 0.5, 1.0], "precision": [1.0, 0.8, 0.0]},  # below the first
        8: {"recall": [0.0, 0.9, 1.0], "precision": [0.6, 0.6, 0.0]},
    }
    assert outermost(curves) == {3, 8}
    assert outermost(curves | {9: curves[3]}) == {8}  # equal ones are not above each other
    assert outermost({5: curves[5]}) == {5}


def test_in_a_crowd_of_models_the_legend_has_those_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("report.figures.samples.CROWD", 1)
    write_suite(tmp_path, ["LBAE"])
    for variant, precision in (("unidirectional", 0.5), ("bidirectional", 0.7)):
        curve = {"precision": [1.0, precision, 0.0], "recall": [0.0, 0.5, 1.0]}
        write_digest(tmp_path, "LBAE", variant, 0, [], plots={"prd": {"hyperplane": curve}})
    figures: list[Figure] = []
    monkeypatch.setattr("report.figures.samples.save", lambda figure, path: figures.append(figure) or [path])
    draw_prd(read_suite(tmp_path))
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == ["Bidirectional LBAE"]
    assert len(figures[0].axes[0].lines) == 2
