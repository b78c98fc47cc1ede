"""The figures that lie in a suite's folder, as the page shows them."""

from dataclasses import dataclass
from pathlib import Path

from report.figures.registry import FIGURES

TITLES = {name: figure.title for name, figure in FIGURES.items()}


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
    files = (path for path in folder.glob("*.png") if path.is_file())
    paths = sorted(files, key=lambda path: (order.get(path.stem, len(order)), path.stem))
    return [Picture(path, _title(path.stem), _others(path)) for path in paths]


def is_pareto(picture: Picture) -> bool:
    """Whether the figure belongs to the section that helps to choose a model."""
    return picture.path.stem.startswith("pareto")


def _title(stem: str) -> str:
    return TITLES.get(stem, stem.replace("-", " ").replace("_", " ").capitalize())


def _others(path: Path) -> tuple[Path, ...]:
    return tuple(other for ending in (".pdf", ".svg") if (other := path.with_suffix(ending)).is_file())
