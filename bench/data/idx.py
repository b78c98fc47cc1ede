"""MNIST and Fashion-MNIST from their four IDX files, gzipped or not, verified by contents."""

import gzip
import struct
import zlib
from collections.abc import Mapping
from hashlib import md5
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.data.download import fetch
from bench.data.places import Places, cache_folder
from bench.data.splits import carve
from bench.data.types import ImageDataset, cut
from bench.errors import BadInput

MNIST_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FASHION_MIRROR = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
VALIDATION = 6_000
MOST_BYTES = 1 << 26  # the largest file, of MNIST's training images, has 47 MB

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
# MD5 of the decompressed files, in the order of FILES.
MNIST_MD5 = (
    "6bbc9ace898e44ae57da46a324031adb",
    "a25bea736e30d166cdddb491f175f624",
    "2646ac647ad5339dbf082846283269ea",
    "27ae3e4e09519cfbb04c329615203637",
)
FASHION_MD5 = (
    "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "9018921c3c673c538a1fc5bad174d6f9",
    "8181f5470baa50b63fa0f6fddb340f0a",
    "15d484375f8d13e6eb1aabb0c3f46965",
)
FASHION_CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def load_mnist(places: Places, settings: Mapping[str, str], mirror: str = MNIST_MIRROR) -> ImageDataset:
    """Return MNIST as 54,000 / 6,000 / 10,000 images [N, 1, 28, 28]; raises BadInput."""
    return _load("mnist", "MNIST", MNIST_MD5, tuple("0123456789"), places, settings, mirror)


def load_fashion(places: Places, settings: Mapping[str, str], mirror: str = FASHION_MIRROR) -> ImageDataset:
    """Return Fashion-MNIST as 54,000 / 6,000 / 10,000 images [N, 1, 28, 28]; raises BadInput."""
    return _load("fashion", "FashionMNIST", FASHION_MD5, FASHION_CLASSES, places, settings, mirror)


def _load(
    name: str,
    folder: str,
    checksums: tuple[str, ...],
    classes: tuple[str, ...],
    places: Places,
    settings: Mapping[str, str],
    mirror: str,
) -> ImageDataset:
    folders = (f"{folder}/raw", folder, name, "")
    cache = cache_folder() / folder / "raw"
    found = {file: places.find(folders, (file, f"{file}.gz")) for file in FILES}
    absent = [f"{file}(.gz)" for file, path in found.items() if path is None]
    if absent and not places.download:
        raise places.missing(name, absent, folders[:1], "or allow the download")
    paths, arrays = [], []
    for (file, path), checksum in zip(found.items(), checksums, strict=True):
        try:
            paths.append(
                path or fetch(f"{mirror}{file}.gz", cache / f"{file}.gz", checksum, places.progress, _contents_md5)
            )
        except BadInput as error:
            raise places.missing(name, absent, folders[:1], str(error)) from error
        arrays.append(read_idx(paths[-1], checksum))
    images = np.concatenate([arrays[0], arrays[2]])[:, None]  # [70000, 1, 28, 28]
    labels = np.concatenate([arrays[1], arrays[3]]).astype(np.int64)
    official = len(arrays[1])
    parts = (*carve(labels[:official], VALIDATION), np.arange(official, len(labels)))
    order = np.concatenate(parts)
    return ImageDataset(name, *cut(images[order], labels[order], parts), classes, settings, str(paths[0].parent))


def read_idx(path: Path, checksum: str) -> NDArray[np.uint8]:
    """Return the array in an IDX file of bytes, gzipped or not; its decompressed contents must have MD5 `checksum`.

    Layout: 0, 0, 0x08 (unsigned byte), number of dimensions D, D big-endian uint32 sizes, then the data.
    Raises BadInput for anything else, naming the file.
    """
    contents = _contents(path)
    if len(contents) < 4 or contents[:3] != b"\0\0\x08":
        raise BadInput(f"{path} is not an IDX file of bytes; replace it by the official file")
    header = 4 + 4 * contents[3]
    if len(contents) < header:
        raise BadInput(f"{path} is cut short inside its header; replace it by the official file")
    shape = struct.unpack(f">{contents[3]}I", contents[4:header])
    if len(contents) - header != prod(shape):
        raise BadInput(
            f"{path} holds {len(contents) - header:,} bytes of data where its header says {prod(shape):,}; "
            "replace it by the official file"
        )
    if (found := _md5(contents)) != checksum:
        raise BadInput(
            f"{path} is not the official file: its contents have MD5 {found}, not {checksum}; "
            "replace it, or bring other images as the data set imagefolder"
        )
    return np.frombuffer(contents, np.uint8, offset=header).reshape(shape)


def _contents(path: Path) -> bytes:
    """Return a file's bytes, decompressed if gzipped; raises BadInput if it cannot be read, or holds far too many."""
    try:
        with path.open("rb") as stream:
            zipped = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            contents = (gzip.GzipFile(fileobj=stream) if zipped else stream).read(MOST_BYTES + 1)
        if len(contents) > MOST_BYTES:
            raise OSError(f"it holds more than {MOST_BYTES:,} bytes")
        return contents
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} cannot be read ({error}); replace it by the official file") from error


def _md5(contents: bytes) -> str:
    return md5(contents, usedforsecurity=False).hexdigest()


def _contents_md5(path: Path) -> str:
    """Return the MD5 of a file's decompressed contents, or a word that is no MD5 if it does not decompress."""
    try:
        return _md5(_contents(path))
    except BadInput:
        return "unreadable"
