"""Shapes of known factors: every combination once, every factor visible, and what the split tells of them."""

from dataclasses import replace

import numpy as np
import pytest

from bench.data import load
from bench.data.check import check
from bench.data.drawn.factors import AMOUNTS, FACTORS, draw, grid
from bench.data.types import ImageDataset
from bench.errors import BadInput

MIDDLE = [0, 3, 0, 4, 3, 3]  # a square of radius 8, upright, centre at (+1, -1), white


@pytest.fixture(scope="module")
def shapes() -> ImageDataset:
    return load("shapes")


def test_every_combination_is_one_image_and_no_two_are_alike(shapes: ImageDataset) -> None:
    assert np.array_equal(np.unique(grid(), axis=0), grid())
    assert len(grid()) == 3 * 4 * 6 * 8 * 8 * 4
    parts = (shapes.train, shapes.validation, shapes.test)
    assert [len(part) for part in parts] == [12_800, 1_024, 4_608]
    images = np.concatenate([part.images for part in parts]).reshape(len(grid()), -1)
    assert len(np.unique(images, axis=0)) == len(grid())


def test_the_images_never_change(shapes: ImageDataset) -> None:
    assert load("shapes").sha256 == shapes.sha256 == "2643b18b92380df979f5f8e5be5d8b0ea513b8323970735479238eacda97bee2"


def test_the_factors_of_a_test_image_are_those_it_is_drawn_with(shapes: ImageDataset) -> None:
    assert tuple(shapes.factors) == FACTORS
    assert np.array_equal(shapes.factors["shape"], shapes.test.labels)
    numbers = [np.searchsorted(AMOUNTS[name], shapes.factors[name]) for name in AMOUNTS]
    assert np.array_equal(draw(np.stack([shapes.test.labels, *numbers], axis=1)), shapes.test.images)
    together = np.corrcoef(np.stack(list(shapes.factors.values())))
    assert np.abs(together - np.eye(6)).max() < 0.06  # independent: 4 / sqrt(4,608)


def test_a_factor_moves_or_changes_what_it_says() -> None:
    def moments(image: np.ndarray) -> tuple[float, float, float, float]:
        """Mass in white pixels, brightest pixel, and centre of mass from the middle."""
        mass, axis = image.sum() / 255, np.arange(32) - 15.5
        return mass, image.max(), (image.sum(0) @ axis) / image.sum(), (image.sum(1) @ axis) / image.sum()

    image = draw(np.array([MIDDLE]))[0, 0].astype(float)
    mass, brightest, x, y = moments(image)
    assert (brightest, round(x, 6), round(y, 6)) == (255, 1, -1)
    assert mass == pytest.approx(128, rel=0.02)  # a square in a circle of radius 8
    ellipse, triangle = (moments(draw(np.array([[kind, *MIDDLE[1:]]]))[0, 0].astype(float)) for kind in (1, 2))
    assert ellipse[0] == pytest.approx(np.pi * 8 * 4, rel=0.02)
    assert triangle[0] == pytest.approx(3 * np.sqrt(3) / 4 * 64, rel=0.02)
    assert np.allclose([ellipse[2:], triangle[2:]], (1, -1), atol=0.05)
    darker = draw(np.array([[*MIDDLE[:5], 0]]))[0, 0].astype(float)
    assert darker.max() == 102 and np.abs(darker - image * 102 / 255).max() <= 1
    assert moments(draw(np.array([[0, 0, *MIDDLE[2:]]]))[0, 0].astype(float))[0] == pytest.approx(50, rel=0.03)
    turned = draw(np.array([[1, 3, 2, 4, 3, 3]]))[0, 0].astype(float)  # the long axis of an ellipse, by 30 degrees
    u, v = (np.arange(32) - 15.5)[None, :] - 1, (np.arange(32) - 15.5)[:, None] + 1
    angle = 0.5 * np.arctan2(2 * (turned * u * v).sum(), (turned * (u**2 - v**2)).sum())
    assert np.rad2deg(angle) == pytest.approx(30, abs=0.5)


def test_other_test_images_have_no_known_factors() -> None:
    assert load("shapes", settings={"pixels": "binary"}).factors
    assert not load("shapes", settings={"split": "clean"}).factors


def test_factors_that_are_not_one_number_an_image_are_refused(shapes: ImageDataset) -> None:
    for values in (np.zeros(3), np.zeros(4_608, np.int8), np.zeros((4_608, 1))):
        with pytest.raises(BadInput, match="its factor 'size' is .*give int64 or float64"):
            check(replace(shapes, factors={"size": values}), "shapes", (1, 32, 32))


def test_a_factor_changes_the_hash(shapes: ImageDataset) -> None:
    other = {**shapes.factors, "size": shapes.factors["size"] + 1}
    assert replace(shapes, factors=other).sha256 != shapes.sha256
