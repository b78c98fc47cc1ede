"""Black-and-white images drawn from grey ones: once and for all, or anew whenever an image is trained on."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.data.places import Places
from bench.data.splits import SPLIT_SEED
from bench.data.types import ImageDataset, Split
from bench.errors import BadInput

DRAWN = ("sampled", "dynamic")  # the values of `pixels` that are drawn
FOLDERS = ("BinaryMNIST", "binary_mnist", "MNIST", "")
PUBLISHED = {part: f"binarized_mnist_{part}.amat" for part in ("train", "valid", "test")}
SIZES = {"train": 50_000, "valid": 10_000, "test": 10_000}


def binarised(data: ImageDataset, pixels: str, places: Places) -> ImageDataset:
    """Return a data set in which a pixel is 1 (stored as 255) with the probability that its grey value is.

    sampled  one draw of `SPLIT_SEED` for every image; of MNIST, the published one (Larochelle and Murray 2011, without
             labels) where its three files lie in a folder of data
    dynamic  training images stay grey, and are drawn anew for each batch; the others as in "sampled"

    Raises BadInput for published files that are not what they should be.
    """
    if data.name == "mnist" and pixels == "sampled":
        found = {part: places.find(FOLDERS, (file,)) for part, file in PUBLISHED.items()}
        paths = {part: path for part, path in found.items() if path is not None}
        if len(paths) == len(PUBLISHED):
            train, valid, test = (_published(paths[part], SIZES[part]) for part in PUBLISHED)
            note = "pixels: the published fixed binarisation of MNIST, 50,000 / 10,000 / 10,000 images without labels"
            return replace(data, train=train, validation=valid, test=test, note=note, source=str(paths["train"].parent))
    random = np.random.RandomState(SPLIT_SEED)
    validation, test = _drawn(data.validation, random), _drawn(data.test, random)
    if pixels == "dynamic":
        note = f"pixels: drawn anew for each training batch; of validation and test images once, seed {SPLIT_SEED}"
        return replace(data, validation=validation, test=test, note=note)
    note = f"pixels: drawn once, seed {SPLIT_SEED} (not the published draw, whose files were not given)"
    return replace(data, train=_drawn(data.train, random), validation=validation, test=test, note=note)


def _drawn(split: Split, random: np.random.RandomState) -> Split:
    # u < p / 255 for a uniform integer u of 0 to 254: exact, and 0 and 255 stay what they are
    white = random.randint(0, 255, split.images.shape, dtype=np.uint8) < split.images
    return Split(np.where(white, np.uint8(255), np.uint8(0)), split.labels)


def _published(path: Path, size: int) -> Split:
    """Read a text file of 784 digits 0 or 1 an image, one image a line."""
    text = np.frombuffer(path.read_bytes(), np.uint8)
    bits = text[(text == ord("0")) | (text == ord("1"))]
    if len(bits) != size * 784 or np.isin(text, np.frombuffer(b"01 \r\n\t", np.uint8)).sum() != len(text):
        raise BadInput(f"{path} is not {size:,} images of 784 digits 0 or 1; replace it by the published file")
    images = ((bits - ord("0")) * np.uint8(255)).reshape(size, 1, 28, 28)
    return Split(images, np.full(size, -1, np.int64))
