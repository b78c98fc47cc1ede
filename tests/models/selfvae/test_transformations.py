"""The fixed maps y = d(x): PIL's to the bit where PIL has them, on 256 levels, and what a sketch shows."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from models.selfvae.sketch import edge_preserving_blur, sketch
from models.selfvae.transformations import TRANSFORMATIONS, downscale, grey, halving, on_grid

EVERY_MAP = pytest.mark.parametrize("name", TRANSFORMATIONS)


def images(n: int, *shape: int) -> Tensor:
    return torch.randint(0, 256, (n, *shape), generator=torch.Generator().manual_seed(0)) / 255


def bytes_of(x: Tensor) -> np.ndarray:
    """Images [N, C, H, W] as bytes, channels last."""
    return (255 * x).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


@EVERY_MAP
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 12)])
def test_a_map_gives_images_of_its_shape_on_256_levels_without_a_gradient(name: str, shape: tuple[int, ...]) -> None:
    transformation, x = TRANSFORMATIONS[name], images(5, *shape)
    y = transformation(x.requires_grad_())
    assert y.shape == (5, *transformation.shape(shape))
    assert not y.requires_grad
    assert torch.equal(on_grid(y), y)
    assert 0 <= float(y.min()) <= float(y.max()) <= 1
    assert torch.equal(transformation(x), y)
    assert torch.equal(transformation(x[2:3])[0], y[2])  # of each image alone


@EVERY_MAP
def test_a_map_of_images_off_the_grid_is_that_of_the_nearest_levels(name: str) -> None:
    x = images(3, 3, 6, 6)
    moved = x + torch.empty_like(x).uniform_(-0.4, 0.4) / 255
    assert torch.equal(TRANSFORMATIONS[name](moved), TRANSFORMATIONS[name](x))


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (6, 10), (2, 2)])
def test_downscaling_is_pils_bilinear_filter_to_the_bit(size: tuple[int, int]) -> None:
    x = images(20, 3, *size)
    height, width = size[0] // 2, size[1] // 2
    for image, made in zip(bytes_of(x), bytes_of(downscale(x)), strict=True):
        expected = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        assert np.array_equal(made, np.asarray(expected))


def test_halving_weighs_four_neighbours_and_sums_to_one() -> None:
    assert halving(8)[1].tolist() == [0, 1 / 8, 3 / 8, 3 / 8, 1 / 8, 0, 0, 0]
    assert torch.allclose(halving(8).sum(1), torch.ones(4))


@pytest.mark.parametrize("shape", [(1, 7, 8), (1, 8, 7), (3, 1, 1)])
def test_sides_that_cannot_be_halved_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="both sides must be even"):
        TRANSFORMATIONS["downscale"].shape(shape)


def test_grey_is_pils_conversion() -> None:
    x = images(20, 3, 16, 16)
    for image, made in zip(bytes_of(x), bytes_of(grey(x)), strict=True):
        assert np.array_equal(made[..., 0], np.asarray(Image.fromarray(image).convert("L")))
    assert torch.equal(grey(x[:, :1]), x[:, :1])


def test_the_filter_is_the_recursion_along_rows_and_columns() -> None:
    """Against Eqs. 11, 14 and 21 of Gastal and Oliveira, number by number."""
    g, width, edge, passes = images(1, 1, 5, 4).double(), 3.0, 0.4, 2
    distances = [1 + width / edge * np.abs(np.diff(g[0, 0].numpy(), axis=axis)) for axis in (1, 0)]
    made = g[0, 0].numpy().copy()
    for p in (1, 2):
        spread = width * math.sqrt(3) * 2 ** (passes - p) / math.sqrt(4**passes - 1)
        a = math.exp(-math.sqrt(2) / spread)
        for lines, d in ((made, distances[0]), (made.T, distances[1].T)):
            for line, between in zip(lines, d, strict=True):
                for n in range(1, len(line)):
                    line[n] += a ** between[n - 1] * (line[n - 1] - line[n])
                for n in range(len(line) - 2, -1, -1):
                    line[n] += a ** between[n] * (line[n + 1] - line[n])
    assert np.allclose(edge_preserving_blur(g, width, edge, passes)[0, 0].numpy(), made, atol=1e-12)


def test_the_filter_keeps_edges_and_blurs_what_is_weaker() -> None:
    step = torch.zeros(1, 1, 8, 8)
    step[..., 4:] = 1.0
    kept = edge_preserving_blur(step, edge=0.05)
    assert torch.allclose(kept, step, atol=1e-6)
    assert float((edge_preserving_blur(step, edge=100.0) - step).abs().max()) > 0.2
    faint = 0.5 + 0.01 * step
    assert float((edge_preserving_blur(faint, edge=0.5) - faint).abs().max()) > 0.002
    assert torch.allclose(edge_preserving_blur(torch.full((1, 1, 6, 6), 0.3)), torch.full((1, 1, 6, 6), 0.3))


def test_a_sketch_is_white_where_the_image_is_even_and_dark_along_dark_lines() -> None:
    for level in (0.0, 0.3, 1.0):
        even = torch.full((1, 1, 8, 8), level)
        assert torch.allclose(sketch(even), torch.ones_like(even), atol=1e-4)
    line = torch.full((1, 1, 9, 9), 0.8)
    line[..., 4] = 0.4
    made = sketch(line)
    assert (made[..., 4] < 0.75).all()
    assert (made[..., [0, 8]] > 0.99).all()
    inverse = 1 - edge_preserving_blur(1 - line)
    assert torch.allclose(made, (line / inverse).clamp(max=1), atol=0.01)
