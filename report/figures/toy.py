"""Figure 3 of the symmetric VAE's paper: how inception score and error are spread over configurations."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from report.figures.colours import COLOURS
from report.figures.style import FAINT, PAGE, new_figure, save
from report.names import row_label
from report.published import Published, printed_cell
from report.store import Suite, seed_values

MOST_ERROR = 10.0  # errors are clipped there, as in ALICE's published results
_METRICS = (
    ("inception_score", "inception score", np.linspace(1, 5, 17)),
    ("mse", "mean squared error", np.geomspace(1e-3, MOST_ERROR, 17)),
)
_PANEL = 1.15  # inches


def draw_toy(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write histograms over configurations, one line of panels a metric and one column a row of the table.

    A grey band is ALICE's published mean with its standard deviation over 576 configurations, the dotted line its
    median. Runs that did not end well are counted in the panel's title.
    """
    if suite.facts["table"] != "svae-toy":
        return []
    rows = [row for row in suite.rows if suite.runs(row, "unidirectional")]
    if not rows:
        return []
    figure = new_figure(PAGE, 2 * _PANEL + 0.5)
    panels = figure.subplots(2, len(rows), sharex="row", sharey="row", squeeze=False)
    for line, (metric, label, edges) in zip(panels, _METRICS, strict=True):
        for axes, row in zip(line, rows, strict=True):
            values, lost = _values(suite, row, metric)
            shares = np.full(len(values), 1 / max(1, len(values)))
            clipped = np.clip(values, edges[0], edges[-1])
            axes.hist(clipped, edges, weights=shares, color=COLOURS[0 if row.startswith("ALI") else 1])
            _band(axes, published, row, metric, edges)
            if metric == "mse":
                axes.set_xscale("log")
            else:
                axes.set_title(row_label(row) + (f" ({lost} lost)" if lost else ""))
            axes.grid(axis="x", visible=False)
        line[0].set_ylabel("share")
        line[len(rows) // 2].set_xlabel(label)
    return save(figure, suite.folder / "toy")


def _values(suite: Suite, row: str, metric: str) -> tuple[npt.NDArray[np.float64], int]:
    """Return a metric's values over a row's configurations, and how many configurations have none."""
    runs = suite.runs(row, "unidirectional")
    values = np.array(list(seed_values(runs, metric, "").values()))
    return values, len(runs) - len(values)


def _band(axes: Axes, published: Published | None, row: str, metric: str, edges: npt.NDArray[np.float64]) -> None:
    names = ("", "statistic=std", "statistic=median")
    mean, std, median = (printed_cell(published, row, "unidirectional", metric, name) for name in names)
    if mean and std:
        low, high = np.clip((mean.value - std.value, mean.value + std.value), edges[0], edges[-1])
        axes.axvspan(low, high, color="#dddddd", linewidth=0, zorder=0)
    if median:
        axes.axvline(median.value, color=FAINT, linestyle=(0, (1, 1.5)), linewidth=1)
