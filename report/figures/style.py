"""One look for every figure: the style sheet and the two formats."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from PIL import Image

from report.figures.colours import COLOURS
from report.files import write_whole

Pixels = npt.NDArray[np.uint8]  # [H, W, 3]

COLUMN, PAGE = 3.5, 7.16  # inches: the width of one column of a two-column journal, and of both
CROWD = 24  # models: where there are more, only those that none beats somewhere have a name and a colour
DPI = 200  # of PNG files
LEGEND = 0.17  # inches: a line of a legend below the panels
SIZE, SMALL = 8, 7  # points; nothing is smaller
INK, FAINT = "#222222", "#888888"
VARIANT_LINES: dict[str, tuple[str, Any]] = {  # a colour and a line style each
    "unidirectional": (COLOURS[0], "-"),
    "bidirectional": (COLOURS[1], "-"),
    "control": (COLOURS[2], (0, (5, 2))),
    "stock": ("#666666", (0, (1, 1.5))),
    "corrected": (COLOURS[3], (0, (5, 2, 1, 2))),
}
STYLE: Any = {  # what `draw_figures` draws under
    "font.family": "DejaVu Sans",
    "font.size": SIZE,
    "axes.titlesize": SIZE,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # above the axes: no ticks are there to be avoided
    "axes.labelsize": SIZE,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "lines.linewidth": 1.2,
    "lines.markersize": 2,
    "pdf.fonttype": 42,  # TrueType, which journals ask for
}


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of `width` by `height` inches that lays its axes out without overlaps."""
    return _figure(width, height, DPI, layout="constrained")


def new_grid(width: int, height: int) -> Figure:
    """Return an empty white figure of `width` by `height` pixels: at most a page wide in print."""
    dpi = max(DPI, width / PAGE)
    return _figure((width + 0.25) / dpi, (height + 0.25) / dpi, dpi)  # the quarter pixel is cut off, not rounded down


def _figure(width: float, height: float, dpi: float, **options: Any) -> Figure:
    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white", **options)
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> list[Path]:
    """Write a plot as `path`.png (256 colours) and `path`.pdf, the same bytes for the same data; return both paths."""
    picture, dpi, pdf = _pixels(figure).quantize(256), figure.dpi, BytesIO()
    figure.set_layout_engine("none")  # keeps the places that axes have by now
    metadata = {"CreationDate": None, "Creator": None, "Producer": None}
    FigureCanvasPdf(figure).print_pdf(pdf, metadata=metadata)  # `savefig` draws it twice
    return [
        _write_png(picture, path, dpi),
        write_whole(path.with_name(f"{path.name}.pdf"), pdf.getvalue()),
    ]


def save_grid(figure: Figure, path: Path, pictures: Iterable[tuple[Pixels, int, int]]) -> list[Path]:
    """Write a figure as `path`.png, with pictures over it, every pixel exact, and return its path.

    A picture comes with the place of its upper left corner: pixels from the figure's left and from its bottom.
    """
    channels = np.array(_pixels(figure))  # [H, W, 3]
    for picture, left, top in pictures:
        from_top = len(channels) - top
        channels[from_top : from_top + len(picture), left : left + picture.shape[1]] = picture
    grey = (channels == channels[..., :1]).all()
    return [_write_png(Image.fromarray(channels[..., 0] if grey else channels), path, figure.dpi)]


def _pixels(figure: Figure) -> Image.Image:
    canvas, layout = figure.canvas, figure.get_layout_engine()
    assert isinstance(canvas, FigureCanvasAgg)
    if layout is not None and any(axes.get_box_aspect() is not None for axes in figure.axes):
        layout.execute(figure)  # twice in all: the second time it knows the shapes of the first
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) if not axis.label.get_text()):
        axis.set_label_coords(0, 0)  # else a place is sought for the label that is not there, every time
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _write_png(picture: Image.Image, path: Path, dpi: float) -> Path:
    place, buffer = path.with_name(f"{path.name}.png"), BytesIO()
    if _shows(place, picture, dpi):  # as another machine's zlib wrote it
        return place
    picture.save(buffer, "PNG", compress_level=6, dpi=(dpi, dpi))  # 9 takes six times as long for 4% less
    return write_whole(place, buffer.getvalue())


def _shows(place: Path, picture: Image.Image, dpi: float) -> bool:
    """Whether a file has these pixels, in this mode and size of print."""
    try:
        with Image.open(place) as found:
            alike = (found.mode, found.size) == (picture.mode, picture.size)
            return (
                alike
                and abs(found.info["dpi"][0] - dpi) < 0.02  # a PNG holds whole pixels a metre
                and found.convert("RGB").tobytes() == picture.convert("RGB").tobytes()
            )
    except (OSError, ValueError, SyntaxError, KeyError):
        return False
