"""The user's own images: train/CLASS/*.png|jpg|jpeg and, if there, test/CLASS/*."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.data.download import ARCHIVES, extracted
from bench.data.pixels import Mode, center_crop, decode
from bench.data.places import Places
from bench.data.splits import HELD_OUT, SPLIT_SEED, carve
from bench.data.types import ImageDataset, Labels, cut
from bench.errors import BadInput

SUFFIXES = (".png", ".jpg", ".jpeg")
WANTED = "train/CLASS/*.png|jpg|jpeg"


def load_imagefolder(places: Places, settings: Mapping[str, str]) -> ImageDataset:
    """Return a folder (or archive) of images as [N, C, size, size], C = 3 for colour=rgb and 1 for colour=grey.

    The short side is resized to `size` and the centre kept. A tenth of the training images is set aside for
    validation, and another for testing where there is no test folder. Raises BadInput.
    """
    named = places.own()
    if named is None:
        raise BadInput(f"imagefolder: no folder with {WANTED} was named; use --data-dir or $BENCH_DATA")
    root = _root(named)
    classes, files = _listing(root / "train")
    labels = _labels(files, classes)
    held_out = max(1, round(HELD_OUT * len(files)))
    rest = np.arange(len(files))
    if (root / "test").is_dir():
        extra, more = _listing(root / "test")
        if unseen := sorted(set(extra) - set(classes)):
            raise BadInput(f"{root / 'test'} has classes that train lacks: {', '.join(unseen)}; rename or remove them")
        test = np.arange(len(files), len(files) + len(more))
        files, labels = files + more, np.concatenate([labels, _labels(more, classes)])
    else:
        rest, test = carve(labels, held_out)
    train, validation = (rest[part] for part in carve(labels[rest], held_out))

    parts = train, validation, test
    shuffle = np.random.RandomState(SPLIT_SEED).permutation  # the first images of a split are of all classes
    order = np.concatenate([shuffle(part) for part in parts])
    mode: Mode = "RGB" if settings["colour"] == "rgb" else "L"
    size = int(settings["size"])
    pixels = decode([files[i] for i in order], mode, size, center_crop, "imagefolder", places.progress)
    splits = cut(pixels, labels[order], parts)
    return ImageDataset("imagefolder", *splits, classes, settings, str(named), _note(files, classes))


def _root(place: Path) -> Path:
    """Return the folder that holds train/: the place itself, or the one folder or archive in it of that shape."""
    if place.is_file():
        return _root(extracted(place))
    if (place / "train").is_dir():
        return place
    inside = sorted(place.iterdir())
    found = [p for p in inside if (p / "train").is_dir()] or [p for p in inside if p.name.endswith(ARCHIVES)]
    if len(found) == 1:
        return _root(found[0])
    if found:
        choices = ", ".join(p.name for p in found)
        raise BadInput(f"imagefolder: {place} holds several data sets ({choices}); point --data-dir at one of them")
    raise BadInput(f"imagefolder: {WANTED} not found in {place}; point --data-dir or $BENCH_DATA at such a folder")


def _listing(folder: Path) -> tuple[tuple[str, ...], list[Path]]:
    """Return the class names and the image files below a folder, both sorted; BadInput for an empty class."""
    classes = tuple(sorted(e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith(".")))
    files = []
    for name in classes:
        found = sorted(
            e.path
            for e in os.scandir(folder / name)
            if e.name.lower().endswith(SUFFIXES) and not e.name.startswith(".")
        )
        if not found:
            raise BadInput(f"{folder / name} has no image (*.png, *.jpg, *.jpeg); fill or remove it")
        files += [Path(path) for path in found]
    if not classes:
        raise BadInput(f"{folder} has no class folders; images belong in {WANTED}")
    return classes, files


def _labels(files: list[Path], classes: tuple[str, ...]) -> Labels:
    index = {name: i for i, name in enumerate(classes)}
    return np.array([index[path.parent.name] for path in files], np.int64)


def _note(files: list[Path], classes: tuple[str, ...]) -> str | None:
    """Return what a table of these images must say, if anything."""
    lossy = sum(path.suffix.lower() != ".png" for path in files)
    notes = []
    if lossy:
        notes.append(
            f"{lossy:,} of {len(files):,} images are JPEG-coded (lossy): good for comparing models with one another, "
            "not for quoting absolute numbers"
        )
    if len(classes) == 1:
        notes.append("one class only: classification says nothing")
    return "; ".join(notes) or None
