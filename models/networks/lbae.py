"""The residual network of LBAE as two-way layers: stride-2 convolutions, each but the last followed by a residual unit.

The paper's text gives no layers; they are those of its public code: LeakyReLU 0.02, batch normalisation after every
convolution but the last of each direction, weights drawn from N(0, 0.02^2).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.layers import BiLayer, Direction, Junction, Norm, TwoConvolutions
from models.networks.linear import BiConv2d, TwoWay


class Margin(NamedTuple):
    """Zeros around an image, in pixels; `crop` undoes `pad`."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    def pad(self, x: Tensor) -> Tensor:
        """Add the margin: [B, C, H, W] -> [B, C, top + H + bottom, left + W + right]."""
        return F.pad(x, tuple(self)) if any(self) else x

    def crop(self, x: Tensor) -> Tensor:
        """Take the margin away again."""
        if not any(self):
            return x
        height, width = x.shape[-2:]
        return x[..., self.top : height - self.bottom, self.left : width - self.right]

    def around(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape (C, H, W) with the margin; without one, any shape."""
        if not any(self):
            return shape
        return shape[0], self.top + shape[1] + self.bottom, self.left + shape[2] + self.right


def even_margin(shape: tuple[int, ...], strides: Sequence[int]) -> Margin:
    """Return the margin that brings (C, H, W) to a multiple of the strides' product: MNIST's 28 x 28 to 32 x 32."""
    missing_height, missing_width = (-side % math.prod(strides) for side in shape[1:])
    left, top = missing_width // 2, missing_height // 2
    return Margin(left, missing_width - left, top, missing_height - top)


class BiResidualUnit(TwoConvolutions):
    r"""Two convolutions added to their input before its activation, both ways.

    .. math:: y' = a(y + R \, a(y)), \quad \hat y = a(y' + R^{*} a(y'))

    Source: the residual units of LBAE's code, the reverse as in Figure 3b, BVAE. What comes in, y, is normalised but
    not yet activated; the size stays: [B, C, H, W] -> the same.
    """

    def __init__(self, shape: tuple[int, ...], norm: Norm, activation: nn.Module, direction: Direction):
        first, second = (BiConv2d(shape[0], shape[0], 3, 1, shape[1:]) for _ in range(2))
        super().__init__(first, second, norm, activation, direction)

    def forward(self, x: Tensor) -> Tensor:
        """Run the unit forward."""
        return self.activation(x + self.inside(self.activation(x)))

    def reverse(self, y: Tensor) -> Tensor:
        """Run the unit in reverse."""
        return self.activation(y + self.inside_reverse(self.activation(y)))


def lbae_trunk(
    channels: Sequence[int], strides: Sequence[int], shape: tuple[int, ...], norm: Norm, direction: Direction
) -> list[TwoWay]:
    """Return the layers from the pixels to the last convolution's maps, which a linear layer turns into the code.

    A convolution of stride s has a kernel of s + 2. Forward, the last has neither bias, normalisation nor activation;
    in reverse, the first has a bias only and gives pixel logits, and the unit after each upsampling is the one that
    stands at that size.
    """
    activation = nn.LeakyReLU(0.02)
    layers: list[TwoWay] = []
    for i, (out, stride) in enumerate(zip(channels, strides, strict=True)):
        channels_in, *size = layers[-1].out_shape if layers else shape
        convolution = BiConv2d(channels_in, out, stride + 2, stride, tuple(size))
        layer = BiLayer(convolution, norm, activation, direction, bare=() if layers else ("reverse",))
        last = i == len(channels) - 1
        if i > 0:
            layer.after_forward.activation = None  # the unit after it takes what is not yet activated
        if i > 1:
            layer.after_reverse.activation = None
        if last and i > 0:
            layer.after_forward = Junction(convolution, "forward", "bias", False, None)
        layers.append(layer)
        if i > 0 and not last:
            layers.append(BiResidualUnit(convolution.out_shape, norm, activation, direction))
    if norm == "batch":
        for module in nn.ModuleList(layers).modules():
            if isinstance(module, BiConv2d):
                nn.init.normal_(module.weight, std=0.02)
    return layers
