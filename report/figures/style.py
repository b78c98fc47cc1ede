"""One look for every figure: the style sheet, colours that colour-blind readers can tell apart, and the two formats."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from PIL import Image

from report.files import write_whole

COLUMN, PAGE = 3.5, 7.16  # inches: the width of one column of a two-column journal, and of both
DPI = 200  # of PNG files
SIZE, SMALL = 8, 7  # points; nothing is smaller
INK, FAINT = "#222222", "#888888"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#b8a900")  # Okabe and Ito's
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
    """Return an empty white figure of `width` by `height` pixels, for `figimage`: at most a page wide in print."""
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


def save_grid(figure: Figure, path: Path) -> list[Path]:
    """Write a figure of pictures as `path`.png, every pixel exact, and return its path."""
    picture = _pixels(figure)
    channels = np.asarray(picture)
    grey = (channels == channels[..., :1]).all()
    return [_write_png(picture.convert("L") if grey else picture, path, figure.dpi)]


def _pixels(figure: Figure) -> Image.Image:
    canvas, layout = figure.canvas, figure.get_layout_engine()
    assert isinstance(canvas, FigureCanvasAgg)
    if layout is not None:
        layout.execute(figure)  # twice in all: the second time it knows the shapes of the first
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
