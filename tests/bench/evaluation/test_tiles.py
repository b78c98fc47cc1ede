"""Pictures keep what they are given: every image in its place, every pixel in its colour."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.data.eight_bit import to_uint8
from bench.evaluation.pictures.tiles import TILES, save_grid


@pytest.mark.parametrize(("channels", "rows", "columns", "size"), [(3, 8, 8, 64), (3, 4, 10, 32), (1, 8, 8, 28)])
def test_every_pixel_of_every_image_comes_back(
    tmp_path: Path, channels: int, rows: int, columns: int, size: int
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (rows, columns, channels, size, size), dtype=np.uint8)
    save_grid(tmp_path / "x.png", pixels.astype(np.float32) / 255)
    with Image.open(tmp_path / "x.png") as picture:
        sheet = np.asarray(picture).reshape(picture.height, picture.width, channels)
    assert sheet.shape[:2] == (rows * (size + 1) - 1, columns * (size + 1) - 1)
    for i, j in np.ndindex(rows, columns):
        found = sheet[i * (size + 1) :, j * (size + 1) :][:size, :size].transpose(2, 0, 1)
        np.testing.assert_array_equal(found, pixels[i, j])
    given = np.unique(pixels.transpose(0, 1, 3, 4, 2).reshape(-1, channels), axis=0)
    kept = np.unique(sheet.reshape(-1, channels), axis=0)
    assert len(given) > (64 if channels == 3 else 0) and {*map(tuple, given)} <= {*map(tuple, kept)}


@pytest.mark.parametrize(("channels", "rows"), [(3, 2), (1, 1)])
def test_reconstructions_stand_below_the_images_that_they_are_of(channels: int, rows: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, channels, 8, 8), dtype=np.uint8)
    arrays = {"test_images": images, "reconstructions": 1 - images.astype(np.float32) / 255}
    given: Any = SimpleNamespace(get=lambda name, _=None: arrays[name], data=SimpleNamespace(shape=images.shape[1:]))
    sheet = TILES["reconstructions"].images(given)
    assert sheet is not None and sheet.shape == (2 * rows, 10, channels, 8, 8)
    np.testing.assert_array_equal(to_uint8(sheet[:rows].reshape(-1, channels, 8, 8)), images[: 10 * rows])
    np.testing.assert_allclose(sheet[rows:], 1 - sheet[:rows], atol=1e-6)
