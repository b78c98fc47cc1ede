"""Shapes of known and independent factors: the data set that measures of disentanglement are taken on."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bench.data.places import Places
from bench.data.splits import SPLIT_SEED
from bench.data.types import ImageDataset, Images, cut

SIDE = 32
SHAPES = ("square", "ellipse", "triangle")
# Values of each factor, which all images of the grid combine: pixels, degrees, pixels, pixels, and 255 is white.
AMOUNTS: dict[str, tuple[int, ...]] = {
    "size": (5, 6, 7, 8),  # radius of the circle around the shape
    "angle": (0, 15, 30, 45, 60, 75),  # below 90, so that no two images of a square are the same
    "x": (-7, -5, -3, -1, 1, 3, 5, 7),  # of the shape's centre, from the image's
    "y": (-7, -5, -3, -1, 1, 3, 5, 7),
    "grey": (102, 153, 204, 255),
}
FACTORS = ("shape", *AMOUNTS)
VALIDATION, TEST = 1_024, 4_608
_MOST = max(AMOUNTS["size"])
_FINE = 8  # points along a side of a pixel: the share of them inside the shape is what it covers


def load_shapes(places: Places, settings: Mapping[str, str]) -> ImageDataset:
    """Return 12,800 / 1,024 / 4,608 images [N, 1, 32, 32] of one shape each: every combination of six factors once.

    The split is drawn with `SPLIT_SEED`. The class is the shape; `factors` holds those of the test images.
    """
    values = grid()
    order = np.random.RandomState(SPLIT_SEED).permutation(len(values))
    parts = np.split(order, [len(order) - VALIDATION - TEST, len(order) - TEST])
    values = values[order]  # [N, F]
    splits = cut(draw(values), values[:, 0], parts)
    numbers = zip(AMOUNTS, values[-TEST:, 1:].T, strict=True)
    factors = {"shape": splits[2].labels} | {name: np.array(AMOUNTS[name], float)[v] for name, v in numbers}
    return ImageDataset("shapes", *splits, SHAPES, settings, "drawn", factors=factors)


def grid() -> NDArray[np.int64]:
    """Return every combination of the numbers of the factors' values, the last factor changing first: [N, F]."""
    counts = (len(SHAPES), *map(len, AMOUNTS.values()))
    return np.stack(np.unravel_index(np.arange(np.prod(counts)), counts), axis=1)


def draw(values: NDArray[np.int64]) -> Images:
    """Return the image of each combination: numbers of values [N, F] -> uint8 [N, 1, 32, 32]."""
    size, angle, x, y, grey = (np.array(amounts)[values[:, i]] for i, amounts in enumerate(AMOUNTS.values(), 1))
    kinds, kind = np.unique(np.stack([values[:, 0], size, angle], axis=1), axis=0, return_inverse=True)
    covered = np.stack([_covered(*map(int, one)) for one in kinds])  # [K, 2 R, 2 R]
    images = np.zeros((len(values), 1, SIDE, SIDE), np.uint8)
    for across in AMOUNTS["x"]:
        for down in AMOUNTS["y"]:
            here = np.flatnonzero((x == across) & (y == down))
            top, left = SIDE // 2 - _MOST + down, SIDE // 2 - _MOST + across
            shown = np.rint(covered[kind[here]] * grey[here, None, None])
            images[here, 0, top : top + 2 * _MOST, left : left + 2 * _MOST] = shown
    return images


def _covered(shape: int, radius: int, angle: int) -> NDArray[np.float64]:
    """Return the share of each pixel that a shape in the middle of [2 R, 2 R] pixels covers, R the largest radius."""
    axis = (np.arange(2 * _MOST * _FINE) + 0.5) / _FINE - _MOST
    turn = np.deg2rad(angle)
    u = np.cos(turn) * axis + np.sin(turn) * axis[:, None]  # rows are y, downwards
    v = np.cos(turn) * axis[:, None] - np.sin(turn) * axis
    reach = (
        np.maximum(abs(u), abs(v)) * np.sqrt(2),
        np.sqrt(u**2 + (2 * v) ** 2),
        np.maximum(-2 * v, np.sqrt(3) * abs(u) + v),
    )[shape]
    inside = reach <= radius + 1e-9  # points on the edge are inside, whatever the processor rounds to
    return inside.reshape(2 * _MOST, _FINE, 2 * _MOST, _FINE).mean(axis=(1, 3))
