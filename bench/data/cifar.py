"""CIFAR-10 from the official python batches, verified and read by an unpickler that knows only arrays."""

import pickle
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.archives import extracted
from bench.data.download import fetch, file_md5
from bench.data.places import Places, cache_folder
from bench.data.splits import carve
from bench.data.types import ImageDataset, Images, Labels, cut
from bench.errors import BadInput

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE, ARCHIVE_MD5 = "cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"
FOLDER = "cifar-10-batches-py"
BATCH_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_ARRAY_PARTS = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}


def load_cifar10(places: Places, settings: Mapping[str, str], url: str = URL) -> ImageDataset:
    """Return CIFAR-10 as 45,000 / 5,000 / 10,000 images [N, 3, 32, 32]; raises BadInput."""
    folder = _folder(places, url)
    batches = [read_batch(folder / name, checksum) for name, checksum in BATCH_MD5.items()]
    images, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    official = len(labels) - len(batches[-1][1])
    parts = (*carve(labels[:official], official // 10), np.arange(official, len(labels)))
    order = np.concatenate(parts)
    return ImageDataset("cifar10", *cut(images[order], labels[order], parts), CLASSES, settings, str(folder))


def _folder(places: Places, url: str) -> Path:
    """Return the folder of batches: found, or unpacked from a found or downloaded archive."""
    if found := places.find((FOLDER, f"cifar10/{FOLDER}", "cifar10", ""), BATCH_MD5):
        return found.parent
    archive = places.find(("", "cifar10"), (ARCHIVE,))
    if archive is None:
        wanted = (f"{FOLDER}/data_batch_1 … test_batch", ARCHIVE)
        hint = "CIFAR-10 as image files is read as the data set imagefolder"
        if not places.download:
            raise places.missing("cifar10", wanted, ("",), f"or allow the download; {hint}")
        try:
            archive = fetch(url, cache_folder() / ARCHIVE, ARCHIVE_MD5, places.progress)
        except BadInput as error:
            raise places.missing("cifar10", wanted, ("",), f"{error}; {hint}") from error
    return extracted(archive) / FOLDER


def read_batch(path: Path, checksum: str) -> tuple[Images, Labels]:
    """Return images uint8 [N, 3, 32, 32] and labels int64 [N] of one batch; BadInput unless its MD5 is `checksum`."""
    if not path.is_file():
        raise BadInput(f"{path} is missing; unpack {ARCHIVE} again")
    if (found := file_md5(path)) != checksum:
        raise BadInput(f"{path} is not the official file (MD5 {found}, not {checksum}); unpack {ARCHIVE} again")
    return parse_batch(path.read_bytes(), str(path))


def parse_batch(pickled: bytes, name: str) -> tuple[Images, Labels]:
    """Return images and labels of a pickled batch; BadInput if the pickle asks for anything but arrays."""
    try:
        batch = _ArrayUnpickler(BytesIO(pickled), encoding="bytes").load()
        images = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32)
        labels = np.asarray(batch[b"labels"], np.int64)
    except Exception as error:  # a damaged pickle can raise anything
        raise BadInput(f"{name} is not a CIFAR-10 batch ({error}); unpack {ARCHIVE} again") from error
    return images, labels


class _ArrayUnpickler(pickle.Unpickler):
    """Rebuilds dictionaries, lists, bytes and NumPy arrays, and refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAY_PARTS:
            raise pickle.UnpicklingError(f"refused to load {module}.{name} from a pickle")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)
