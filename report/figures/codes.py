"""Figures of codes of bits: how many bits are set (Figure 2, LBAE), and the distance along paths (its Figure 9)."""

from pathlib import Path

import numpy as np

from report.figures.colours import COLOURS
from report.figures.samples import first_with
from report.figures.style import COLUMN, INK, PAGE, new_figure, save
from report.names import model_label
from report.published import Published
from report.store import Suite

_PANEL, _LEGEND = 2.3, 0.4  # inches
_SUMS = (  # name in the digest, label, colour, line
    ("encoded", "training images", INK, "-"),
    ("hyperplane", "hyperplanes", COLOURS[0], "-"),
    ("rounding", "rounded Gaussian", COLOURS[1], (0, (5, 2))),
    ("coins", "fair coins", COLOURS[2], (0, (1, 1.5))),
)
_WAYS = (
    ("paper", "centroids, with flip (paper)", COLOURS[0], "-"),
    ("code", "centroids, no flip (code)", COLOURS[1], (0, (5, 2))),
    ("inverse", "inverse of V", COLOURS[2], (0, (1, 1.5))),
)


def draw_bit_sums(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write the share of codes by their number of positive bits, encoded and drawn; the legend has the distances.

    One panel a model, its first seed.
    """
    runs = first_with(suite, "bit_sums")
    if not runs:
        return []
    figure = new_figure(PAGE if len(runs) > 1 else COLUMN, _PANEL)
    panels = figure.subplots(1, len(runs), sharey=True, squeeze=False)[0]
    for axes, run in zip(panels, runs, strict=True):
        shares = run.facts["plots"]["bit_sums"]
        for name, label, colour, line in _SUMS:
            if name in shares:
                tv = run.value("bit_sum_tv", f"sampler={name}")
                label = label if tv is None else f"{label}, TV {tv:.3f}"
                axes.plot(shares[name], color=colour, linestyle=line, label=label, linewidth=1)
        axes.set_xlim(_support(shares))
        axes.set_title(model_label(run.row, run.variant))
        axes.set_xlabel(f"positive bits of {len(shares['encoded']) - 1}")
        axes.legend(loc="upper right")
    panels[0].set_ylabel("share of codes")
    panels[0].set_ylim(0, 1.45 * panels[0].get_ylim()[1])  # room for the legend
    return save(figure, suite.folder / "bit_sums")


def draw_hamming(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write mean and standard deviation over pairs of the Hamming distance from the source along paths.

    One panel a model, its first seed; the grey line is linear.
    """
    runs = first_with(suite, "hamming")
    if not runs:
        return []
    figure = new_figure(PAGE if len(runs) > 1 else COLUMN, _PANEL + _LEGEND)
    panels = figure.subplots(1, len(runs), sharey=True, squeeze=False)[0]
    for axes, run in zip(panels, runs, strict=True):
        curves = run.facts["plots"]["hamming"]
        for i, (name, label, colour, line) in enumerate(_WAYS):
            if name in curves:
                mean, spread = np.array(curves[name]["mean"]), np.array(curves[name]["std"])
                steps = np.arange(1, len(mean) + 1) + 0.12 * (i - 1)  # beside each other, not on top
                axes.errorbar(steps, mean, spread, color=colour, linestyle=line, elinewidth=0.7, label=label)
        axes.plot([1, len(mean)], [0, 1], color="#bbbbbb", zorder=0)
        axes.set_title(model_label(run.row, run.variant))
        axes.set_xlabel("step")
    panels[0].set_ylabel("Hamming distance, share of H(s, t)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3 if len(runs) > 1 else 1)
    return save(figure, suite.folder / "hamming")


def _support(shares: dict[str, list[float]]) -> tuple[int, int]:
    """Return the range of sums that a thousandth or more of some set of codes has."""
    high = np.flatnonzero(np.max([shares[name] for name in shares], axis=0) >= 1e-3)
    return int(high[0]) - 1, int(high[-1]) + 1
