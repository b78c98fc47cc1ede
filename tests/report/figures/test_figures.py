"""Figures from invented runs: they exist, have sane sizes, show the right pixels, and do without what is missing."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from fake_results import blank, fake_curves, fake_tsne, ok, write_digest, write_full, write_suite
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from report.build import write
from report.figures import style
from report.figures.curves import draw_curves
from report.figures.registry import FIGURES, draw_figures
from report.figures.style import COLUMN, PAGE
from report.figures.tiles import draw_backwards, draw_pairs, enlarge
from report.names import PAIR
from report.published import Printed
from report.store import Suite, read_suite

GRIDS = {"samples.png", "reconstructions.png", "interpolations.png", "backwards.png"}
ALWAYS = GRIDS | {"tsne.png", "tsne.pdf", "curves.png", "curves.pdf"}


class Drawn(NamedTuple):
    """A suite, the figures drawn of it, and their files."""

    suite: Suite
    figures: list[Figure]
    outside: list[str]  # labels that leave their figure
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Two rows in every variant and a pair at latent 128, with all that the figures of a table of pairs show."""
    folder = write_full(tmp_path_factory.mktemp("full"), ["VAE", "beta-TCVAE 0.5"], (0, 1))
    for variant in PAIR:
        probe = [ok("probe_accuracy", "probe=linear", 95.0)]
        write_digest(folder, "beta-VAE 1.5 z128", variant, 0, probe, tsne=fake_tsne(0))
    figures: list[Figure] = []
    outside: list[str] = []
    pixels, suite = style._pixels, read_suite(folder)

    def watched(figure: Figure) -> Image.Image:
        picture = pixels(figure)
        titles = [axes._left_title for axes in figure.axes]  # type: ignore[attr-defined]
        for text in [*figure.texts, *titles]:
            box = text.get_window_extent()
            if min(box.x0, box.y0) < 0 or box.x1 > picture.width or box.y1 > picture.height:
                outside.append(text.get_text())
        figures.append(figure)
        return picture

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "_pixels", watched)
        files = {path.name: path.read_bytes() for path in draw_figures(suite)}
    return Drawn(suite, figures, outside, files)


def test_plots_are_drawn_as_png_and_pdf_and_grids_as_png(full: Drawn) -> None:
    assert set(full.files) == ALWAYS | {"figure4.png", "figure4.pdf"}


def test_figures_fit_a_page_and_their_type_is_seven_points_or_more(full: Drawn) -> None:
    assert len(full.figures) == 7
    for figure in full.figures:
        assert COLUMN - 0.1 <= figure.get_figwidth() <= PAGE + 0.01
        texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
        assert texts
        assert min(text.get_fontsize() for text in texts) >= 7


def test_labels_stay_on_their_figure(full: Drawn) -> None:
    assert full.outside == []


def test_figures_are_the_same_bytes_every_time_and_leave_the_style_as_it_was(full: Drawn) -> None:
    before = dict(matplotlib.rcParams)
    assert full.files == {path.name: path.read_bytes() for path in draw_figures(full.suite)}
    assert dict(matplotlib.rcParams) == before


def test_files_say_nothing_of_when_or_by_what_they_were_made(full: Drawn) -> None:
    assert not [name for name, data in full.files.items() if b"CreationDate" in data or b"Matplotlib" in data]


def test_pdf_text_is_embedded_truetype(full: Drawn) -> None:
    for data in (data for name, data in full.files.items() if name.endswith(".pdf")):
        assert b"/CIDFontType2" in data or b"/TrueType" in data
        assert b"/Type3" not in data


def test_a_figure_that_cannot_be_drawn_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [])
    monkeypatch.setitem(FIGURES, "samples", lambda suite, published: [][0])
    with caplog.at_level(logging.WARNING, logger="report"):
        assert {path.name for path in draw_figures(read_suite(tmp_path))} == {"curves.png", "curves.pdf"}
    assert caplog.messages[0] == f"{tmp_path}: samples is not drawn: IndexError: list index out of range"


