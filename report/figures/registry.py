"""FIGURES: every figure that a suite can have: what draws it, its title, what it shows."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from report.figures import load_matplotlib
from report.published import Published
from report.store import Suite, log

# Draws one figure into the suite's folder (NAME.png, and NAME.pdf for a plot) and returns the paths written; none where
# the suite has nothing of the kind. What should be there and is not is logged to "report" in one line.
Draw = Callable[[Suite, Published | None], list[Path]]


@dataclass(frozen=True)
class Figure:
    """A figure: what draws it, its title on the page, and what it shows, in the words of results/README.md."""

    draw: Draw
    title: str
    shows: str

    def __call__(self, suite: Suite, published: Published | None = None) -> list[Path]:
        """Draw it and return the paths written."""
        return self.draw(suite, published)


def _by(place: str, **options: object) -> Draw:
    """Return what calls `place`, "module:function" of this room, imported when it draws: the page needs titles alone,
    and what draws takes a second to import."""

    def draw(suite: Suite, published: Published | None) -> list[Path]:
        module, _, name = place.partition(":")
        written: list[Path] = getattr(import_module(f"report.figures.{module}"), name)(suite, published, **options)
        return written

    return draw


_PICTURES = (
    "pictures of each pair, unidirectional left and bidirectional right, then of the rows that have a stock run alone; "
    "samples are of the first sampler in the suite's list that the model can serve"
)
_EMBEDDED = "latent means of test images by class; `figure4` the pair at latent 128"
_BITS = "codes of bits: decoded fair coins, walks between two images, attribute edits, bits set, distance along a walk"
_SAMPLED = "precision against recall of samples, and their classes"
_LABELS = "models with labels: an image of each label, and the latent plane of each label"
_LEVELS = (
    "models that work level by level: kinds of reconstruction with the bits that they send and their PSNR; the same as "
    "a plot (the numbers: `rate_distortion.md`, `.csv`)"
)
_GIVEN = "the same models: images with the u of a test image and other z; images drawn for a compressed test image"

FIGURES: dict[str, Figure] = {  # by the name of the file, in the page's order
    "samples": Figure(
        _by("tiles:draw_pairs", tile="samples", pairs_across=2, width=400), "Samples from each model's prior", _PICTURES
    ),
    "reconstructions": Figure(
        _by("tiles:draw_pairs", tile="reconstructions", pairs_across=1, width=640),
        "Test images above their reconstructions",
        _PICTURES,
    ),
    "interpolations": Figure(
        _by("tiles:draw_pairs", tile="interpolations", pairs_across=1, width=700),
        "Mixes of two test images, each encoded and decoded",
        _PICTURES,
    ),
    "latent-interpolations": Figure(
        _by("tiles:draw_stored", tile="latent-interpolations", width=700),
        "Two test images, and what lies between their codes (or between their u alone)",
        "test images, and ten decoded codes on the line between theirs; of models that work level by level, on that "
        "between their u",
    ),
    "backwards": Figure(
        _by("tiles:draw_backwards"),
        "Test images above what a one-way encoder makes of them when run backwards",
        "test images, and what a one-way encoder run backwards makes of them",
    ),
    "tsne": Figure(_by("embeddings:draw_tsne"), "t-SNE of the latent means of test images, by class", _EMBEDDED),
    "figure4": Figure(
        _by("embeddings:draw_figure4"),
        "t-SNE of the latent means at latent size 128, by class, with linear-probe accuracies",
        _EMBEDDED,
    ),
    "curves": Figure(
        _by("curves:draw_curves"),
        "Validation loss against the epoch, by model",
        "what chose the epoch, on validation images (the −ELBO; LBAE's reconstruction error), "
        "mean and range over seeds",
    ),
    "coins": Figure(_by("tiles:draw_stored", tile="coins", width=400), "Images of fair-coin codes", _BITS),
    "walks": Figure(
        _by("tiles:draw_stored", tile="walks", width=700), "Walks between the codes of two test images", _BITS
    ),
    "edits": Figure(
        _by("tiles:draw_stored", tile="edits", width=700), "Test images with attributes added to their codes", _BITS
    ),
    "bit_sums": Figure(
        _by("codes:draw_bit_sums"), "How many bits are set: codes of images, and codes drawn by each sampler", _BITS
    ),
    "hamming": Figure(_by("codes:draw_hamming"), "Distance along the walks between two codes", _BITS),
    "prd": Figure(_by("samples:draw_prd"), "Precision against recall of the samples", _SAMPLED),
    "class_shares": Figure(_by("samples:draw_class_shares"), "Classes among the samples of each model", _SAMPLED),
    "canonical": Figure(
        _by("labels:draw_canonical"), "Canonical images of all labels, model by model and trial by trial", _LABELS
    ),
    "label-walks": Figure(
        _by("labels:draw_label_walks"), "For each label, a grid over the two latent variables", _LABELS
    ),
    "pareto": Figure(
        _by("pareto:draw_pareto"),
        "Quality against parameters and against training time: nothing else is at least as good in both",
        "suites `all-…`: quality against parameters and training time; the step joins the models that no other beats "
        "in both",
    ),
    "modes": Figure(
        _by("levels:draw_modes"), "Test images in every kind of reconstruction, by how much is sent of them", _LEVELS
    ),
    "variations": Figure(
        _by("tiles:draw_stored", tile="variations", width=640),
        "A test image, then images with its u and other z",
        _GIVEN,
    ),
    "super-resolution": Figure(
        _by("tiles:draw_stored", tile="super-resolution", width=400),
        "A compressed test image, four images drawn given it, the image",
        _GIVEN,
    ),
    "traversals": Figure(
        _by("tiles:draw_stored", tile="traversals", width=400),
        "A test image's code with one variable changed, a variable a row",
        "suites of disentanglement: a test image's code with one variable changed, those that vary most first",
    ),
    "rate_distortion": Figure(
        _by("levels:draw_rates"), "Quality of each kind of reconstruction against what it sends", _LEVELS
    ),
    "toy": Figure(
        _by("toy:draw_toy"),
        "Inception score and error over configurations; grey: as published for ALICE, mean ± deviation and median",
        "inception score and error over configurations, with ALICE's published mean, deviation and median",
    ),
    "lambda": Figure(
        _by("symmetric:draw_lambda"),
        "Score and squared error against λ, the weight of the two errors; grey: as published",
        "inception score and squared error against λ; grey: as published",
    ),
    "epochs": Figure(
        _by("epochs:draw_epochs"),
        "What each learned prior does to RE and KL, against epochs",
        "suites `priors-epochs-…`: RE and KL of each prior less the standard normal's, against epochs, a line a rate",
    ),
    "gradients": Figure(
        _by("symmetric:draw_gradients"),
        "Gradient that a new critic gives a trained decoder, by loss, as the critic gets better",
        "norm of the decoder's gradient by loss, as a new critic gets better, the trained networks standing still",
    ),
}


def explained() -> str:
    """Return the figures as the table of results/README.md: a line for those that show one thing."""
    shown: dict[str, list[str]] = {}
    for name, figure in FIGURES.items():
        shown.setdefault(figure.shows, []).append(f"`{name}`")
    return "".join(f"| {', '.join(names)} | {shows} |\n" for shows, names in shown.items())


def draw_figures(suite: Suite, published: Published | None = None) -> list[Path]:
    """Draw every figure that the suite has data for and return the paths written.

    One that cannot be drawn (a damaged digest, say) is logged in one line and leaves the others.
    """
    load_matplotlib()
    from matplotlib import rc_context

    from report.figures.style import STYLE

    written = []
    with rc_context(STYLE):
        for name, figure in FIGURES.items():
            try:
                written += figure(suite, published)
            except Exception as error:
                log.error("%s: %s is not drawn: %s: %s", suite.folder, name, type(error).__name__, error)
    return written
