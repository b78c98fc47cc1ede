"""CelebA from its official files; the labels are the 40 attributes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.data.archives import extracted
from bench.data.pixels import center_crop, crop148, decode, stretch
from bench.data.places import Places
from bench.data.splits import HELD_OUT, Indices, carve_groups
from bench.data.types import ImageDataset, Labels, cut
from bench.errors import BadInput

FOLDERS = ("celeba", "CelebA", "")
PARTS = ("", "Img", "Anno", "Eval")  # the official download sorts its files into these
IMAGES, ATTRIBUTES = "img_align_celeba", "list_attr_celeba.txt"
SPLIT_FILES = {"identity": "identity_CelebA.txt", "official": "list_eval_partition.txt"}
TEST_SHARE = 1_017 / 10_177  # of the identities: 9,160 for training, 1,017 for testing (Sec. IV, BVAE)
OFFICIAL_COUNT = 202_599
PREPROCESS = {"resize": stretch, "center-crop": center_crop, "crop148": crop148}


def load_celeba(places: Places, settings: Mapping[str, str]) -> ImageDataset:
    """Return CelebA as images [N, 3, 64, 64] with labels [N, 40] of 0/1.

    split=identity holds out 1,017 of 10,177 identities for testing (in proportion where fewer are present) and a tenth
    of the others for validation; which identities the paper held out is not known. split=official follows the
    partition file. Only the images present are read, and the note says so. Raises BadInput.
    """
    images, attributes, split_file = _files(places, SPLIT_FILES[settings["split"]])
    names, labels = _attributes(attributes)
    assigned = _column(split_file)
    present = {entry.name for entry in images.iterdir()}
    rows = [i for i, (name, _) in enumerate(labels) if name in present and name in assigned]
    if not rows:
        raise BadInput(f"{images} holds none of the images that {attributes} and {split_file} list")
    parts = _split(np.array([assigned[labels[i][0]] for i in rows]), settings["split"])
    order = np.array(rows)[np.concatenate(parts)]  # split by split, so that each is one slice of the array
    pixels = decode(
        [images / labels[i][0] for i in order], "RGB", 64, PREPROCESS[settings["preprocess"]], "celeba", places.progress
    )
    values: Labels = np.array([labels[i][1] for i in order], np.int64)
    note = None if len(rows) == OFFICIAL_COUNT else f"{len(rows):,} of CelebA's {OFFICIAL_COUNT:,} images"
    return ImageDataset("celeba", *cut(pixels, values, parts), names, settings, str(images), note)


def _files(places: Places, split_file: str) -> tuple[Path, Path, Path]:
    """Return the folder of images (unpacked if zipped), the attribute file and the split file."""
    folders = [f"{folder}/{part}" for folder in FOLDERS for part in PARTS]
    images = places.find(folders, (IMAGES, f"{IMAGES}.zip"))
    attributes, split = places.find(folders, (ATTRIBUTES,)), places.find(folders, (split_file,))
    if images is None or attributes is None or split is None:
        wanted = {f"{IMAGES}/ (or .zip)": images, ATTRIBUTES: attributes, split_file: split}
        remedy = "no program can fetch them: get them from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
        absent = [name for name, path in wanted.items() if path is None]
        raise places.missing("celeba", absent, FOLDERS[:1], remedy)
    if images.is_file():
        images = extracted(images)
        images = images / IMAGES if (images / IMAGES).is_dir() else images
    return images, attributes, split


def _attributes(path: Path) -> tuple[tuple[str, ...], list[tuple[str, list[bool]]]]:
    """Return the attribute names and, per line, the file name and whether each attribute is there (1, not -1)."""
    lines = path.read_text(errors="replace").splitlines()
    names = tuple(lines[1].split()) if len(lines) > 1 else ()
    rows = [line.split() for line in lines[2:] if line.strip()]
    if not names or any(len(row) != len(names) + 1 for row in rows):
        raise BadInput(
            f"{path} is not the official attribute file: a count, {len(names) or 40} names, then one line each"
        )
    return names, [(row[0], [value == "1" for value in row[1:]]) for row in rows]


def _column(path: Path) -> dict[str, int]:
    """Return file name -> number from a file of two columns."""
    try:
        return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}
    except ValueError as error:
        raise BadInput(f"{path} is not the official file: each line must be a file name and a number") from error


def _split(assigned: Indices, split: str) -> tuple[Indices, Indices, Indices]:
    """Return indices of training, validation and test images from identities or official parts [N]."""
    if split == "official":
        train, validation, test = (np.flatnonzero(assigned == part) for part in range(3))
    else:
        rest, test = carve_groups(assigned, TEST_SHARE)
        train, validation = (rest[part] for part in carve_groups(assigned[rest], HELD_OUT))
    if not (len(train) and len(validation) and len(test)):
        raise BadInput(f"celeba split={split} leaves a part without images; more of the images must be present")
    return train, validation, test
