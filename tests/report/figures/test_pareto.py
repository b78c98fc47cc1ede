"""The Pareto plot: dominance on points made by hand, and what is drawn from invented runs."""

import logging
from pathlib import Path

import pytest
from fake_results import full_measurements, ok, write_digest, write_suite
from matplotlib.figure import Figure

from report.figures.pareto import Point, draw_pareto, front
from report.store import read_suite

CHEAP, MIDDLE, DEAR = Point(1, 5), Point(2, 6), Point(3, 9)
WORSE = Point(3, 6)  # costs more than the middle and is no better


def test_a_point_that_costs_more_and_is_no_better_is_dominated() -> None:
    assert front([DEAR, WORSE, CHEAP, MIDDLE], higher=True) == [2, 3, 0]


def test_where_less_is_better_the_cheapest_alone_remains() -> None:
    assert front([DEAR, WORSE, CHEAP, MIDDLE], higher=False) == [2]


def test_equal_points_do_not_dominate_each_other() -> None:
    assert front([CHEAP, CHEAP], higher=True) == front([CHEAP, CHEAP], higher=False) == [0, 1]


def test_of_two_equal_in_one_of_both_the_better_in_the_other_remains() -> None:
    assert front([Point(1, 5), Point(1, 6)], higher=True) == [1]
    assert front([Point(1, 5), Point(2, 5)], higher=True) == [0]


def test_no_points_have_no_front() -> None:
    assert front([], higher=True) == []


def test_every_point_is_on_the_front_or_dominated_by_one_on_it() -> None:
    points = [Point(c, q) for c in range(4) for q in range(4) if (c * 7 + q * 3) % 5 < 3]
    for higher in (True, False):
        best, sign = front(points, higher), 1 if higher else -1
        for i, b in enumerate(points):
            beaten = any(points[j].cost <= b.cost and sign * (points[j].quality - b.quality) >= 0 for j in best)
            assert beaten
            assert (i in best) == (
                not any(a.cost <= b.cost and sign * (a.quality - b.quality) >= 0 and a != b for a in points)
            )


def _suite(folder: Path, table: str = "all") -> Path:
    write_suite(folder, ["VAE", "LBAE"], table=table)
    for row in ("VAE", "LBAE"):
        for variant in ("unidirectional", "bidirectional"):
            for seed in (0, 1, 2):
                served = "hyperplane" if row == "LBAE" else "normal"
                measured = [*full_measurements(row, variant, seed), ok("fd_classifier", "sampler=own", 20 + seed)]
                measured = [m for m in measured if m["setting"] != "sampler=normal"]
                measured += [ok("fd_classifier", f"sampler={served}", 20 + seed), ok("psnr", "reconstruction=mean", 20)]
                run = {"training": {"epochs": 3}}
                write_digest(folder, row, variant, seed, measured, run=run)
    return folder


def _drawn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Figure:
    kept: list[Figure] = []
    monkeypatch.setattr("report.figures.pareto.save", lambda figure, path: kept.append(figure) or [path])
    draw_pareto(read_suite(folder))
    return kept[0]


def test_every_model_has_a_number_in_every_panel_and_in_the_legend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = _drawn(_suite(tmp_path), monkeypatch)
    assert len(figure.axes) == 8
    for axes in figure.axes:
        assert sorted(text.get_text() for text in axes.texts) == ["1", "2", "3", "4"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["1  VAE", "2  Bidirectional VAE", "3  LBAE (hyperplanes)", "4  Bidirectional LBAE (hyperplanes)"]


def test_the_time_is_that_of_all_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    axes = _drawn(_suite(tmp_path), monkeypatch).axes[4]  # the first of the second line
    places = {text.get_text(): text.xy[0] for text in axes.texts}
    runs = read_suite(tmp_path).runs("VAE", "unidirectional")
    seconds = [run.values()["seconds_per_epoch", ""]["value"] for run in runs]
    assert places["1"] == pytest.approx(3 * sum(seconds) / 3)


def test_another_kind_of_table_has_no_such_figure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="report"):
        assert draw_pareto(read_suite(_suite(tmp_path, table="bvae"))) == []
    assert caplog.messages == []


def test_a_suite_without_finished_runs_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_suite(tmp_path, ["VAE"], table="all")
    write_digest(tmp_path, "VAE", "unidirectional", 0, [], status="failed")
    with caplog.at_level(logging.WARNING, logger="report"):
        assert draw_pareto(read_suite(tmp_path)) == []
    assert caplog.messages == [f"pareto is not drawn: no run of {tmp_path} is done"]


def test_of_a_crowd_the_models_on_a_front_alone_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("report.figures.pareto.CROWD", 2)
    for row, parameters, psnr in (("cheap", 1.0, 10.0), ("worse", 2.0, 9.0), ("dear", 3.0, 12.0)):
        write_digest(
            tmp_path, row, "stock", 0, [ok("parameters", "", parameters), ok("psnr", "reconstruction=mean", psnr)]
        )
    write_suite(tmp_path, ["cheap", "worse", "dear"], table="all")
    figure = _drawn(tmp_path, monkeypatch)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1  cheap, stock", "3  dear, stock"]
