"""Layers that run both ways through one weight tensor: the forward pass encodes, the reverse pass decodes."""

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.kernels.convolution import conv2d, conv_transpose2d
from models.networks.kinds import Norm

Direction = Literal["both", "forward", "reverse"]
Way = Literal["forward", "reverse"]
Scaling = Callable[[Tensor, int], Tensor]  # a weight, and which of its dimensions are the outputs, to one of its shape


class GNoVa(nn.Module):
    r"""Generalised non-vanishing activation.

    .. math:: a(x) = \alpha x + x \, \sigma(\beta x)

    Source: Eq. 40, BVAE. The derivative of the second term is never below -0.0998, so alpha > 0.0998 makes `a`
    strictly increasing; the paper gives no values.
    """

    def __init__(self, alpha: float = 0.2, beta: float = 1.0):
        super().__init__()
        self.alpha, self.beta = alpha, beta

    def forward(self, x: Tensor) -> Tensor:
        """Activate x, of any shape."""
        gated = F.silu(x) if self.beta == 1.0 else F.silu(self.beta * x) / self.beta  # x sigma(beta x)
        return torch.add(gated, x, alpha=self.alpha)


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


class Junction(nn.Module):
    r"""A linear map in one direction and what follows it: bias or batch normalisation, then the activation.

    .. math:: a(n(\tilde W x + b)), \quad \tilde W_i = g_i W_i \text{ or } g_i W_i / \|W_i\|

    W_i are the weights that lead to output i in this direction, so that two directions on one W have sizes of their
    own; g starts at what keeps the size of x (`gain` of the linear map: the variance of its random weights is that
    for the forward direction). A direction that the network is not trained for (`owned=False`) keeps no parameter and
    no running statistic: W as it is, no bias, or normalisation by the batch's own statistics.
    """

    def __init__(
        self,
        linear: BiConv2d | BiLinear,
        way: Way,
        norm: Norm,
        owned: bool,
        activation: nn.Module | None,
    ):
        super().__init__()
        self.bias: nn.Parameter | None = None
        self.gain: nn.Parameter | None = None
        self.normalise: nn.Module | None = None
        self.unit = norm == "weight"
        shape = linear.out_shape if way == "forward" else linear.in_shape
        if norm == "batch":
            kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            self.normalise = kind(shape[0], affine=owned, track_running_stats=owned)
        elif owned:
            self.bias = nn.Parameter(torch.zeros(shape[0]))
        if owned and norm in ("gain", "weight"):
            size = _size(linear.weight.detach(), 0 if way == "forward" else 1) if self.unit else torch.ones(shape[0])
            self.gain = nn.Parameter(linear.gain(way) * size.flatten())
        self.activation = activation

    def scaled(self, weight: Tensor, outputs: int) -> Tensor:
        """Return the weights of this direction, whose outputs are in dimension `outputs`."""
        assert self.gain is not None
        gain = self.gain.view([-1 if d == outputs else 1 for d in range(weight.dim())])
        return weight * (gain / _size(weight, outputs) if self.unit else gain)

    def forward(self, linear: Callable[[Tensor, Tensor | None, Scaling | None], Tensor], x: Tensor) -> Tensor:
        """Return the result for x; `linear` is the map in this direction."""
        y = linear(x, self.bias, None if self.gain is None else self.scaled)
        y = y if self.normalise is None else self.normalise(y)
        return y if self.activation is None else self.activation(y)


def _size(weight: Tensor, outputs: int) -> Tensor:
    """Return the norms of the weights that lead to each output, of size 1 in the other dimensions."""
    return torch.linalg.vector_norm(weight, dim=[d for d in range(weight.dim()) if d != outputs], keepdim=True)


@torch.no_grad()
def _start_for(direction: Direction, linear: BiConv2d | BiLinear) -> None:
    """Scale random weights to keep the size of their input in the direction, or in the geometric mean of both."""
    ways: tuple[Way, ...] = ("forward", "reverse") if direction == "both" else (direction,)
    linear.weight.mul_(math.prod([linear.gain(way) for way in ways]) ** (1 / len(ways)))