@pytest.mark.parametrize(
    ("measured", "label"),
    [
        ([], "VAE"),
        ([ok("psnr", "reconstruction=mean", 22.24)], "VAE: decoder 22.2 dB"),
        ([ok("psnr", "reconstruction=mean", 22.24), ok("psnr_backwards", "", 7.7)],
         "VAE: decoder 22.2 dB, backwards 7.7 dB"),
    ],
)  # fmt: skip
def test_pictures_run_backwards_name_what_was_measured_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: list[dict[str, Any]], label: str
) -> None:
    labels: list[str] = []
    monkeypatch.setattr("report.figures.tiles.draw_panels", lambda panels, *_: labels.extend(p.label for p in panels))
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, measured, pictures=True)
    draw_backwards(read_suite(tmp_path))
    assert labels == [label]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_a_suite_without_runs_is_nothing(name: str, tmp_path: Path) -> None:
    assert FIGURES[name](read_suite(write_suite(tmp_path, ["VAE"])), None) == []


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
    bottom = figure.shape[0] - 16  # below the label, inside the margin
    assert (figure[bottom - 400 : bottom, 16:416] == 77).all()


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
    assert caplog.messages[1].startswith("interpolations are not drawn")


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


def test_a_row_without_a_pair_has_no_empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_suite(tmp_path, ["ALI", "sVAE-r 0.1"])
    for row, variant in (("ALI", "unidirectional"), ("sVAE-r 0.1", "unidirectional"), ("sVAE-r 0.1", "bidirectional")):
        write_digest(tmp_path, row, variant, 0, [], pictures=True)
    labels: list[str] = []
    monkeypatch.setattr(
        "report.figures.tiles.draw_panels", lambda panels, *rest: labels.extend(p.label for p in panels) or []
    )
    draw_pairs(read_suite(tmp_path), None, "samples", 2, 400)
    assert labels == ["sVAE-r 0.1", "Bidirectional sVAE-r 0.1", "ALI"]


def test_a_row_with_a_stock_run_alone_stands_after_the_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_full(tmp_path, ["RAE", "VAE"], (0,))
    for variant in PAIR:
        for path in folder.glob(f"digests/RAE-{variant}*/samples.png"):
            path.unlink()
    stock = next(folder.glob("digests/RAE-stock*"))
    matplotlib.image.imsave(stock / "samples.png", np.zeros((8, 8, 3), np.uint8))
    labels: list[str] = []
    monkeypatch.setattr(
        "report.figures.tiles.draw_panels", lambda panels, *rest: labels.extend(p.label for p in panels) or []
    )
    draw_pairs(read_suite(folder), None, "samples", 2, 400)
    assert labels == ["VAE", "Bidirectional VAE", "RAE, stock"]


def test_curves_do_without_unmeasured_epochs_and_mark_divergence(tmp_path: Path) -> None:
    write_suite(tmp_path, ["VAE"])
    write_digest(tmp_path, "VAE", "unidirectional", 0, [])
    gone = fake_curves(0) | {"validation_loss": [250.0, 240.0, None, float("nan")]}
    write_digest(tmp_path, "VAE", "unidirectional", 1, [], status="diverged", curves=gone)
    write_digest(tmp_path, "VAE", "bidirectional", 0, [], curves=None)
    assert {path.name for path in draw_figures(read_suite(tmp_path))} == {"curves.png", "curves.pdf"}


def test_curves_of_unlike_losses_have_an_axis_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []
    monkeypatch.setattr("report.figures.curves.save", lambda figure, path: figures.append(figure) or [path])
    for reason in ("the model has no prior", None):
        write_suite(tmp_path, ["VAE", "LBAE"])
        write_digest(tmp_path, "VAE", "unidirectional", 0, [ok("neg_elbo", "", 100.0)])
        low = fake_curves(0) | {"validation_loss": [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]}
        measured = [blank("neg_elbo", "", reason) if reason else ok("neg_elbo", "", 5.0)]
        write_digest(tmp_path, "LBAE", "unidirectional", 0, measured, curves=low)
        draw_curves(read_suite(tmp_path))
    unlike, alike = figures
    assert [axes.get_ylabel() for axes in (unlike.axes[0], alike.axes[0])] == [
        "validation loss",
        "validation −ELBO (nats)",
    ]
    assert unlike.axes[0].get_ylim()[0] > unlike.axes[1].get_ylim()[1]
    assert alike.axes[0].get_ylim() == alike.axes[1].get_ylim()


def test_suite_without_runs_draws_nothing(tmp_path: Path) -> None:
    written = write(write_suite(tmp_path, ["VAE"]))
    assert "table.md" in {path.name for path in written}
    assert not {path.suffix for path in written} & {".png", ".pdf"}
