"""Training curves: what chose the epoch, on validation images, one panel per row, one line per variant."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from report.figures.style import COLUMN, PAGE, VARIANT_LINES, new_figure, save
from report.names import VARIANTS, row_label, variant_label
from report.published import Published
from report.store import Digest, Suite, log, number

_ACROSS, _PANEL, _LEGEND = 3, 1.75, 0.3  # panels; inches
_DOTTED = 15  # epochs, up to which each has a dot


def draw_curves(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write mean and range over seeds of the validation loss; a run that diverged ends in a cross.

    It is the -ELBO in nats, and the panels have one axis, where all models have an ELBO; else it is each model's own.
    """
    curves = {(d.row, d.variant, d.seed): c for d in suite.digests if (c := _curve(d)) is not None}
    rows = [row for row in suite.rows if any(key[0] == row for key in curves)]
    if not rows:
        log.warning("curves are not drawn: no run of %s stores a validation curve", suite.folder)
        return []
    across = min(_ACROSS, len(rows))
    down = -(-len(rows) // across)
    figure = new_figure(PAGE if across > 1 else COLUMN, down * _PANEL + _LEGEND * (1 if across > 1 else 2))
    alike = not any(m["status"] == "blank" for d in suite.digests if (m := d.values().get(("neg_elbo", ""))))
    panels = figure.subplots(down, across, sharey=alike, squeeze=False)
    for i, axes in enumerate(panels.flat):
        if i >= len(rows):
            axes.remove()
            continue
        axes.set_title(row_label(rows[i]))
        axes.set_ylim(_limits([curve for (row, *_), curve in curves.items() if alike or row == rows[i]]))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if i % across == 0:
            axes.set_ylabel("validation −ELBO (nats)" if alike else "validation loss")
        if i + across >= len(rows):
            axes.set_xlabel("epoch")
        for variant in VARIANTS:
            _lines(axes, suite.runs(rows[i], variant), variant)
    shown = [v for v in VARIANTS if any(key[1] == v for key in curves)]
    columns = len(shown) if across > 1 else 2
    figure.legend(handles=[_handle(v) for v in shown], loc="outside lower center", ncols=columns)
    return save(figure, suite.folder / "curves")


def _handle(variant: str) -> Line2D:
    colour, dash = VARIANT_LINES[variant]
    return Line2D([], [], color=colour, linestyle=dash, linewidth=1.5, label=variant_label(variant))


def _curve(run: Digest) -> npt.NDArray[np.float64] | None:
    """Return [2, E]: epochs and validation loss, unmeasured epochs left out; None without any."""
    pairs = zip(*(run.facts["curves"].get(name, []) for name in ("epoch", "validation_loss")), strict=False)
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
    low, high = [min(values[e]) for e in epochs], [max(values[e]) for e in epochs]
    axes.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)
    marker = "o" if len(epochs) <= _DOTTED else ""
    axes.plot(epochs, [np.mean(values[e]) for e in epochs], color=colour, linestyle=dash, marker=marker)
    for run in runs:
        if run.status == "diverged" and run.seed in curves:
            epoch, value = curves[run.seed][:, -1]
            bottom, top = axes.get_ylim()
            end = min(max(value, bottom), top)  # at the edge where the run left the panel
            axes.plot(epoch, end, marker="x", color=colour, markersize=6, markeredgewidth=1.5, clip_on=False, zorder=5)


def _limits(curves: list[npt.NDArray[np.float64]]) -> tuple[float, float]:
    """Return the axis from the best value to what most curves reach after a fifth of their epochs."""
    lowest = min(float(curve[1].min()) for curve in curves)
    early = [float(curve[1][curve[1].size // 5]) for curve in curves]
    highest = max(float(np.quantile(early, 0.9)), lowest + 1e-6)
    margin = 0.06 * (highest - lowest)
    return lowest - margin, highest + margin
