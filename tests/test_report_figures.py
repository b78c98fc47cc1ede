"""Figures from invented runs: they exist, have sane sizes, show the right pixels, and do without what is missing."""

import logging
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from fake_results import fake_curves, fake_tsne, ok, write_digest, write_full, write_suite
from PIL import Image

from report.build import write
from report.figures import draw_figures
from report.published import Printed
from report.store import read_suite
from report.tiles import enlarge

ALWAYS = {"samples.png", "reconstructions.png", "interpolations.png", "backwards.png", "tsne.png", "curves.png"}


def _size(path: Path) -> tuple[int, int]:
    height, width = matplotlib.image.imread(path).shape[:2]
    return width, height


def test_every_figure_is_drawn_at_a_readable_size(tmp_path: Path) -> None:
    folder = write_full(tmp_path, ["VAE", "beta-VAE 0.5", "IWAE"], (0, 1))
    drawn = draw_figures(read_suite(folder))
    assert {path.name for path in drawn} == ALWAYS
    for path in drawn:
        width, height = _size(path)
        assert 600 <= width <= 2400
        assert 200 <= height <= 3000


def test_tiles_are_shown_whole_and_in_exact_multiples(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    run = write_digest(tmp_path, "VAE", "unidirectional", 0, [])
    tile = np.zeros((8, 8, 3), np.uint8)
    tile[::2, ::2] = (250, 10, 20)
    matplotlib.image.imsave(run / "samples.png", tile)
    (path,) = (p for p in draw_figures(read_suite(tmp_path)) if p.name == "samples.png")
    figure = (matplotlib.image.imread(path)[..., :3] * 255).round().astype(int)
    red = np.argwhere((figure == (250, 10, 20)).all(axis=-1))
    top, left = red.min(axis=0)
    assert (figure[top : top + 400, left : left + 400] == enlarge(tile, 50)).all()


def test_grey_tiles_are_shown_grey(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    run = write_digest(tmp_path, "VAE", "unidirectional", 0, [])
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(run / "samples.png")
    (path,) = (p for p in draw_figures(read_suite(tmp_path)) if p.name == "samples.png")
    figure = (matplotlib.image.imread(path)[..., :3] * 255).round().astype(int)
    bottom = figure.shape[0] - 24  # below the label, inside the margin
    assert (figure[bottom - 400 : bottom, 24:424] == 77).all()


def test_missing_and_broken_tiles_are_one_line_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_full(tmp_path, ["VAE"], (0,))
    for path in folder.glob("digests/*/interpolations.png"):
        path.unlink()
    broken = next(folder.glob("digests/*unidirectional*/samples.png"))
    broken.write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING, logger="report"):
        drawn = draw_figures(read_suite(folder))
    assert {path.name for path in drawn} == ALWAYS - {"interpolations.png"}
    assert len(caplog.messages) == 2
    assert str(broken) in caplog.messages[0]
    assert caplog.messages[1].startswith("interpolations.png is not drawn")


def test_figure4_appears_with_rows_at_latent_128(tmp_path: Path) -> None:
    row = "beta-VAE 1.5 z128"
    write_suite(tmp_path, ["VAE"])
    for variant in ("unidirectional", "bidirectional"):
        probe = [ok("probe_accuracy", "probe=linear", 95.0)]
        write_digest(tmp_path, row, variant, 0, probe, tsne=fake_tsne(0))
    printed = {("beta-VAE z128", "bidirectional", "probe_accuracy", "probe=linear"): Printed("97.32%", 97.32, "%", "")}
    drawn = {path.name for path in draw_figures(read_suite(tmp_path), printed)}
    assert "figure4.png" in drawn
    assert "tsne.png" not in drawn


def test_curves_do_without_unmeasured_epochs_and_mark_divergence(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [])
    gone = fake_curves(0) | {"validation_loss": [250.0, 240.0, None, float("nan")]}
    write_digest(tmp_path, "VAE", "unidirectional", 1, [], status="diverged", curves=gone)
    write_digest(tmp_path, "VAE", "bidirectional", 0, [], curves=None)
    assert {path.name for path in draw_figures(read_suite(tmp_path))} == {"curves.png"}


def test_suite_without_runs_draws_nothing(tmp_path: Path) -> None:
    assert [path.name for path in write(write_suite(tmp_path, ["VAE"]))] == ["table.csv", "table.tex", "table.md"]
