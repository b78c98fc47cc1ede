"""The data sets by name; this table reads nothing and imports nothing but the standard library.

May import: bench.errors, bench.system.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadInput, unknown

if TYPE_CHECKING:
    from bench.data.places import Places, Progress
    from bench.data.types import ImageDataset


@dataclass(frozen=True)
class DatasetEntry:
    """What is known of a data set before it is read; the first value of each setting is its default."""

    target: str  # "module:function", resolved on use
    title: str
    shape: tuple[int, int, int] | None  # (C, H, W); None: follows from the settings `colour` and `size`
    classes: int | None  # label names; None: known only once the folder is read
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    train_images: int | None = None  # of the training split, to tell a cost before reading; None: not known before
    attributes: bool = False  # whether a label is many of 0 and 1, and not one class
    points: bool = False  # whether the data are no pixels but points of a space, float32 [N, 1, 1, D]

    def function(self) -> Callable[[Places, Mapping[str, str]], ImageDataset]:
        """Return the loader, importing its module now."""
        module, name = self.target.split(":")
        return getattr(import_module(module), name)


# Settings that every data set of one class an image has on top of its own (bench/data/semisupervised.py and, for the
# pixels "sampled" and "dynamic", bench/data/binarised.py).
SEMISUPERVISED: Mapping[str, tuple[str, ...]] = {
    "pixels": ("grey", "binary", "sampled", "dynamic"),
    "split": ("own", "paper", "clean"),
    "labels_per_class": ("all", "10", "60", "100", "300"),
}

DATASETS: dict[str, DatasetEntry] = {
    "digits": DatasetEntry(
        "bench.data.digits:load_digits", "Optical digits (scikit-learn)", (1, 8, 8), 10, train_images=1_257
    ),
    "mnist": DatasetEntry("bench.data.idx:load_mnist", "MNIST", (1, 28, 28), 10, train_images=54_000),
    "fashion": DatasetEntry("bench.data.idx:load_fashion", "Fashion-MNIST", (1, 28, 28), 10, train_images=54_000),
    "cifar10": DatasetEntry("bench.data.cifar:load_cifar10", "CIFAR-10", (3, 32, 32), 10, train_images=45_000),
    "celeba": DatasetEntry(
        "bench.data.celeba:load_celeba",
        "CelebA-64",
        (3, 64, 64),
        40,
        {"split": ("identity", "official"), "preprocess": ("resize", "center-crop", "crop148")},
        train_images=166_620,  # about, with the identity split
        attributes=True,
    ),
    "toy-mixture": DatasetEntry(
        "bench.data.drawn.mixture:load_mixture",
        "Five Gaussians in the plane",
        (1, 1, 2),
        5,
        train_images=2_048,
        points=True,
    ),
    "shapes": DatasetEntry(
        "bench.data.drawn.factors:load_shapes", "Shapes of known factors", (1, 32, 32), 3, train_images=12_800
    ),
    "imagefolder": DatasetEntry(
        "bench.data.imagefolder:load_imagefolder",
        "Folder of images",
        None,
        None,
        {"size": ("32", "8", "16", "28", "48", "64", "96", "128"), "colour": ("rgb", "grey")},
    ),
}


def _entry(name: str, settings: Mapping[str, str] | None) -> tuple[DatasetEntry, dict[str, str]]:
    """Return the entry of a data set, all its own settings, defaults filled in, and what is set of SEMISUPERVISED."""
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    entry = DATASETS[name]
    known = {**({} if entry.attributes or entry.points else SEMISUPERVISED), **entry.settings}
    chosen = {key: values[0] for key, values in entry.settings.items()}
    for key, value in (settings or {}).items():
        if key not in known:
            raise unknown(f"setting of {name}", key, known)
        if value not in known[key]:
            raise unknown(f"value of {name}'s {key}", value, known[key])
        chosen[key] = value
    return entry, chosen


def image_shape(name: str, settings: Mapping[str, str] | None = None) -> tuple[int, int, int]:
    """Return (C, H, W) of a data set's images without reading any; raises BadInput as `load` does."""
    entry, chosen = _entry(name, settings)
    if entry.shape is not None:
        return entry.shape
    size = int(chosen["size"])
    return {"rgb": 3, "grey": 1}[chosen["colour"]], size, size


def load(
    name: str,
    *,
    data_dir: Path | None = None,
    settings: Mapping[str, str] | None = None,
    download: bool = True,
    progress: Progress | None = None,
) -> ImageDataset:
    """Return a data set with its fixed split.

    Looked for in `data_dir`, `$BENCH_DATA`, the user's cache folder, and then (unless `download` is false) at the
    official mirrors. `progress(label, done, total)` hears of long work; by default a bar on a terminal.
    Raises BadInput for an unknown name, setting or value, and for files that are absent or not what they should be.
    """
    entry, chosen = _entry(name, settings)
    from bench.data.check import check
    from bench.data.places import Places, terminal_bar

    named = Path(os.path.expanduser(data_dir)) if data_dir is not None else None
    places = Places(named, download, progress or terminal_bar())
    own = {key: value for key, value in chosen.items() if key in entry.settings}
    try:
        found = entry.function()(places, own)
    except BadInput:
        raise
    except Exception as error:  # a plug-in's loader, or the system below ours, can raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"data set {name!r} cannot be read ({reason})") from error
    data = check(found, name, image_shape(name, own), points=entry.points)
    if len(own) == len(chosen):
        return data
    from bench.data.binarised import DRAWN, binarised
    from bench.data.semisupervised import semisupervised

    added = {key: value for key, value in chosen.items() if key not in own}
    data = binarised(data, added["pixels"], places) if added.get("pixels") in DRAWN else data
    return semisupervised(data, added)
