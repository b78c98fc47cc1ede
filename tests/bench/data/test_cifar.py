"""CIFAR-10 from python batches that the test writes in the official layout."""

import os
import pickle
import tarfile
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest

from bench.data import cifar, load
from bench.data.cifar import parse_batch
from bench.errors import BadInput


@pytest.fixture
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with six batches of 100 images, made the official ones."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    folder = tmp_path / "data" / cifar.FOLDER
    folder.mkdir(parents=True)
    random = np.random.RandomState(0)
    for name in cifar.BATCH_MD5:
        data = random.randint(0, 256, (100, 3072)).astype(np.uint8)
        contents = pickle.dumps({b"data": data, b"labels": [i % 10 for i in range(100)]}, protocol=4)
        (folder / name).write_bytes(contents)
        monkeypatch.setitem(cifar.BATCH_MD5, name, md5(contents, usedforsecurity=False).hexdigest())
    return folder.parent


def test_batches_become_channel_first_images_in_the_fixed_split(batches: Path) -> None:
    data = load("cifar10", data_dir=batches, download=False)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [450, 50, 100]
    assert data.shape == (3, 32, 32) and data.classes[0] == "airplane" and data.note is None
    assert np.array_equal(np.bincount(data.validation.labels), [5] * 10)
    stored = pickle.loads((batches / cifar.FOLDER / "test_batch").read_bytes())[b"data"]
    assert data.test.images[7, 2, 3, 4] == stored[7, 2 * 1024 + 3 * 32 + 4]
    assert data.sha256 == load("cifar10", data_dir=batches).sha256


def test_a_recompressed_archive_with_right_contents_is_right(batches: Path, tmp_path: Path) -> None:
    extracted = load("cifar10", data_dir=batches, download=False)
    (tmp_path / "packed").mkdir()
    with tarfile.open(tmp_path / "packed" / cifar.ARCHIVE, "w:gz", compresslevel=1) as archive:
        archive.add(batches / cifar.FOLDER, cifar.FOLDER)
    packed = load("cifar10", data_dir=tmp_path / "packed", download=False)
    assert packed.sha256 == extracted.sha256


def test_changed_or_absent_batches_are_named(batches: Path) -> None:
    third = batches / cifar.FOLDER / "data_batch_3"
    third.write_bytes(third.read_bytes()[:-1])
    with pytest.raises(BadInput, match="data_batch_3 is not the official file"):
        load("cifar10", data_dir=batches)
    third.unlink()
    with pytest.raises(BadInput, match="data_batch_3 is missing"):
        load("cifar10", data_dir=batches)


def test_absence_points_to_the_flag_and_to_imagefolder(batches: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="cifar-10-python.tar.gz.*--data-dir.*imagefolder"):
        load("cifar10", data_dir=tmp_path / "empty", download=False)


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_would_run_code_is_refused_before_it_does(
    batches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    mark = tmp_path / "ran"
    contents = pickle.dumps({b"data": Hostile(mark), b"labels": []}, protocol)
    (batches / cifar.FOLDER / "test_batch").write_bytes(contents)
    monkeypatch.setitem(cifar.BATCH_MD5, "test_batch", md5(contents, usedforsecurity=False).hexdigest())
    with pytest.raises(BadInput, match="refused to load .*system|refused to load _codecs"):
        load("cifar10", data_dir=batches)
    assert not mark.exists()


@pytest.mark.parametrize(
    "name", ["builtins.eval", "numpy.load", "numpy.f2py.os.system", "numpy.core.multiarray.fromfile"]
)
def test_only_the_four_parts_of_an_array_are_known(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    with pytest.raises(BadInput, match="refused to load"):
        parse_batch(f"c{module}\n{attribute}\n.".encode(), "batch")


def test_a_batch_as_python_2_wrote_it_is_read() -> None:
    """Protocol 2 with byte strings and the old module name, as in the official files."""
    data = b"".join(bytes([value]) * 1024 for value in (1, 2, 3))
    pickled = (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T" + len(data).to_bytes(4, "little") + data + b"tbU\x06labels]K\x07au."
    )
    images, labels = parse_batch(pickled, "batch")
    assert images.shape == (1, 3, 32, 32) and images[0, :, 5, 5].tolist() == [1, 2, 3] and labels.tolist() == [7]
