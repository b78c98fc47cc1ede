"""Folders of the user's own images, ordinary and odd."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import load
from bench.data.pixels import open_image
from bench.errors import BadInput


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    yield
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)


def paint(folder: Path, count: int, value: int, suffix: str = "png", size: tuple[int, int] = (40, 32)) -> None:
    """Write `count` flat images of brightness value, value + 1, …"""
    folder.mkdir(parents=True)
    for i in range(count):
        Image.new("RGB", size, (value + i,) * 3).save(folder / f"{i:03d}.{suffix}", compress_level=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of 30 and 20 images: cats from brightness 0, dogs from 100."""
    paint(tmp_path / "pets" / "train" / "cat", 30, 0)
    paint(tmp_path / "pets" / "train" / "dog", 20, 100)
    return tmp_path / "pets"


def brightness(images: np.ndarray) -> list[int]:
    return sorted(images[:, 0, 0, 0].tolist())


def test_without_a_test_folder_two_tenths_are_carved_and_nothing_is_lost(folder: Path) -> None:
    data = load("imagefolder", data_dir=folder)
    parts = data.train, data.validation, data.test
    assert [len(part) for part in parts] == [40, 5, 5] and data.classes == ("cat", "dog")
    assert brightness(np.concatenate([p.images for p in parts])) == [*range(30), *range(100, 120)]
    for part in parts:  # the label belongs to the image; both classes are everywhere, and mixed
        assert np.array_equal(part.labels, part.images[:, 0, 0, 0] >= 100) and set(part.labels) == {0, 1}
    assert (np.diff(data.train.labels) != 0).sum() > 5
    assert data.note is None and data.source == str(folder)


def test_a_test_folder_is_the_test_set(folder: Path) -> None:
    paint(folder / "test" / "dog", 4, 200)
    data = load("imagefolder", data_dir=folder)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [45, 5, 4]
    assert brightness(data.test.images) == [200, 201, 202, 203] and data.test.labels.tolist() == [1] * 4


def test_size_and_colour_are_settings(folder: Path) -> None:
    data = load("imagefolder", data_dir=folder, settings={"size": "16", "colour": "grey"})
    assert data.shape == (1, 16, 16) and data.settings == {"size": "16", "colour": "grey"}


def test_the_second_load_comes_from_the_cache_and_a_changed_file_does_not(folder: Path, tmp_path: Path) -> None:
    first = load("imagefolder", data_dir=folder)
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 1
    assert load("imagefolder", data_dir=folder).sha256 == first.sha256
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 1
    path = folder / "train" / "cat" / "000.png"
    size = path.stat().st_size
    Image.new("RGB", (40, 32), (77,) * 3).save(path, compress_level=0)  # other pixels, same size, later time
    assert path.stat().st_size == size and load("imagefolder", data_dir=folder).sha256 != first.sha256


def test_a_damaged_or_forbidden_cache_only_costs_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load("imagefolder", data_dir=folder)
    cached = next((tmp_path / "cache").rglob("*.npy"))
    cached.write_bytes(cached.read_bytes()[:500])
    assert load("imagefolder", data_dir=folder).sha256 == first.sha256
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))  # a folder can never be made here
    assert load("imagefolder", data_dir=folder).sha256 == first.sha256


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_an_archive_gives_what_its_folder_gives(folder: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "packed").mkdir()
    archive = shutil.make_archive(str(tmp_path / "packed" / "pets"), kind, folder)
    expected = load("imagefolder", data_dir=folder).sha256
    assert load("imagefolder", data_dir=Path(archive)).sha256 == expected
    assert load("imagefolder", data_dir=tmp_path / "packed").sha256 == expected


def test_the_folder_may_lie_inside_the_one_named_and_the_variable_names_it_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load("imagefolder", data_dir=folder).sha256
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    assert load("imagefolder").sha256 == expected
    shutil.copytree(folder, tmp_path / "more")
    with pytest.raises(BadInput, match=r"several data sets \(more, pets\); point --data-dir at one"):
        load("imagefolder", data_dir=tmp_path)


