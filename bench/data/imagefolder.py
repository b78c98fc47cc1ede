"""The user's own images: train/CLASS/ and, if there, val/CLASS/ and test/CLASS/; bench/data/listing.py finds them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.data.archives import ARCHIVES, extracted
from bench.data.listing import by_class, images_below, part
from bench.data.pixels import Mode, center_crop, decode
from bench.data.places import Places
from bench.data.splits import HELD_OUT, SPLIT_SEED, carve
from bench.data.types import ImageDataset, cut
from bench.errors import BadInput

WANTED = "train/CLASS/*.png|jpg|…"
LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif", ".webp")


def load_imagefolder(places: Places, settings: Mapping[str, str]) -> ImageDataset:
    """Return a folder (or archive) of images as [N, C, size, size], C = 3 for colour=rgb and 1 for colour=grey.

    The short side is resized to `size` and the centre kept. A tenth of the training images is set aside for
    validation where there is no folder of them, and another for testing where there is no test folder. A folder without
    train/ is all for training; images that lie in no class folder are of one class. What is left out is counted in
    the note. Raises BadInput.
    """
    named = places.own()
    if named is None:
        raise BadInput(f"imagefolder: no folder with {WANTED} was named; use --data-dir or $BENCH_DATA")
    root, left = _root(named), Counter[str]()
    training = part(root, "train")
    listed = by_class(training or root, left, all_classes=training is not None)
    classes = tuple(listed)
    files, labels = _flat(listed, classes)
    count = len(files)
    given: dict[str, np.ndarray] = {}
    for kind in ("validation", "test"):
        if folder := part(root, kind):
            more = by_class(folder, left, all_classes=False)
            if unseen := sorted(set(more) - set(classes)):
                raise BadInput(f"{folder} has classes that train lacks: {', '.join(unseen)}; rename or remove them")
            found, numbers = _flat(more, classes)
            given[kind] = np.arange(len(files), len(files) + len(found))
            files, labels = files + found, labels + numbers
    if training is not None:
        left["beside train/"] += len(images_below(root, Counter(), but=("train", *given)))

    known, rest, held_out = np.array(labels, np.int64), np.arange(count), max(1, round(HELD_OUT * count))
    if "test" not in given:
        rest, given["test"] = carve(known[:count], held_out)
    if "validation" not in given:
        rest, given["validation"] = (rest[part] for part in carve(known[rest], held_out))
    parts = rest, given["validation"], given["test"]
    shuffle = np.random.RandomState(SPLIT_SEED).permutation  # the first images of a split are of all classes
    order = np.concatenate([shuffle(part) for part in parts])
    mode: Mode = "RGB" if settings["colour"] == "rgb" else "L"
    size = int(settings["size"])
    pixels = decode([files[i] for i in order], mode, size, center_crop, "imagefolder", places.progress)
    splits = cut(pixels, known[order], parts)
    return ImageDataset("imagefolder", *splits, classes, settings, str(named), _note(files, classes, left))


def _flat(listed: Mapping[str, Sequence[Path]], classes: Sequence[str]) -> tuple[list[Path], list[int]]:
    """Return the files of all classes and the class of each."""
    return [path for files in listed.values() for path in files], [
        classes.index(name) for name, files in listed.items() for _ in files
    ]


def _root(place: Path) -> Path:
    """Return the folder that holds train/: the place itself, or the one folder or archive in it of that shape.

    Without any, the place itself where it holds images.
    """
    if place.is_file():
        return _root(extracted(place))
    if part(place, "train"):
        return place
    inside = sorted(place.iterdir())
    found = [p for p in inside if p.is_dir() and part(p, "train")]
    found = found or [p for p in inside if p.name.endswith(ARCHIVES) and p.is_file()]
    if len(found) == 1:
        return _root(found[0])
    if found:
        choices = ", ".join(p.name for p in found)
        raise BadInput(f"imagefolder: {place} holds several data sets ({choices}); point --data-dir at one of them")
    if others := [folder.name for kind in ("validation", "test") if (folder := part(place, kind))]:
        raise BadInput(f"imagefolder: {place} holds {' and '.join(others)} but no train; give it {WANTED}")
    if images_below(place, Counter()):
        return place
    raise BadInput(f"imagefolder: {WANTED} not found in {place}; point --data-dir or $BENCH_DATA at such a folder")


def _note(files: Sequence[Path], classes: Sequence[str], left: Counter[str]) -> str | None:
    """Return what a table of these images must say, if anything."""
    lossy = Counter(path.suffix.lower() == ".webp" for path in files if path.suffix.lower() in LOSSY)
    notes = []
    if lossy:
        coding = " or ".join(name for webp, name in ((False, "JPEG"), (True, "WebP")) if lossy[webp])
        notes.append(
            f"{lossy.total():,} of {len(files):,} images are {coding}-coded (lossy): good for comparing models with "
            "one another, not for quoting absolute numbers"
        )
    if len(classes) == 1:
        notes.append("one class only: classification says nothing")
    if left := +left:
        notes.append(f"left out: {', '.join(f'{n:,} {what}' for what, n in sorted(left.items()))}")
    return "; ".join(notes) or None
