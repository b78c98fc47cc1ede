"""Picture tiles of the runs, set side by side: unidirectional left, bidirectional right, one row of the table each."""

import io
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import matplotlib.image
import numpy as np

from report.figures.style import FAINT, SMALL, Pixels, new_grid, save_grid
from report.names import PAIR, model_label, row_label
from report.published import Published
from report.store import Digest, Suite, log

_MARGIN, _GAP = 16, 24  # pixels
_LINE = 1.35  # height of a line of text, in sizes of its type
_LETTER = 0.52  # width of an average letter


@dataclass(frozen=True)
class Panel:
    """One tile of a figure and the label above it; without pixels, the label alone."""

    label: str
    pixels: Pixels | None


def draw_pairs(suite: Suite, published: Published | None, tile: str, pairs_across: int, width: int) -> list[Path]:
    """Write one figure of a tile for every pair, first seed each, then for the rows of which one variant was run.

    A tile is enlarged to about `width` pixels.
    """
    pairs, singles = [], []
    for row in suite.rows:
        found = {v: first_tile(suite.runs(row, v), tile) for v in (*PAIR, "stock") if suite.runs(row, v)}
        panels = [Panel(model_label(row, v), pixels) for v, pixels in found.items()]
        if set(PAIR) <= found.keys() and any(panel.pixels is not None for panel in panels[:2]):
            pairs += panels[:2]
        else:
            singles += [panel for panel in panels if panel.pixels is not None][:1]
    return draw_panels(pairs + singles, suite, tile, 2 * pairs_across, width)


def draw_stored(suite: Suite, published: Published | None, tile: str, width: int) -> list[Path]:
    """Write one figure of a tile for every model that stores it, first seed each; none where no model does."""
    panels = [
        Panel(model_label(row, variant), pixels)
        for row, variant, runs in suite.models()
        if (pixels := first_tile(runs, tile)) is not None
    ]
    return draw_panels(panels, suite, tile, 2, width) if panels else []


def draw_backwards(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write originals above what each unidirectional encoder makes of them when run backwards, with the PSNRs."""
    panels = []
    for row in suite.rows:
        runs = suite.runs(row, "unidirectional")
        run = next((d for d in runs if d.tile("backwards")), None)
        if run is not None:
            pixels = first_tile([run], "backwards")
            panels.append(Panel(": ".join(filter(None, [row_label(row), _backwards_label(run)])), pixels))
    return draw_panels(panels, suite, "backwards", 2, 640)


def _backwards_label(run: Digest) -> str:
    psnr = run.value("psnr", "reconstruction=mean")  # the backwards pass also starts from the posterior mean
    found = {"decoder": psnr, "backwards": run.value("psnr_backwards")}
    return ", ".join(f"{name} {value:.1f} dB" for name, value in found.items() if value is not None)


def first_tile(runs: list[Digest], tile: str) -> Pixels | None:
    """Return a picture of the first of some runs that stores it, [H, W, 3]; a broken file is logged and passed over."""
    for run in runs:
        stored = run.tile(tile)
        if stored is None:
            continue
        try:
            pixels = matplotlib.image.imread(io.BytesIO(stored.read_bytes()))  # [H, W] or [H, W, 3 or 4] in [0, 1]
        except (OSError, ValueError, SyntaxError) as error:  # SyntaxError is how the PNG reader names broken files
            log.warning("%s is left out: %s", stored, error)
            continue
        grey = pixels[..., None] if pixels.ndim == 2 else pixels[..., :3]
        return np.broadcast_to((grey * 255).round().astype(np.uint8), (*grey.shape[:2], 3))
    return None


def enlarge(pixels: Pixels, scale: int) -> Pixels:
    """Repeat every pixel `scale` times both ways: [H, W, 3] -> [scale·H, scale·W, 3]."""
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def draw_panels(panels: list[Panel], suite: Suite, name: str, across: int, width: int) -> list[Path]:
    """Write panels as one picture NAME.png, `across` in a row, enlarged by a whole factor to about `width` pixels.

    Without any pixels nothing is written, which is logged.
    """
    shapes = [p.pixels.shape for p in panels if p.pixels is not None]
    if not shapes:
        log.warning("%s are not drawn: no run of %s stores %s.png", name, suite.folder, name)
        return []
    tile_height, tile_width = max(s[0] for s in shapes), max(s[1] for s in shapes)
    scale = max(1, round(width / tile_width))
    across = min(across, len(panels))
    cell = tile_width * scale
    total_width = across * (cell + _GAP) - _GAP + 2 * _MARGIN
    point = new_grid(total_width, 1).dpi / 72  # pixels
    labels = [_wrapped(p.label, int(cell / (_LETTER * SMALL * point))) for p in panels]
    starts = range(0, len(panels), across)
    heads = [round(max(map(len, labels[i : i + across])) * SMALL * _LINE * point) + 4 for i in starts]
    total_height = sum(heads) + len(heads) * (tile_height * scale + _GAP) - _GAP + 2 * _MARGIN
    figure, top = new_grid(total_width, total_height), total_height - _MARGIN
    pictures = []
    for start, head in zip(starts, heads, strict=True):
        top -= head
        for i, panel in enumerate(panels[start : start + across]):
            x = _MARGIN + i * (cell + _GAP)
            figure.text(x, top + 6, "\n".join(labels[start + i]), va="bottom", size=SMALL, transform=None)
            if panel.pixels is None:
                figure.text(x, top - 12, "no picture stored", va="top", size=SMALL, color=FAINT, transform=None)
                continue
            pictures.append((enlarge(panel.pixels, scale), x, top))
        top -= tile_height * scale + _GAP
    return save_grid(figure, suite.folder / name, pictures)


def _wrapped(label: str, letters: int) -> list[str]:
    """Break a label into lines of so many letters, never inside "β = 0.5"."""
    return wrap(label.replace(" = ", "\u00a0=\u00a0"), max(8, letters))
