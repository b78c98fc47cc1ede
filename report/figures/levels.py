"""Figures of models that work level by level: kinds of reconstruction beside one another (Figures 11 and 13, selfVAE),
and what each sends against how near it comes."""

from pathlib import Path

from matplotlib.axes import Axes

from report.figures.colours import COLOURS
from report.figures.style import INK, PAGE, SMALL, new_figure, new_grid, save, save_grid
from report.figures.tiles import enlarge, first_tile
from report.names import model_label
from report.published import Published
from report.store import Digest, Suite
from report.tables.rates import MODES, OF_ONE_LEVEL, ORIGINAL, SENT, Rate, rates

_WIDTH = 560  # pixels of a panel's pictures, about
_MARGIN, _GAP, _LINE = 16, 20, 1.35
_LETTER = 0.56  # width of an average letter, in sizes of its type
_MARKERS = {"CM": "x", "RS1": "o", "RS2": "s", "CG": "^", "conditional": "D", OF_ONE_LEVEL: "*"}
_PANEL, _LEGEND = 2.6, 0.17  # inches: height of a panel, of a line of the legend


def draw_modes(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write test images in every kind of reconstruction, a kind a row with its bits and PSNR, a model a panel.

    Pictures and numbers are those of the first seed that stores them.
    """
    panels = []
    for name, variant, found in suite.models():
        runs = [d for d in found if d.tile("modes") and d.value(SENT, "mode=RS1") is not None]
        if (pixels := first_tile(runs[:1], "modes")) is not None:
            panels.append((model_label(name, variant), pixels, [_said(runs[0], mode) for mode in MODES]))
    if not panels:
        return []
    scale = max(1, round(_WIDTH / max(pixels.shape[1] for _, pixels, _ in panels)))
    pictures = [enlarge(pixels, scale) for _, pixels, _ in panels]
    dots = new_grid(_WIDTH, 1).dpi / 72  # pixels a point
    letters = max(len(said) for *_, lines in panels for said in lines)
    left = _MARGIN + round(letters * _LETTER * SMALL * dots)
    width = left + max(picture.shape[1] for picture in pictures) + _MARGIN
    head = round(SMALL * _LINE * dots) + 6
    height = sum(head + picture.shape[0] + _GAP for picture in pictures) - _GAP + 2 * _MARGIN
    figure, top = new_grid(width, height), height - _MARGIN
    placed = []
    for (label, _, lines), picture in zip(panels, pictures, strict=True):
        top -= head
        figure.text(left, top + 6, label, va="bottom", size=SMALL, transform=None)
        placed.append((picture, left, top))
        each = (picture.shape[0] + scale) / len(lines)  # a row and the gap below it
        for i, said in enumerate(lines):
            middle = top - each * i - (each - scale) / 2
            figure.text(left - 8, middle, said, ha="right", va="center", size=SMALL, transform=None)
        top -= picture.shape[0] + _GAP
    return save_grid(figure, suite.folder / "modes", placed)


def draw_rates(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write PSNR, and SSIM where there is one, against the bits sent, a colour a model and a marker a kind.

    Points are means over seeds with 95% t-intervals; a tick on top is what the image itself takes.
    """
    found = rates(suite)
    if not found:
        return []
    models = list(dict.fromkeys((rate.row, rate.variant) for rate in found))
    qualities = [q for q in (("psnr", "PSNR, dB"), ("ssim", "SSIM")) if any(getattr(rate, q[0]) for rate in found)]
    figure = new_figure(PAGE, _PANEL + _LEGEND * (2 + len(models) // 3))
    panels = figure.subplots(1, len(qualities), squeeze=False)[0]
    for axes, (quality, label) in zip(panels, qualities, strict=True):
        for rate in found:
            _point(axes, rate, getattr(rate, quality), COLOURS[models.index((rate.row, rate.variant)) % len(COLOURS)])
        axes.set_xscale("symlog", linthresh=1)  # a KL is estimated, and near 0 it may come out below
        axes.set(xlabel="bits sent", ylabel=label)
    for i, (name, variant) in enumerate(models):
        panels[0].plot([], [], linestyle="-", color=COLOURS[i % len(COLOURS)], label=model_label(name, variant))
    for mode in dict.fromkeys(rate.mode for rate in found if rate.mode != ORIGINAL):
        said = f"{mode}: {MODES[mode]}" if mode in MODES else f"{mode} (one level)"
        panels[0].plot([], [], linestyle="", ms=4, color=INK, marker=_MARKERS[mode], label=said)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return save(figure, suite.folder / "rate_distortion")


def _point(axes: Axes, rate: Rate, value: tuple[float, float | None] | None, colour: str) -> None:
    bits, spread = rate.bits
    if rate.mode == ORIGINAL:
        axes.plot([bits, bits], [0.95, 1], color=colour, transform=axes.get_xaxis_transform())
    elif value is not None:
        marker = _MARKERS[rate.mode]
        axes.errorbar(bits, value[0], value[1], spread, marker=marker, ms=4, color=colour, elinewidth=0.7)


def _said(run: Digest, mode: str) -> str:
    """Write a kind of reconstruction with its numbers: "RS1: 12 bits, 18.2 dB"."""
    bits, psnr = run.value(SENT, f"mode={mode}"), run.value("mode_psnr", f"mode={mode}")
    numbers = ["" if bits is None else f"{bits:,.0f} bits", "" if psnr is None else f"{psnr:.1f} dB"]
    return f"{mode}: {', '.join(filter(None, numbers))}"
