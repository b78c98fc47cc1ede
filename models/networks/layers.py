"""Layers that run both ways: a linear map with what follows it in each direction, and residual blocks of them."""

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.kinds import Norm
from models.networks.linear import BiConv2d, BiLinear, Scaling, TwoWay, Way

Direction = Literal["both", "forward", "reverse"]


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
