"""One look for every figure: colours that colour-blind readers can tell apart, readable type, exact pixels."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 150
INK = "#222222"
FAINT = "#888888"
CLASSES = (  # Paul Tol's muted scheme, with black for its pale grey
    "#332288",
    "#88ccee",
    "#44aa99",
    "#117733",
    "#999933",
    "#ddcc77",
    "#cc6677",
    "#882255",
    "#aa4499",
    "#000000",
)
VARIANT_LINES: dict[str, tuple[str, Any]] = {  # Okabe and Ito's colours, and a line style each
    "unidirectional": ("#0072b2", "-"),
    "bidirectional": ("#d55e00", "-"),
    "control": ("#009e73", (0, (5, 2))),
    "stock": ("#666666", (0, (1, 1.5))),
    "corrected": ("#cc79a7", (0, (5, 2, 1, 2))),
}
SIZE = 9  # points
SMALL = 8


def new_figure(width: int, height: int) -> Figure:
    """Return an empty white figure of `width` by `height` pixels on the Agg canvas."""
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def tidy(axes: Axes) -> None:
    """Give axes the house style: no box, faint grid behind the data, small ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL, colors=INK, length=3)


def save(figure: Figure, path: Path) -> Path:
    """Write the figure as PNG, without a date or version in it, and return its path."""
    figure.savefig(path, dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": True})
    return path
