"""Folders of images as people have them: what is read, of which class, and what is said of the rest."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import load
from bench.data.pixels import open_image
from bench.data.types import ImageDataset
from bench.errors import BadInput


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_DATA", raising=False)


def paint(folder: Path, count: int, value: int = 0, suffix: str = "png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.new("L", (8, 8), value + i).save(folder / f"{i:03d}.{suffix}")


def read(folder: Path) -> ImageDataset:
    return load("imagefolder", data_dir=folder, settings={"size": "8", "colour": "grey"})


def total(data: ImageDataset) -> int:
    return len(data.train) + len(data.validation) + len(data.test)


@pytest.mark.parametrize("suffix", ["bmp", "gif", "tif", "tiff", "webp", "pgm", "ppm", "PNG", "jfif"])
def test_the_formats_that_are_meant_are_read(tmp_path: Path, suffix: str) -> None:
    paint(tmp_path / "a" / "train" / "x", 12)
    Image.new("L", (8, 8), 99).save(
        tmp_path / "a" / "train" / "x" / f"more.{suffix}", "JPEG" if suffix == "jfif" else None
    )
    assert total(read(tmp_path / "a")) == 13


def test_a_validation_folder_is_the_validation_set(tmp_path: Path) -> None:
    for name, value in (("train", 0), ("Valid", 100), ("test", 200)):
        paint(tmp_path / "a" / name / "x", 12, value)
        paint(tmp_path / "a" / name / "y", 12, value + 20)
    data = read(tmp_path / "a")
    assert [len(data.train), len(data.validation), len(data.test)] == [24, 24, 24]
    assert data.validation.images.min() == 100 and data.validation.images.max() == 131 and data.note is None
    paint(tmp_path / "a" / "val" / "x", 1)
    with pytest.raises(BadInput, match="Valid and val, which mean the same"):
        read(tmp_path / "a")


def test_images_at_any_depth_are_of_their_class(tmp_path: Path) -> None:
    paint(tmp_path / "a" / "train" / "x" / "deep" / "deeper", 12)
    paint(tmp_path / "a" / "train" / "x", 3, 30)
    paint(tmp_path / "a" / "train" / "y", 12, 100)
    (tmp_path / "a" / "train" / "x" / "deep" / "round").symlink_to(tmp_path / "a" / "train")  # a circle ends
    data = read(tmp_path / "a")
    assert total(data) == 27 + 12  # the link shows y again, as a part of x
    assert np.array_equal(data.test.images[:, 0, 0, 0] < 100, data.test.labels == 0) or total(data) == 39


def test_a_flat_folder_is_one_class_with_or_without_train(tmp_path: Path) -> None:
    paint(tmp_path / "a" / "train", 20)
    paint(tmp_path / "b", 20)
    for name in "ab":
        data = read(tmp_path / name)
        assert data.classes == ("images",) and total(data) == 20 and "one class only" in str(data.note)


def test_class_folders_without_train_are_divided(tmp_path: Path) -> None:
    paint(tmp_path / "a" / "cat", 20)
    paint(tmp_path / "a" / "dog", 20, 100)
    data = read(tmp_path / "a")
    assert data.classes == ("cat", "dog") and [len(data.train), len(data.validation), len(data.test)] == [32, 4, 4]
    paint(tmp_path / "b" / "test" / "cat", 20)
    with pytest.raises(BadInput, match="holds test but no train"):
        read(tmp_path / "b")


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    train = tmp_path / "a" / "train"
    paint(train / "x", 20)
    paint(train, 3)
    paint(tmp_path / "a" / "more", 5)
    for i in range(2):
        (train / "x" / f"{i}.heic").touch()
    (train / "x" / "list").touch()
    (train / "x" / "._000.png").touch()
    os.mkfifo(train / "x" / "pipe.png")
    (train / "x" / "gone.png").symlink_to(tmp_path / "nowhere")
    (train / "x" / ".DS_Store").touch()
    data = read(tmp_path / "a")
    assert total(data) == 20
    assert str(data.note).partition("left out: ")[2] == (
        "2 .heic, 3 beside the class folders, 5 beside train/, 1 hidden, 2 that are no files, 1 without a suffix"
    )


def test_a_class_of_unreadable_formats_says_what_it_holds(tmp_path: Path) -> None:
    paint(tmp_path / "a" / "train" / "x", 20)
    (tmp_path / "a" / "train" / "y").mkdir()
    (tmp_path / "a" / "train" / "y" / "1.heic").touch()
    with pytest.raises(BadInput, match=r"y has no image .*, but 1 \.heic"):
        read(tmp_path / "a")


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\nb", "e\u0301".encode(), b"\xff\xfe"])
def test_any_name_of_a_class_is_text_that_a_file_can_hold(tmp_path: Path, name: bytes) -> None:
    for part in ("train", "test"):
        paint(tmp_path / "a" / part / "x", 12)
        os.rename(tmp_path / "a" / part / "x", os.fsencode(tmp_path / "a" / part) + b"/" + name)
    (shown,) = read(tmp_path / "a").classes
    assert shown.isprintable() and shown.encode()
    assert shown == {b"caf\xe9": "caf\\xe9", b"a\nb": "a\\n" + "b"}.get(name, shown)


def test_names_that_read_the_same_are_refused(tmp_path: Path) -> None:
    paint(tmp_path / "a" / "train" / "é", 12)
    paint(tmp_path / "a" / "train" / "e\u0301", 12)
    with pytest.raises(BadInput, match="two classes whose names read 'é'"):
        read(tmp_path / "a")


def exif(orientation: int, *more: tuple[int, int, int, bytes]) -> bytes:
    """Return EXIF with an orientation and other entries, as no library of ours would write them."""
    entries = [(0x0112, 3, 1, struct.pack("<HH", orientation, 0)), *more]
    body = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    body += b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0" + body + struct.pack("<I", 0) + struct.pack("<ii", -1, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright_whatever_else_their_exif_holds(tmp_path: Path, orientation: int) -> None:
    odd = (0x011A, 10, 1, struct.pack("<I", 38))  # -1 / 0
    upright = np.zeros((16, 8), np.uint8)
    upright[:8, :4] = 255  # white at the top left
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1]}
    turned = {5: upright.T, 6: upright.T[::-1], 7: upright.T[::-1, ::-1], 8: upright.T[:, ::-1]}
    pixels = Image.fromarray(np.ascontiguousarray((stored | turned)[orientation]))
    pixels.save(tmp_path / "a.jpg", exif=exif(orientation, odd), quality=95)
    found = np.asarray(open_image(tmp_path / "a.jpg", "L"))
    assert found.shape == (16, 8) and found[:6, :3].min() > 200 and found[10:].max() < 50 and found[:, 5:].max() < 50


def test_damaged_exif_leaves_the_image_as_it_is(tmp_path: Path) -> None:
    Image.new("L", (8, 16), 7).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + b"no TIFF at all")
    assert open_image(tmp_path / "a.jpg", "L").size == (8, 16)


def test_deep_and_transparent_images_look_as_they_should(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    deep = np.full((4, 4), 0x8040, np.uint16)
    deep[0, 0] = 0x0102
    Image.fromarray(deep).save(path, transparency=0x0102)
    assert np.asarray(open_image(path, "L")).tolist()[0] == [255, 0x80, 0x80, 0x80]
    Image.fromarray(deep).save(tmp_path / "a.tif")
    assert np.asarray(open_image(tmp_path / "a.tif", "L")).tolist()[0] == [1, 0x80, 0x80, 0x80]
    (tmp_path / "a.pgm").write_bytes(b"P5 1 1 65535 \x80\x40")
    assert np.asarray(open_image(tmp_path / "a.pgm", "L")).tolist() == [[0x80]]
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(path, transparency=1)
    assert np.asarray(open_image(path, "RGB")).min() == 255
    for pixels in (np.full((4, 4), 0.5, np.float32), np.full((4, 4), 1 << 20, np.int32)):
        Image.fromarray(pixels).save(tmp_path / "b.tif")
        with pytest.raises(BadInput, match=r"b\.tif cannot be decoded .* pixels; give 8 or 16 bits"):
            open_image(tmp_path / "b.tif", "L")


def test_whatever_a_decoder_raises_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint(tmp_path / "a" / "train" / "x", 12)
    for error in (struct.error("odd"), ZeroDivisionError(), MemoryError(), IndexError("x"), SyntaxError("no")):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(Image, "open", fail)
        with pytest.raises(BadInput, match=r"\d\d\d\.png cannot be decoded"):
            read(tmp_path / "a")


@pytest.mark.parametrize("name", ["e.png", "e.jpg", "e.tif"])
def test_postscript_under_another_name_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    paint(tmp_path / "a" / "train" / "x", 12)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n")
    (tmp_path / "bin" / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    (tmp_path / "a" / "train" / "x" / name).write_bytes(script)
    with pytest.raises(BadInput, match=name):
        read(tmp_path / "a")
    assert not (tmp_path / "called").exists()


def test_other_pixels_of_the_same_names_sizes_and_times_are_decoded_anew(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / name / "train" / "x").mkdir(parents=True)
        for i in range(12):
            path = tmp_path / name / "train" / "x" / f"{i}.png"
            Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(path, compress_level=0)
            os.utime(path, (1, 1))
    first, second = read(tmp_path / "a"), read(tmp_path / "b")
    assert first.sha256 != second.sha256
    (tmp_path / "a").rename(tmp_path / "c")
    assert read(tmp_path / "c").sha256 == first.sha256
    assert len(list((tmp_path / "cache").rglob("decoded/*.npy"))) == 2  # a moved folder is not decoded again


def test_a_small_file_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    paint(tmp_path / "a" / "train" / "x", 3)
    Image.new("1", (9000, 9000)).save(tmp_path / "a" / "train" / "x" / "bomb.png")
    with pytest.raises(BadInput, match=r"bomb\.png cannot be decoded.*9000 x 9000 pixels; 67,108,864 at most"):
        read(tmp_path / "a")


def test_no_flipped_bit_of_decoded_images_is_believed(tmp_path: Path) -> None:
    paint(tmp_path / "a" / "train" / "x", 12)
    right = read(tmp_path / "a").sha256
    (cached,) = (tmp_path / "cache").rglob("decoded/*.npy")
    whole, rng = cached.read_bytes(), np.random.default_rng(0)
    assert np.load(cached).shape == (12, 1, 8, 8)  # the sum behind the array does not disturb other readers
    for position in (0, len(whole) - 1, *rng.integers(len(whole), size=40)):
        cached.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert read(tmp_path / "a").sha256 == right
    cached.write_bytes(b"")
    assert read(tmp_path / "a").sha256 == right and cached.read_bytes() == whole
