"""TRANSFORMATIONS: the maps y = d(x) from an image to a smaller or simpler one that selfVAE models first."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor

from models.selfvae.sketch import sketch

Shape = tuple[int, ...]


def on_grid(x: Tensor) -> Tensor:
    """Return pixels rounded to the 256 levels 0, 1/255, ..., 1, halves up."""
    return levels(x) / 255


def levels(x: Tensor) -> Tensor:
    """Return the nearest grey level, from 0 to 255, of each pixel."""
    return _rounded(255 * x).clamp(0, 255)


def _rounded(numbers: Tensor) -> Tensor:
    return torch.floor(numbers + 0.5)


def halving(side: int) -> Tensor:
    r"""Return the matrix [side / 2, side] that halves a row of pixels as PIL's bilinear resizing does.

    Weights are those of a triangle two pixels wide to each side: 1, 3, 3, 1 eighths, brought to a sum of one at the
    ends, where pixels are missing.
    """
    centres = 2 * torch.arange(side // 2) + 0.5
    distance = (torch.arange(side) - centres[:, None]).abs()
    weights = (1 - distance / 2).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


def downscale(x: Tensor) -> Tensor:
    """Halve both sides: [N, C, H, W] -> [N, C, H/2, W/2], along rows, then columns, each rounded to 256 levels.

    Source: selfVAE's code, which resizes 8-bit images by PIL's bilinear filter; the result is PIL's to the bit.
    """
    across, down = halving(x.shape[3]).to(x), halving(x.shape[2]).to(x)
    return _rounded(down @ _rounded(levels(x) @ across.T)) / 255


def grey(x: Tensor) -> Tensor:
    """Return the luma 0.299 R + 0.587 G + 0.114 B of colour images, grey ones unchanged: [N, C, H, W] -> [N, 1, H, W].

    Source: Rec. 601 in 16 binary digits, as PIL converts; the result is PIL's to the bit.
    """
    if x.shape[1] == 1:
        return on_grid(x)
    weights = x.new_tensor([19595, 38470, 7471])[:, None, None] / 2**16
    return _rounded((levels(x) * weights).sum(1, keepdim=True)) / 255


def _sketched(x: Tensor) -> Tensor:
    return on_grid(sketch(grey(x)))


def _halved(shape: Shape) -> Shape:
    channels, height, width = shape
    if height % 2 or width % 2 or min(height, width) < 2:
        raise ValueError(f"images of {height} x {width} pixels cannot be downscaled by 2: both sides must be even")
    return channels, height // 2, width // 2


def _one_channel(shape: Shape) -> Shape:
    return 1, *shape[1:]


def _same(shape: Shape) -> Shape:
    return shape


class Transformation(NamedTuple):
    """A fixed map of images [N, C, H, W] in [0, 1] to images of 256 grey levels, and of their shapes (C, H, W)."""

    map: Callable[[Tensor], Tensor]
    shape: Callable[[Shape], Shape]

    def __call__(self, x: Tensor) -> Tensor:
        """Return y = d(x), without a gradient."""
        with torch.no_grad():
            return self.map(x)


TRANSFORMATIONS: dict[str, Transformation] = {
    "downscale": Transformation(downscale, _halved),
    "grey": Transformation(grey, _one_channel),
    "sketch": Transformation(_sketched, _one_channel),
    "identity": Transformation(on_grid, _same),
}
if TYPE_CHECKING:
    TransformationName = str
else:
    TransformationName = Literal[tuple(TRANSFORMATIONS)]
