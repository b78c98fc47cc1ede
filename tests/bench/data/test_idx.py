"""MNIST and Fashion-MNIST: IDX files, read and verified."""

import gzip
import struct
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest

from bench.data import idx, load
from bench.data.idx import read_idx
from bench.errors import BadInput


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_DATA", raising=False)


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def checksum(contents: bytes) -> str:
    return md5(contents, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("shape", [(5,), (3, 4, 2), (0,)])
@pytest.mark.parametrize("level", [None, 1, 9])
def test_idx_returns_what_was_written_however_it_is_compressed(
    tmp_path: Path, shape: tuple[int, ...], level: int | None
) -> None:
    array = np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)
    contents = idx_bytes(array)
    path = tmp_path / "file"
    path.write_bytes(contents if level is None else gzip.compress(contents, level, mtime=0))
    assert np.array_equal(read_idx(path, checksum(contents)), array)


GOOD = idx_bytes(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "not an IDX file"),
        (b"\0\0\x0d" + GOOD[3:], "not an IDX file of bytes"),
        (b"<html>404</html>", "not an IDX file"),
        (GOOD[:9], "cut short inside its header"),
        (GOOD[:-1], "23 bytes of data where its header says 24"),
        (GOOD + b"x", "25 bytes of data where its header says 24"),
        (gzip.compress(GOOD, mtime=0)[:-6], "cannot be read"),
        (b"\x1f\x8b rubbish", "cannot be read"),
        (GOOD[:-1] + b"\0", "not the official file: its contents have MD5"),
    ],
)
def test_damaged_idx_is_one_clear_line(tmp_path: Path, contents: bytes, message: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(contents)
    with pytest.raises(BadInput, match=message) as error:
        read_idx(path, checksum(GOOD))
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def small_mnist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write 200 + 50 images as plain and gzipped IDX files and make them the official ones."""
    random = np.random.RandomState(0)
    arrays = [
        random.randint(0, 256, (200, 28, 28)),
        np.arange(200) % 10,
        random.randint(0, 256, (50, 28, 28)),
        np.arange(50) % 10,
    ]
    contents = [idx_bytes(array.astype(np.uint8)) for array in arrays]
    folder.mkdir(parents=True)
    for number, (name, data) in enumerate(zip(idx.FILES, contents, strict=True)):
        path = folder / (f"{name}.gz" if number % 2 else name)
        path.write_bytes(gzip.compress(data, 3, mtime=0) if number % 2 else data)
    monkeypatch.setattr(idx, "MNIST_MD5", tuple(checksum(data) for data in contents))
    monkeypatch.setattr(idx, "VALIDATION", 20)


@pytest.mark.parametrize("layout", ["MNIST/raw", "MNIST", "mnist", ""])
def test_files_are_found_in_every_usual_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    small_mnist(tmp_path / "data" / layout, monkeypatch)
    mnist = load("mnist", data_dir=tmp_path / "data", download=False)
    assert [len(split) for split in (mnist.train, mnist.validation, mnist.test)] == [180, 20, 50]
    assert np.array_equal(np.bincount(mnist.validation.labels), [2] * 10)
    assert mnist.train.images.flags.writeable and mnist.test.images.flags.writeable
    assert mnist.source == str(tmp_path / "data" / layout)


def test_data_dir_goes_before_the_variable_and_the_variable_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("cache/vae-bench", "variable", "folder"):
        small_mnist(tmp_path / place / "MNIST" / "raw", monkeypatch)
        monkeypatch.setenv("BENCH_DATA", str(tmp_path / "variable") if place != "cache/vae-bench" else "")
        data_dir = tmp_path / "folder" if place == "folder" else None
        assert load("mnist", data_dir=data_dir, download=False).source.startswith(str(tmp_path / place))


def test_wrong_contents_are_refused_and_no_other_place_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_mnist(tmp_path / "MNIST" / "raw", monkeypatch)
    monkeypatch.setattr(idx, "MNIST_MD5", ("0" * 32, *idx.MNIST_MD5[1:]))
    with pytest.raises(BadInput, match="train-images-idx3-ubyte is not the official file"):
        load("mnist", data_dir=tmp_path)


def test_absent_files_name_themselves_the_place_and_the_flag(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as error:
        load("fashion", data_dir=tmp_path, download=False)
    for part in ("t10k-labels-idx1-ubyte(.gz)", str(tmp_path / "FashionMNIST"), "--data-dir", "$BENCH_DATA"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_the_real_files_are_the_official_ones_and_split_54_6_10(real_data: Path, name: str) -> None:
    data = load(name, data_dir=real_data, download=False)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [54_000, 6_000, 10_000]
    assert data.shape == (1, 28, 28) and len(data.classes) == 10
    counts = np.bincount(data.train.labels) + np.bincount(data.validation.labels)
    assert np.abs(np.bincount(data.validation.labels) - counts / 10).max() < 1
    assert (
        data.sha256
        == {
            "mnist": "caf40673713a113fd6b6d2f179f4e2de7323e05e559785f232b0da08a71f4b36",
            "fashion": "630b437aad7707c3300a11789a11fe2c3751c106c76bd5581c9d88f1fb0e0f03",
        }[name]
    )
