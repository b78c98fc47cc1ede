"""Training curves: validation -ELBO against the epoch, one panel per row, one line per variant."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from report.names import VARIANTS, row_label, variant_label
from report.store import Digest, Suite, log, number
from report.style import INK, SIZE, SMALL, VARIANT_LINES, new_figure, save, tidy

_PANEL = (480, 330)  # pixels
_LEFT, _RIGHT, _BETWEEN, _TOP, _ROW, _BOTTOM, _LEGEND = 96, 24, 36, 48, 84, 90, 34


def draw_curves(suite: Suite, path: Path) -> Path | None:
    """Write mean and range over seeds of the validation -ELBO in nats; a run that diverged ends in a cross."""
    curves = {(d.row, d.variant, d.seed): c for d in suite.digests if (c := _curve(d)) is not None}
    rows = [row for row in suite.rows if any(key[0] == row for key in curves)]
    if not rows:
        log.warning("%s is not drawn: no run of %s stores a validation curve", path.name, suite.folder)
        return None
    across = min(3, len(rows))
    down = -(-len(rows) // across)
    width = _LEFT + across * (_PANEL[0] + _BETWEEN) - _BETWEEN + _RIGHT
    shown = [v for v in VARIANTS if any(key[1] == v for key in curves)]
    columns = len(shown) if across > 1 else 2
    height = _TOP + down * (_PANEL[1] + _ROW) - _ROW + _BOTTOM + _LEGEND * -(-len(shown) // columns)
    figure = new_figure(width, height)
    limits = _limits(list(curves.values()))
    for i, row in enumerate(rows):
        left = _LEFT + (i % across) * (_PANEL[0] + _BETWEEN)
        bottom = height - _TOP - (i // across) * (_PANEL[1] + _ROW) - _PANEL[1]
        axes = figure.add_axes((left / width, bottom / height, _PANEL[0] / width, _PANEL[1] / height))
        tidy(axes)
        axes.set_title(row_label(row), size=SIZE, color=INK, loc="left")
        axes.set_ylim(limits)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.tick_params(labelleft=i % across == 0)
        if i % across == 0:
            axes.set_ylabel("validation −ELBO (nats)", size=SMALL, color=INK)
        if i + across >= len(rows):
            axes.set_xlabel("epoch", size=SMALL, color=INK)
        for variant in VARIANTS:
            _lines(axes, suite.runs(row, variant), variant)
    handles = [_handle(variant) for variant in shown]
    figure.legend(handles=handles, loc="lower center", ncols=columns, fontsize=SIZE, frameon=False)
    return save(figure, path)


def _handle(variant: str) -> Line2D:
    colour, dash = VARIANT_LINES[variant]
    return Line2D([], [], color=colour, linestyle=dash, linewidth=1.8, label=variant_label(variant))


def _curve(run: Digest) -> npt.NDArray[np.float64] | None:
    """Return [2, E]: epochs and validation -ELBO, unmeasured epochs left out; None without any."""
    curves: dict[str, Any] = run.facts.get("curves") or {}
    pairs = zip(curves.get("epoch") or [], curves.get("validation_loss") or [], strict=False)
    points = [(e, v) for epoch, value in pairs if (e := number(epoch)) is not None and (v := number(value)) is not None]
    return np.array(points).T if points else None


def _lines(axes: Axes, runs: list[Digest], variant: str) -> None:
    colour, dash = VARIANT_LINES[variant]
    curves = {run.seed: curve for run in runs if (curve := _curve(run)) is not None}
    values: dict[float, list[float]] = {}
    for curve in curves.values():
        for epoch, value in curve.T:
            values.setdefault(epoch, []).append(value)
    if not values:
        return
    epochs = sorted(values)
    axes.fill_between(
        epochs,
        [min(values[e]) for e in epochs],
        [max(values[e]) for e in epochs],
        color=colour,
        alpha=0.18,
        linewidth=0,
    )
    means = [np.mean(values[e]) for e in epochs]
    axes.plot(epochs, means, color=colour, linestyle=dash, linewidth=1.6, marker="o", markersize=2.5)
    for run in runs:
        if run.status == "diverged" and run.seed in curves:
            epoch, value = curves[run.seed][:, -1]
            low, high = axes.get_ylim()
            end = min(max(value, low), high)  # at the edge where the run left the panel
            axes.plot(epoch, end, marker="x", color=colour, markersize=8, markeredgewidth=2, clip_on=False, zorder=5)


def _limits(curves: list[npt.NDArray[np.float64]]) -> tuple[float, float]:
    """Return the axis from the best value to what most curves reach after a fifth of their epochs."""
    lowest = min(float(curve[1].min()) for curve in curves)
    early = [float(curve[1][curve[1].size // 5]) for curve in curves]
    highest = max(float(np.quantile(early, 0.9)), lowest + 1e-6)
    margin = 0.06 * (highest - lowest)
    return lowest - margin, highest + margin
