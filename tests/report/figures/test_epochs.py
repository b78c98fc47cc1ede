"""What a learned prior does to both terms against epochs: differences of the same seed, epochs and rate."""

from pathlib import Path

import numpy as np
import pytest
from fake_results import ok, write_digest, write_suite
from matplotlib.figure import Figure

from report.figures.epochs import draw_epochs
from report.store import read_suite

PRIORS = {"VAE": {}, "VAE + RealNVP": {"prior": {"kind": "realnvp", "hidden": 64}}}


def test_each_point_is_the_mean_difference_to_the_standard_normal_of_the_same_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(f"{name} {n} epochs 0.001", options, n) for n in (40, 160) for name, options in PRIORS.items()]
    folder = write_suite(tmp_path / "epochs", [row for row, *_ in rows])
    for row, options, n in rows:
        learned = bool(options)
        for seed in (0, 1):
            values = [ok("reconstruction_nats", "", 100 + seed - learned * n), ok("kl_nats", "", 10 + learned * seed)]
            about = {
                "evaluation": {"nll_samples": 100},
                "options": options,
                "training": {"epochs": n, "learning_rate": 1e-3},
            }
            write_digest(folder, row, "unidirectional", seed, values, run=about)
    kept: list[Figure] = []
    monkeypatch.setattr("report.figures.epochs.save", lambda figure, path: kept.append(figure) or [path])
    assert draw_epochs(read_suite(folder)) == [folder / "epochs"]
    lines = [next(x for x in axes.lines if x.get_marker() == "o") for axes in kept[0].axes]
    np.testing.assert_allclose(lines[0].get_xydata(), [[40, -40], [160, -160]])
    np.testing.assert_allclose(lines[1].get_xydata(), [[40, 0.5], [160, 0.5]])
    assert lines[0].get_label() == "realnvp, rate 0.001"


def test_a_suite_of_one_length_has_no_such_figure(tmp_path: Path) -> None:
    folder = write_suite(tmp_path / "one", list(PRIORS))
    for row, options in PRIORS.items():
        about = {
            "evaluation": {"nll_samples": 100},
            "options": options,
            "training": {"epochs": 6, "learning_rate": 1e-3},
        }
        write_digest(folder, row, "unidirectional", 0, [ok("kl_nats", "", 1.0)], run=about)
    assert draw_epochs(read_suite(folder)) == []
