"""Which files below a folder are images, of which class; what is none is counted."""

import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from bench.errors import BadInput

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
    *(".pbm", ".pgm", ".ppm", ".pnm"),
)
PARTS = {"train": ("train",), "validation": ("val", "valid", "validation"), "test": ("test",)}
NO_CLASS = "images"  # the class of images that lie in no class folder


def part(root: Path, kind: str) -> Path | None:
    """Return the folder of training, validation or test images, None where there is none; letters of either case."""
    found = [p for p in sorted(root.iterdir()) if p.name.lower() in PARTS[kind] and p.is_dir()]
    if len(found) > 1:
        raise BadInput(f"{root} holds {' and '.join(p.name for p in found)}, which mean the same; remove one")
    return found[0] if found else None


def by_class(folder: Path, left: Counter[str], *, all_classes: bool) -> dict[str, list[Path]]:
    """Return the images of each class folder, at any depth, by the class's name; classes and images are sorted.

    Where no class folder has images, those of the folder itself are of one class. Files that are no images, and images
    beside class folders, are added to `left`. Raises BadInput for a class without images (where there must be
    `all_classes`), for names that are equal once written in UTF-8, and for a folder without images.
    """
    found: dict[str, list[Path]] = {}
    for entry in sorted(p for p in folder.iterdir() if p.is_dir() and not _hidden(p.name)):
        others = Counter[str]()
        images = images_below(entry, others)
        left += others
        if not images and all_classes:
            hint = f", but {', '.join(f'{n:,} {what}' for what, n in sorted(others.items()))}" if others else ""
            raise BadInput(f"{entry} has no image (*{', *'.join(SUFFIXES)}){hint}; fill or remove it")
        if images:
            name = printable(entry.name)
            if name in found:
                raise BadInput(f"{folder} has two classes whose names read {name!r}; rename one")
            found[name] = images
    beside = images_below(folder, left, deep=False)
    if found:
        left["beside the class folders"] += len(beside)
        return found
    if not beside:
        raise BadInput(f"{folder} has no class folders and no images; images belong in {folder.name}/CLASS/")
    return {NO_CLASS: beside}


def images_below(folder: Path, left: Counter[str], *, deep: bool = True, but: Collection[str] = ()) -> list[Path]:
    """Return the images in a folder, sorted, and in those inside it where `deep`; what is no image is added to `left`.

    `but` are the parts of a data set (keys of PARTS) that are not looked into.
    """
    names = [name for kind in but for name in PARTS[kind]]
    return sorted(_walk(folder, left, deep, names, set()), key=str)


def _walk(folder: Path, left: Counter[str], deep: bool, but: Collection[str], seen: set[str]) -> Iterator[Path]:
    seen.add(os.path.realpath(folder))  # a link can lead back
    for entry in os.scandir(folder):
        path = Path(entry.path)
        suffix = path.suffix.lower()
        if _hidden(entry.name):
            left["hidden"] += deep and (entry.is_dir() or suffix in SUFFIXES)
        elif entry.is_dir():
            if deep and entry.name.lower() not in but and os.path.realpath(path) not in seen:
                yield from _walk(path, left, deep, (), seen)
        elif not entry.is_file():
            left["that are no files"] += 1
        elif suffix in SUFFIXES:
            yield path
        else:
            left[printable(suffix) or "without a suffix"] += 1


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def printable(name: str) -> str:
    """Return a file name as text that any file can hold: bytes that are no UTF-8 and what cannot be printed escaped."""
    text = unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "backslashreplace"))
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
