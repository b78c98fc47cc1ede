"""Linear maps on one weight tensor, or none, that run both ways: W forward, its adjoint in reverse."""

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.kernels.convolution import conv2d, conv_transpose2d

Way = Literal["forward", "reverse"]
Scaling = Callable[[Tensor, int], Tensor]  # a weight, and which of its dimensions are the outputs, to one of its shape


class TwoWay(nn.Module):
    """A layer that maps `in_shape` to `out_shape` forward, and back in reverse (shapes without the batch)."""

    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]

    def reverse(self, y: Tensor) -> Tensor:
        """Run in reverse: [B, *out_shape] -> [B, *in_shape]."""
        raise NotImplementedError


class Stack(nn.Sequential):
    """Two-way layers one after another, and in reverse the last one first."""

    def reverse(self, y: Tensor) -> Tensor:
        """Run all in reverse."""
        for layer in reversed(self):
            assert isinstance(layer, TwoWay)
            y = layer.reverse(y)
        return y


class BiConv2d(TwoWay):
    r"""Convolution and its exact adjoint on one tensor :math:`W` of shape [out, in, k, k].

    .. math:: \langle W * x, y \rangle = \langle x, W^{*} * y \rangle

    Source: Section IV.C and Figure 3a, BVAE. The padding is (k - 1) / 2; the reverse restores the input size for every
    stride. Forward, an image of fewer channels than `in` stands for one whose last channels are 0.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, size: tuple[int, ...]):
        super().__init__()
        self.in_shape = (in_channels, *size)
        self.stride, self.padding = stride, (kernel - 1) // 2
        self.out_shape = (out_channels, *((side + 2 * self.padding - kernel) // stride + 1 for side in size))
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_in", nonlinearity="relu")

    def forward(self, x: Tensor, bias: Tensor | None = None, scaled: Scaling | None = None) -> Tensor:
        """Return W * x + bias: [B, in, H, W] -> [B, out, H', W']."""
        weight = self.weight if x.shape[1] == self.in_shape[0] else self.weight[:, : x.shape[1]]
        return conv2d(x, scaled(weight, 0) if scaled else weight, bias, self.stride, self.padding)

    def reverse(self, y: Tensor, bias: Tensor | None = None, scaled: Scaling | None = None) -> Tensor:
        """Return the adjoint applied to y, plus bias: [B, out, H', W'] -> [B, in, H, W]."""
        weight = scaled(self.weight, 1) if scaled else self.weight
        return conv_transpose2d(y, weight, bias, self.stride, self.padding, self.in_shape[1:])

    def gain(self, way: Way) -> float:
        r"""Return 1 forward, :math:`\sqrt{c_{in} s^2 / c_{out}}` in reverse (:class:`Junction`)."""
        out, channels = self.weight.shape[:2]
        return 1.0 if way == "forward" else self.stride * math.sqrt(channels / out)


class BiLinear(TwoWay):
    r"""Matrix :math:`W` forward, :math:`W^T` in reverse, on one tensor of shape [out, in]."""

    def __init__(self, in_features: int, out_features: int):
        super().__init__()
        self.in_shape, self.out_shape = (in_features,), (out_features,)
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.xavier_normal_(self.weight)

    def forward(self, x: Tensor, bias: Tensor | None = None, scaled: Scaling | None = None) -> Tensor:
        """Return W x + bias: [B, in] -> [B, out]; fewer inputs than `in` stand for some whose last ones are 0."""
        weight = scaled(self.weight, 0) if scaled else self.weight
        return F.linear(x, weight if x.shape[1] == self.in_shape[0] else weight[:, : x.shape[1]], bias)

    def reverse(self, y: Tensor, bias: Tensor | None = None, scaled: Scaling | None = None) -> Tensor:
        """Return W^T y + bias: [B, out] -> [B, in]."""
        return F.linear(y, (scaled(self.weight, 1) if scaled else self.weight).t(), bias)

    def gain(self, way: Way) -> float:
        r"""Return :math:`\sqrt{(n_{in} + n_{out}) / 2n}`, n what a unit of this direction sums over."""
        out, features = self.weight.shape
        return math.sqrt((out + features) / (2 * (features if way == "forward" else out)))


class MeanPool(TwoWay):
    """Mean over all pixels forward; its adjoint, the broadcast divided by the number of pixels, in reverse."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.in_shape, self.out_shape = shape, (shape[0],)

    def forward(self, x: Tensor) -> Tensor:
        """Return the spatial mean: [B, C, H, W] -> [B, C]."""
        return x.mean(dim=(2, 3))

    def reverse(self, y: Tensor) -> Tensor:
        """Return the broadcast: [B, C] -> [B, C, H, W]."""
        _, height, width = self.in_shape
        return (y / (height * width))[:, :, None, None].expand(-1, -1, height, width)


class Flatten(TwoWay):
    """[B, C, H, W], or any other shape, -> [B, C * H * W] forward, the reshape back in reverse."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.in_shape, self.out_shape = shape, (math.prod(shape),)

    def forward(self, x: Tensor) -> Tensor:
        """Flatten x."""
        return x.flatten(1)

    def reverse(self, y: Tensor) -> Tensor:
        """Undo the flattening."""
        return y.unflatten(1, self.in_shape)