def test_what_is_missing_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="use --data-dir or"):
        load("imagefolder")
    (tmp_path / "empty" / "train").mkdir(parents=True)
    with pytest.raises(BadInput, match="has no class folders"):
        load("imagefolder", data_dir=tmp_path / "empty")
    with pytest.raises(BadInput, match="train/CLASS/.* not found"):
        load("imagefolder", data_dir=tmp_path / "empty" / "train")
    (folder / "train" / "bird").mkdir()
    with pytest.raises(BadInput, match="bird has no image"):
        load("imagefolder", data_dir=folder)
    (folder / "train" / "bird").rmdir()
    paint(folder / "test" / "fish", 1, 0)
    with pytest.raises(BadInput, match="classes that train lacks: fish"):
        load("imagefolder", data_dir=folder)


def test_too_few_images_to_split_are_refused(tmp_path: Path) -> None:
    paint(tmp_path / "train" / "cat", 2, 0)
    with pytest.raises(BadInput, match="needs more images"):
        load("imagefolder", data_dir=tmp_path)


def test_one_class_and_jpeg_coding_are_noted(tmp_path: Path) -> None:
    paint(tmp_path / "train" / "cat", 12, 0, suffix="JPG")
    (tmp_path / "train" / "cat" / "readme.txt").write_text("no image")
    note = load("imagefolder", data_dir=tmp_path).note
    assert note is not None and "12 of 12 images are JPEG-coded (lossy)" in note and "one class only" in note


def test_a_corrupt_image_is_named(folder: Path) -> None:
    path = folder / "train" / "dog" / "007.png"
    for contents in (b"", b"no image", path.read_bytes()[:60]):
        path.write_bytes(contents)
        with pytest.raises(BadInput, match="007.png cannot be decoded as an image"):
            load("imagefolder", data_dir=folder)


def test_odd_images_are_converted_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(np.full((4, 4), 0x8040, np.uint16)).save(path)  # 16-bit grey keeps the upper byte
    assert np.asarray(open_image(path, "L")).max() == np.asarray(open_image(path, "RGB")).min() == 0x80
    Image.new("RGBA", (4, 4), (200, 0, 0, 0)).save(path)  # wholly transparent: white
    assert np.asarray(open_image(path, "RGB")).min() == 255
    Image.new("LA", (4, 4), (0, 255)).save(path)  # opaque black stays black
    assert np.asarray(open_image(path, "L")).max() == 0
    Image.new("P", (4, 4), 1).save(path)
    assert open_image(path, "RGB").mode == "RGB"
    Image.new("1", (4, 4), 1).save(path)
    assert np.asarray(open_image(path, "L")).min() == 255
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(tmp_path / "image.jpg")  # red
    red, green, blue = np.asarray(open_image(tmp_path / "image.jpg", "RGB"))[0, 0]
    assert red > 200 and green < 60 and blue < 60


def test_an_image_on_its_side_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate by 90 degrees
    Image.new("RGB", (20, 10)).save(tmp_path / "image.jpg", exif=exif)
    assert open_image(tmp_path / "image.jpg", "RGB").size == (10, 20)


def test_extreme_shapes_become_the_square_asked_for(tmp_path: Path) -> None:
    for i, size in enumerate([(1, 1), (500, 3), (3, 500), (33, 32), (31, 64)]):
        paint(tmp_path / "train" / f"c{i}", 3, 10, size=size)
    assert load("imagefolder", data_dir=tmp_path).shape == (3, 32, 32)


@pytest.mark.slow
def test_the_cifar_jpeg_archive_loads(real_data: Path) -> None:
    data = load("imagefolder", data_dir=real_data / "cifar10-jpeg.tar.gz")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [45_000, 5_000, 10_000]
    assert data.shape == (3, 32, 32) and data.classes[:2] == ("airplane", "automobile")
    assert np.array_equal(np.bincount(data.test.labels), [1000] * 10)
    assert np.array_equal(np.bincount(data.validation.labels), [500] * 10)
    assert "60,000 of 60,000 images are JPEG-coded" in str(data.note)
