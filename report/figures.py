"""Every figure of a suite, drawn from its digests."""

from pathlib import Path

from report.curves import draw_curves
from report.embeddings import draw_figure4, draw_tsne
from report.published import Published
from report.store import Suite
from report.tiles import draw_backwards, draw_pairs


def draw_figures(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write the suite's PNG figures into its folder and return their paths; what has no data is logged and skipped."""
    folder = suite.folder
    drawn = [
        draw_pairs(suite, "samples", folder / "samples.png", pairs_across=2, width=400),
        draw_pairs(suite, "reconstructions", folder / "reconstructions.png", pairs_across=1, width=640),
        draw_pairs(suite, "interpolations", folder / "interpolations.png", pairs_across=1, width=700),
        draw_backwards(suite, folder / "backwards.png"),
        draw_tsne(suite, folder / "tsne.png"),
        draw_figure4(suite, folder / "figure4.png", published),
        draw_curves(suite, folder / "curves.png"),
    ]
    return [path for path in drawn if path is not None]
