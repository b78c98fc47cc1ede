"""Picture tiles of the runs, set side by side: unidirectional left, bidirectional right, one row of the table each."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.image
import numpy as np
import numpy.typing as npt

from report.names import PAIR, model_label, row_label
from report.store import Digest, Suite, log, number
from report.style import DPI, FAINT, INK, SIZE, SMALL, new_figure, save

Pixels = npt.NDArray[np.uint8]  # [H, W, 3]

_MARGIN, _GAP, _LABEL = 24, 24, 34  # pixels


@dataclass(frozen=True)
class Panel:
    """One tile of a figure and the label above it; without pixels, the label alone."""

    label: str
    pixels: Pixels | None


def draw_pairs(suite: Suite, tile: str, path: Path, pairs_across: int, width: int) -> Path | None:
    """Write one figure of a tile for every pair, first seed each; a tile is enlarged to about `width` pixels."""
    panels = []
    for row in suite.rows:
        pair = [_first_tile(suite.runs(row, variant), tile) for variant in PAIR]
        if any(pixels is not None for pixels in pair):
            panels += [Panel(model_label(row, v), pixels) for v, pixels in zip(PAIR, pair, strict=True)]
    return _write(panels, path, 2 * pairs_across, width, suite, tile)


def draw_backwards(suite: Suite, path: Path) -> Path | None:
    """Write originals above what each unidirectional encoder makes of them when run backwards, with both PSNRs."""
    panels = []
    for row in suite.rows:
        runs = suite.runs(row, "unidirectional")
        run = next((d for d in runs if d.tile("backwards")), None)
        if run is not None:
            pixels = _first_tile([run], "backwards")
            panels.append(Panel(f"{row_label(row)}: {_backwards_label(run)}", pixels))
    return _write(panels, path, 2, 520, suite, "backwards")


def _backwards_label(run: Digest) -> str:
    psnr = _value(run, "psnr", "reconstruction=mean")  # the backwards pass also starts from the posterior mean
    backwards = _value(run, "psnr_backwards", "")
    return f"decoder {_decibel(psnr)}, encoder run backwards {_decibel(backwards)}"


def _decibel(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} dB"


def _value(run: Digest, metric: str, setting: str) -> float | None:
    return number((run.values().get((metric, setting)) or {}).get("value"))


def _first_tile(runs: list[Digest], tile: str) -> Pixels | None:
    for run in runs:
        path = run.tile(tile)
        if path is None:
            continue
        try:
            pixels = matplotlib.image.imread(path)  # [H, W] or [H, W, 3 or 4] in [0, 1]
        except (OSError, ValueError, SyntaxError) as error:  # SyntaxError is how the PNG reader names broken files
            log.warning("%s is left out: %s", path, error)
            continue
        grey = pixels[..., None] if pixels.ndim == 2 else pixels[..., :3]
        return np.broadcast_to((grey * 255).round().astype(np.uint8), (*grey.shape[:2], 3))
    return None


def enlarge(pixels: Pixels, scale: int) -> Pixels:
    """Repeat every pixel `scale` times both ways: [H, W, 3] -> [scale·H, scale·W, 3]."""
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def _write(panels: list[Panel], path: Path, across: int, width: int, suite: Suite, tile: str) -> Path | None:
    shapes = [p.pixels.shape for p in panels if p.pixels is not None]
    if not shapes:
        log.warning("%s is not drawn: no run of %s stores %s.png", path.name, suite.folder, tile)
        return None
    tile_height, tile_width = max(s[0] for s in shapes), max(s[1] for s in shapes)
    scale = max(1, round(width / tile_width))
    across = min(across, len(panels))
    cell_width, cell_height = tile_width * scale + _GAP, tile_height * scale + _LABEL
    down = -(-len(panels) // across)
    total_width = across * cell_width - _GAP + 2 * _MARGIN
    total_height = down * (cell_height + _GAP) - _GAP + 2 * _MARGIN
    figure = new_figure(total_width, total_height)
    size = min(_fitting(panel.label, cell_width - _GAP) for panel in panels)
    for i, panel in enumerate(panels):
        x = _MARGIN + (i % across) * cell_width
        top = total_height - _MARGIN - (i // across) * (cell_height + _GAP)
        figure.text(x / total_width, top / total_height, panel.label, va="top", size=size, color=INK)
        if panel.pixels is None:
            y = (top - _LABEL - 20) / total_height
            figure.text(x / total_width, y, "no picture stored", va="top", size=SMALL, color=FAINT)
            continue
        picture = enlarge(panel.pixels, scale)
        figure.figimage(picture[::-1], xo=x, yo=top - _LABEL - picture.shape[0], origin="lower")
    return save(figure, path)


def _fitting(label: str, width: int) -> float:
    """Return the type size in points at which a label of average letters fits into `width` pixels."""
    return min(SIZE, width / (len(label) * 0.52) * 72 / DPI)
