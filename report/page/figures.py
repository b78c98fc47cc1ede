"""The figures of a suite as the page shows them: what each shows, and the files of it."""

from dataclasses import dataclass
from pathlib import Path

TITLES = {  # stem of the file -> what a reader sees in it, in the page's order
    "samples": "Samples from each model's prior",
    "reconstructions": "Test images above their reconstructions",
    "interpolations": "Mixes of two test images, each encoded and decoded",
    "latent-interpolations": "Two test images, and what lies between their codes (or between their u alone)",
    "backwards": "Test images above what a one-way encoder makes of them when run backwards",
    "tsne": "t-SNE of the latent means of test images, by class",
    "figure4": "t-SNE of the latent means at latent size 128, by class, with linear-probe accuracies",
    "curves": "Validation loss against the epoch, by model",
    "coins": "Images of fair-coin codes",
    "walks": "Walks between the codes of two test images",
    "edits": "Test images with attributes added to their codes",
    "bit_sums": "How many bits are set: codes of images, and codes drawn by each sampler",
    "hamming": "Distance along the walks between two codes",
    "prd": "Precision against recall of the samples",
    "class_shares": "Classes among the samples of each model",
    "canonical": "Canonical images of all labels, model by model and trial by trial",
    "label-walks": "For each label, a grid over the two latent variables",
    "pareto": "Quality against parameters and against training time: nothing else is at least as good in both",
    "modes": "Test images in every kind of reconstruction, by how much is sent of them",
    "variations": "A test image, then images with its u and other z",
    "super-resolution": "A compressed test image, four images drawn given it, the image",
    "rate_distortion": "Quality of each kind of reconstruction against what it sends",
    "toy": "Inception score and error over configurations; grey: as published for ALICE, mean ± deviation and median",
    "lambda": "Score and squared error against λ, the weight of the two errors; grey: as published",
    "gradients": "Gradient that a new critic gives a trained decoder, by loss, as the critic gets better",
}


@dataclass(frozen=True)
class Picture:
    """One figure's PNG, what it shows, and the same figure in other formats."""

    path: Path
    title: str
    others: tuple[Path, ...]

    @property
    def alt(self) -> str:
        """What a reader who does not see it is told."""
        return f"{self.title}; suite {self.path.parent.name}"


def figures(folder: Path) -> list[Picture]:
    """Return the figures that lie in a suite's folder; an unknown one is titled by its file name."""
    order = {stem: i for i, stem in enumerate(TITLES)}
    paths = sorted(folder.glob("*.png"), key=lambda path: (order.get(path.stem, len(order)), path.stem))
    return [Picture(path, _title(path.stem), _others(path)) for path in paths]


def is_pareto(picture: Picture) -> bool:
    """Whether the figure belongs to the section that helps to choose a model."""
    return picture.path.stem.startswith("pareto")


def _title(stem: str) -> str:
    return TITLES.get(stem, stem.replace("-", " ").replace("_", " ").capitalize())


def _others(path: Path) -> tuple[Path, ...]:
    return tuple(other for ending in (".pdf", ".svg") if (other := path.with_suffix(ending)).is_file())
