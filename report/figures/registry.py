"""FIGURES: every figure that a suite can have, by the name of its files."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from matplotlib import rc_context

from report.figures.codes import draw_bit_sums, draw_hamming
from report.figures.curves import draw_curves
from report.figures.embeddings import draw_figure4, draw_tsne
from report.figures.labels import draw_canonical, draw_label_walks
from report.figures.levels import draw_modes, draw_rates
from report.figures.pareto import draw_pareto
from report.figures.samples import draw_class_shares, draw_prd
from report.figures.style import STYLE
from report.figures.symmetric import draw_gradients, draw_lambda
from report.figures.tiles import draw_backwards, draw_pairs, draw_stored
from report.figures.toy import draw_toy
from report.published import Published
from report.store import Suite, log

# Draws one figure into the suite's folder (NAME.png, and NAME.pdf for a plot) and returns the paths written; none where
# the suite has nothing of the kind. What should be there and is not is logged to "report" in one line.
Draw = Callable[[Suite, Published | None], list[Path]]

FIGURES: dict[str, Draw] = {
    "samples": partial(draw_pairs, tile="samples", pairs_across=2, width=400),
    "reconstructions": partial(draw_pairs, tile="reconstructions", pairs_across=1, width=640),
    "interpolations": partial(draw_pairs, tile="interpolations", pairs_across=1, width=700),
    "latent-interpolations": partial(draw_stored, tile="latent-interpolations", width=700),
    "backwards": draw_backwards,
    "tsne": draw_tsne,
    "figure4": draw_figure4,
    "curves": draw_curves,
    "pareto": draw_pareto,
    "coins": partial(draw_stored, tile="coins", width=400),
    "walks": partial(draw_stored, tile="walks", width=700),
    "edits": partial(draw_stored, tile="edits", width=700),
    "bit_sums": draw_bit_sums,
    "hamming": draw_hamming,
    "prd": draw_prd,
    "class_shares": draw_class_shares,
    "canonical": draw_canonical,
    "label-walks": draw_label_walks,
    "toy": draw_toy,
    "lambda": draw_lambda,
    "gradients": draw_gradients,
    "modes": draw_modes,
    "variations": partial(draw_stored, tile="variations", width=640),
    "super-resolution": partial(draw_stored, tile="super-resolution", width=400),
    "rate_distortion": draw_rates,
}


def draw_figures(suite: Suite, published: Published | None = None) -> list[Path]:
    """Draw every figure that the suite has data for and return the paths written.

    One that cannot be drawn (a damaged digest, say) is logged in one line and leaves the others.
    """
    written = []
    with rc_context(STYLE):
        for name, draw in FIGURES.items():
            try:
                written += draw(suite, published)
            except Exception as error:
                log.warning("%s: %s is not drawn: %s: %s", suite.folder, name, type(error).__name__, error)
    return written