class BiLayer(TwoWay):
    """A linear map with one junction a direction: y = a(n_f(W x)), x^ = a(n_r(W^T y)).

    `bare` names the directions whose result is a mean or a pixel logit: bias only, no activation.
    """

    def __init__(
        self,
        linear: BiConv2d | BiLinear,
        norm: Norm,
        activation: nn.Module,
        direction: Direction,
        bare: tuple[str, ...] = (),
    ):
        super().__init__()
        self.linear = linear
        self.in_shape, self.out_shape = linear.in_shape, linear.out_shape
        if norm == "start":
            _start_for(direction, linear)

        def junction(way: Way) -> Junction:
            owned = direction in ("both", way)
            if way in bare:
                return Junction(linear, way, "bias", owned, None)
            return Junction(linear, way, norm, owned, activation)

        self.after_forward, self.after_reverse = junction("forward"), junction("reverse")

    def forward(self, x: Tensor) -> Tensor:
        """Run the layer forward: [B, *in_shape] -> [B, *out_shape]."""
        return self.after_forward(self.linear, x)

    def reverse(self, y: Tensor) -> Tensor:
        """Run the layer in reverse: [B, *out_shape] -> [B, *in_shape]."""
        return self.after_reverse(self.linear.reverse, y)


class TwoConvolutions(TwoWay):
    r"""The inside of a residual layer, both ways.

    .. math:: R x = n_{2f}(W_2 \, a(n_{1f}(W_1 x))), \quad R^{*} y = n_{1r}(W_1^T a(n_{2r}(W_2^T y)))
    """

    def __init__(self, first: BiConv2d, second: BiConv2d, norm: Norm, activation: nn.Module, direction: Direction):
        super().__init__()
        self.first, self.second, self.activation = first, second, activation
        self.in_shape, self.out_shape = first.in_shape, second.out_shape
        if norm == "start":
            _start_for(direction, first)
            _start_for(direction, second)
        forward, reverse = direction != "reverse", direction != "forward"
        self.after_first = Junction(first, "forward", norm, forward, activation)
        self.after_second = Junction(second, "forward", norm, forward, None)
        self.after_second_reverse = Junction(second, "reverse", norm, reverse, activation)
        self.after_first_reverse = Junction(first, "reverse", norm, reverse, None)

    def inside(self, x: Tensor) -> Tensor:
        """Return R x: [B, *in_shape] -> [B, *out_shape]."""
        return self.after_second(self.second, self.after_first(self.first, x))

    def inside_reverse(self, y: Tensor) -> Tensor:
        """Return R* y: [B, *out_shape] -> [B, *in_shape]."""
        return self.after_first_reverse(self.first.reverse, self.after_second_reverse(self.second.reverse, y))


class BiResidualBlock(TwoConvolutions):
    r"""Two convolutions and a parameter-free skip S, both ways.

    .. math:: y = a(R x + S x), \quad \hat x = a(R^{*} y + S^T y)

    Source: Figure 3b, BVAE. S is the identity where shapes agree; otherwise it keeps every stride-th pixel and
    pads channels with zeros, and S^T, its adjoint, keeps the first channels and puts zeros at the skipped pixels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        size: tuple[int, ...],
        norm: Norm,
        activation: nn.Module,
        direction: Direction,
    ):
        first = BiConv2d(in_channels, out_channels, 3, stride, size)
        second = BiConv2d(out_channels, out_channels, 3, 1, first.out_shape[1:])
        super().__init__(first, second, norm, activation, direction)
        self.stride = stride

    def skip(self, x: Tensor) -> Tensor:
        """Return S x: [B, in, H, W] -> [B, out, H', W']."""
        x = x[:, :, :: self.stride, :: self.stride] if self.stride > 1 else x
        extra = self.out_shape[0] - self.in_shape[0]
        return F.pad(x, (0, 0, 0, 0, 0, extra)) if extra else x

    def skip_reverse(self, y: Tensor) -> Tensor:
        """Return S^T y: [B, out, H', W'] -> [B, in, H, W]."""
        y = y[:, : self.in_shape[0]]
        if self.stride == 1:
            return y
        x = y.new_zeros(y.shape[0], *self.in_shape)
        x[:, :, :: self.stride, :: self.stride] = y
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Run the block forward: [B, in, H, W] -> [B, out, H', W']."""
        return self.activation(self.inside(x) + self.skip(x))

    def reverse(self, y: Tensor) -> Tensor:
        """Run the block in reverse: [B, out, H', W'] -> [B, in, H, W]."""
        return self.activation(self.inside_reverse(y) + self.skip_reverse(y))


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
