"""CelebA on a generated folder in the official layout."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from celeba_layout import IDENTITIES, write_celeba
from PIL import Image

from bench.data import load
from bench.data.pixels import center_crop, crop148, stretch
from bench.errors import BadInput


@pytest.fixture
def celeba(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The generated folder, and no other place to look in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    return write_celeba(tmp_path / "data")


def identities(images: np.ndarray) -> set[int]:
    """Read the identity back from the red channel."""
    return set(np.rint(images[:, 0].mean((1, 2)) / 10).astype(int).tolist())


def test_no_identity_is_on_two_sides_of_the_identity_split(celeba: Path) -> None:
    data = load("celeba", data_dir=celeba)
    parts = [identities(split.images) for split in (data.train, data.validation, data.test)]
    assert [len(part) for part in parts] == [16, 2, 2] and len(set.union(*parts)) == IDENTITIES
    assert [len(split) for split in (data.train, data.validation, data.test)] == [48, 6, 6]
    assert data.settings == {"split": "identity", "preprocess": "resize"}
    assert data.note == "60 of CelebA's 202,599 images"


def test_the_official_split_follows_the_partition_file(celeba: Path) -> None:
    (celeba / "celeba" / "identity_CelebA.txt").unlink()  # not needed for this split
    data = load("celeba", data_dir=celeba, settings={"split": "official"})
    assert [len(split) for split in (data.train, data.validation, data.test)] == [40, 10, 10]
    assert np.allclose(data.test.images[:, 1].mean((1, 2)), 4 * np.arange(50, 60), atol=2)


@pytest.mark.parametrize("split", ["identity", "official"])
def test_labels_are_the_attributes_of_the_same_image(celeba: Path, split: str) -> None:
    data = load("celeba", data_dir=celeba, settings={"split": split})
    assert data.classes == tuple(f"Attribute_{a}" for a in range(40))
    for part in (data.train, data.validation, data.test):
        number = np.rint(part.images[:, 1].mean((1, 2)) / 4).astype(int)
        assert part.labels.shape == (len(part), 40) and part.labels.dtype == np.int64
        assert np.array_equal(part.labels, (number[:, None] >> np.arange(40) % 6) & 1)


@pytest.mark.parametrize("preprocess", ["resize", "center-crop", "crop148"])
def test_every_preprocessing_gives_64_by_64_and_the_cache_agrees(celeba: Path, preprocess: str) -> None:
    settings = {"preprocess": preprocess}
    first = load("celeba", data_dir=celeba, settings=settings)
    assert first.shape == (3, 64, 64)
    cached = load("celeba", data_dir=celeba, settings=settings)
    assert cached.sha256 == first.sha256 and cached.train.images.flags.writeable


def test_the_preprocessings_keep_the_parts_of_the_image_that_they_say() -> None:
    """The image's value is its row number (or column), so that an average tells what was kept."""
    rows = Image.fromarray(np.repeat(np.arange(218, dtype=np.uint8)[:, None], 178, 1))
    columns = Image.fromarray(np.repeat(np.arange(178, dtype=np.uint8)[None], 218, 0))

    def span(image: Image.Image) -> tuple[int, int]:
        pixels = np.asarray(image)
        return int(pixels.min()), int(pixels.max())

    assert all(square(rows, 64).size == (64, 64) for square in (stretch, center_crop, crop148))
    assert span(stretch(rows, 64)) == pytest.approx((0, 217), abs=2)
    scale = 218 / 78  # 178 x 218 becomes 64 x 78, of which rows 7 to 71 are kept
    assert span(center_crop(rows, 64)) == pytest.approx((7 * scale, 71 * scale), abs=2)
    assert span(center_crop(columns, 64)) == pytest.approx((0, 177), abs=2)
    assert span(crop148(rows, 64)) == pytest.approx((40, 187), abs=2)
    assert span(crop148(columns, 64)) == pytest.approx((15, 162), abs=2)


def test_zipped_images_and_the_sorted_folders_of_the_official_download_are_read(celeba: Path, tmp_path: Path) -> None:
    loose = load("celeba", data_dir=celeba)
    old, new = celeba / "celeba", tmp_path / "packed" / "CelebA"
    for part, name in (("Anno", "identity_CelebA.txt"), ("Anno", "list_attr_celeba.txt")):
        (new / part).mkdir(parents=True, exist_ok=True)
        (new / part / name).write_bytes((old / name).read_bytes())
    (new / "Img").mkdir()
    with zipfile.ZipFile(new / "Img" / "img_align_celeba.zip", "w") as archive:
        for path in (old / "img_align_celeba").iterdir():
            archive.write(path, f"img_align_celeba/{path.name}")
    assert load("celeba", data_dir=tmp_path / "packed").sha256 == loose.sha256


def test_absent_files_say_what_to_fetch_and_where_to_put_it(celeba: Path) -> None:
    (celeba / "celeba" / "identity_CelebA.txt").unlink()
    with pytest.raises(BadInput, match="celeba: identity_CelebA.txt not found in .*celeba.*--data-dir.*mmlab"):
        load("celeba", data_dir=celeba)


def test_a_spoilt_annotation_or_image_is_named(celeba: Path) -> None:
    (celeba / "celeba" / "img_align_celeba" / "000007.jpg").write_bytes(b"\xff\xd8 cut")
    with pytest.raises(BadInput, match="000007.jpg cannot be decoded"):
        load("celeba", data_dir=celeba)
    (celeba / "celeba" / "identity_CelebA.txt").write_text("000001.jpg\n")
    with pytest.raises(BadInput, match="identity_CelebA.txt is not the official file"):
        load("celeba", data_dir=celeba)
    (celeba / "celeba" / "list_attr_celeba.txt").write_text("1\nA B\n000001.jpg 1\n")
    with pytest.raises(BadInput, match="list_attr_celeba.txt is not the official"):
        load("celeba", data_dir=celeba)


def test_only_the_images_that_are_there_are_read(celeba: Path) -> None:
    for number in range(31, 61):
        (celeba / "celeba" / "img_align_celeba" / f"{number:06d}.jpg").unlink()
    data = load("celeba", data_dir=celeba)
    assert sum(len(split) for split in (data.train, data.validation, data.test)) == 30
    with pytest.raises(BadInput, match="leaves a part without images"):
        load("celeba", data_dir=celeba, settings={"split": "official"})
