"""Figures of samples: precision against recall (Figure 6, LBAE), and how samples are spread over classes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from report.figures.colours import COLOURS
from report.figures.style import CROWD, FAINT, INK, LEGEND, PAGE, new_figure, save
from report.names import model_label
from report.published import Published
from report.store import Digest, Suite

_FITTED = ("hyperplane", "gmm")  # the sampler that is fitted to a model's codes: the first that it has
_UNFITTED = ("coins", "normal")
_ACROSS = 4  # names in a line of a legend
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")


def draw_prd(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write precision against recall of each model's samples, first seed: codes fitted, and codes of the prior."""
    runs = first_with(suite, "prd")
    if not runs:
        return []
    titles = ("codes fitted (hyperplanes, Gaussian mixture)", "codes of the prior (fair coins, N(0, I))")
    drawn = [
        {i: curve for i, run in enumerate(runs) if (curve := _first(run, "prd", samplers)) is not None}
        for samplers in (_FITTED, _UNFITTED)
    ]
    named = set(range(len(runs))) if len(runs) <= CROWD else set().union(*(outermost(curves) for curves in drawn))
    figure = new_figure(PAGE, 2.8 + LEGEND * -(-len(named) // _ACROSS))
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, curves, title in zip(panels, drawn, titles, strict=True):
        for i, curve in curves.items():
            style: dict[str, Any] = {"color": FAINT, "linewidth": 0.4, "zorder": 1}
            if i in named:
                style = {"color": _colour(i), "linestyle": _dash(i), "label": model_label(runs[i].row, runs[i].variant)}
            axes.plot(curve["recall"], curve["precision"], **style)
        axes.set(title=title, xlabel="recall", xlim=(0, 1.01), ylim=(0, 1.01))
    panels[0].set_ylabel("precision")
    labelled = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(labelled.values(), labelled, loc="outside lower center", ncols=_ACROSS)
    return save(figure, suite.folder / "prd")


def outermost(curves: Mapping[int, Any]) -> set[int]:
    """Return the curves that are above all others at some recall, by 0.001 at least."""
    at = np.linspace(0.02, 0.98, 49)
    precisions: dict[int, Any] = {}
    for i, curve in curves.items():
        order = np.argsort(curve["recall"])
        recall, precision = np.asarray(curve["recall"])[order], np.asarray(curve["precision"])[order]
        precisions[i] = np.interp(at, recall, precision, right=0)
    if len(precisions) < 2:
        return set(precisions)
    ordered = np.sort(list(precisions.values()), axis=0)
    apart = ordered[-1] > ordered[-2] + 0.001
    return {i for i, precision in precisions.items() if (apart & (precision == ordered[-1])).any()}


def draw_class_shares(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write the share of each class in samples (codes fitted) and in the test images, first seed of each model."""
    runs = [run for run in first_with(suite, "class_shares") if _first(run, "class_shares", _FITTED)]
    if not runs:
        return []
    figure = new_figure(PAGE, 3)
    axes = figure.subplots()
    for i, run in enumerate(runs):
        shares = _first(run, "class_shares", _FITTED)
        places = [c + 0.7 * ((i + 0.5) / len(runs) - 0.5) for c in range(len(shares))]
        label = model_label(run.row, run.variant)
        axes.plot(places, shares, linestyle="", marker=_MARKS[i % len(_MARKS)], ms=3, color=_colour(i), label=label)
    reference = runs[0].facts["plots"]["class_shares"]["test images"]
    axes.hlines(reference, [c - 0.42 for c in range(len(reference))], [c + 0.42 for c in range(len(reference))], INK)
    axes.plot([], [], color=INK, label="test images")
    axes.set_xticks(range(len(reference)), [str(name) for name in runs[0].facts["classes"]])
    axes.grid(axis="x", visible=False)
    axes.set(xlabel="class, as the suite's classifier reads it", ylabel="share of images", ylim=(0, None))
    figure.legend(loc="outside lower center", ncols=_ACROSS)
    return save(figure, suite.folder / "class_shares")


def first_with(suite: Suite, plot: str) -> list[Digest]:
    """Return the first run of each model that stores the data of a plot, in the table's order."""
    having = [[d for d in runs if d.facts["plots"].get(plot)] for *_, runs in suite.models()]
    return [group[0] for group in having if group]


def _first(run: Digest, plot: str, samplers: tuple[str, ...]) -> Any:
    stored = run.facts["plots"][plot]
    return next((stored[sampler] for sampler in samplers if sampler in stored), None)


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]


def _dash(i: int) -> Any:
    return ("-", (0, (5, 2)), (0, (1, 1.5)))[i % 3]
