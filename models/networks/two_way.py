"""The networks of the papers and their small forms: one stack of two-way layers, sized from the image shape."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from models.networks.kinds import (
    Convolutions,
    Dense,
    GNoVaConvolutions,
    Layers,
    LBAEConvolutions,
    Network,
    Residual,
    SVAEConvolutions,
)
from models.networks.layers import BiLayer, BiResidualBlock, Direction, GNoVa
from models.networks.lbae import Margin, even_margin, lbae_trunk
from models.networks.linear import BiConv2d, BiLinear, Flatten, MeanPool, Stack, TwoWay
from models.networks.own import checked


class Autocast:
    """Of a network: with `precision` set, its layers compute in that type by torch's autocast."""

    precision: torch.dtype | None = None

    def autocast(self, x: Tensor) -> AbstractContextManager[object]:
        """Return the context to compute in; x is on the device that it is for."""
        return nullcontext() if self.precision is None else torch.autocast(x.device.type, self.precision)

    def cast(self, x: Tensor) -> Tensor:
        """Return x in the type of the layers' own weights, unless autocast sees to it."""
        if self.precision is not None or not isinstance(self, nn.Module):
            return x
        return x.to(next(self.parameters()).dtype)

    def full(self, x: Tensor) -> Tensor:
        """Return what autocast gave as float32; results of layers that are of another type themselves stay in it."""
        return x if self.precision is None else as_float32(x)


class BidirectionalNetwork(Autocast, nn.Module):
    r"""One parameter set {N, W, V}, run forward to encode and in reverse to decode.

    .. math:: \mu = W N(x), \quad \ln \sigma^2 = V N(x), \quad a_x = N^T(W^T z)

    Source: Algorithm 1, BVAE. `direction` says which passes will be trained: a unidirectional model has one
    "forward" network (no reverse biases or norms) and one "reverse" network (no V, no forward biases or norms).
    Without `log_variance` there is no V: the code is a point. LBAE's network adds a margin of zeros to the image.
    Where p(x|z) takes more numbers a pixel than the image has channels, they are its `numbers`: a network for both
    directions has as many channels at the pixels, and the image is the first of them forward, the others 0.
    `own` stands for N: a network of the user's own; W, V and what follows W^T are of the configuration still.
    With `precision` set, the layers compute in that type by torch's autocast; results are float32 always.
    Raises ValueError if the image is too small for the strides to leave a pixel.
    """

    def __init__(
        self,
        config: Network,
        input_dim: tuple[int, ...],
        latent_dim: int,
        direction: Direction,
        log_variance: bool = True,
        numbers: int | None = None,
        own: TwoWay | None = None,
    ):
        super().__init__()
        if isinstance(config, Dense):
            raise ValueError("a dense network runs one way; leave out the variants bidirectional and control")
        self.direction = direction
        channels, *size = input_dim
        ends = channels if numbers is None or direction == "forward" else numbers
        self.margin = Margin()
        if isinstance(config, LBAEConvolutions) and own is None:
            self.margin = even_margin(input_dim, config.strides)
        self.unseen = ends - channels if own is not None else 0
        trunk = own_trunk(own, (ends, *size)) if own else _trunk(config, self.margin.around((ends, *size)), direction)
        self.trunk = Stack(*trunk)
        features = trunk[-1].out_shape[0]
        activation = _activation(config)
        bare = ("forward", "reverse") if isinstance(config, LBAEConvolutions) else ("forward",)
        self.mean = BiLayer(BiLinear(features, latent_dim), config.norm, activation, direction, bare)
        self.log_variance = nn.Linear(features, latent_dim) if log_variance and direction != "reverse" else None
        if self.log_variance is not None:
            nn.init.xavier_normal_(self.log_variance.weight)
            nn.init.zeros_(self.log_variance.bias)
        if direction == "both" and ends > channels and own is None:
            _start_as_alone(trunk, ends / channels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode: pixels [B, C, H, W] -> posterior mean [B, L] and log-variance [B, L]."""
        if self.log_variance is None:
            raise RuntimeError("a network of point codes or of the reverse pass alone has no log-variance head")
        with self.autocast(x):
            h = self._features(x)
            mean, log_variance = self.mean(h), self.log_variance(h)
        return self.full(mean), self.full(log_variance)

    def point(self, x: Tensor) -> Tensor:
        """Encode by the mean head alone: pixels [B, C, H, W] -> [B, L]."""
        with self.autocast(x):
            return self.full(self.mean(self._features(x)))

    def _features(self, x: Tensor) -> Tensor:
        h = self.margin.pad(self.cast(x))
        return self.trunk(torch.cat([h, h.new_zeros(len(h), self.unseen, *h.shape[2:])], 1) if self.unseen else h)

    def reverse(self, z: Tensor, *, crop: bool = True) -> Tensor:
        """Decode: latent [B, L] -> pixel logits [B, C, H, W], without the margin or (crop=False) with it.

        With `numbers`, these are in the place of the C channels.
        """
        with self.autocast(z):
            h = self.trunk.reverse(self.mean.reverse(self.cast(z)))
        return self.full(self.margin.crop(h) if crop else h)


def own_trunk(own: TwoWay, shape: tuple[int, ...]) -> list[TwoWay]:
    """Return a network of the user's own as layers to flat features; raises ValueError where it is none."""
    out = tuple(checked(own, shape).out_shape)
    return [own] if len(out) == 1 else [own, Flatten(out)]


def as_float32(x: Tensor) -> Tensor:
    """Return bfloat16 results as float32."""
    return x.float() if x.dtype == torch.bfloat16 else x


@torch.no_grad()
def _start_as_alone(trunk: list[TwoWay], times: float) -> None:
    """Draw the first layer's weights of the image's own channels, as if there were not so many times as many."""
    weight = next(layer.linear.weight for layer in trunk if isinstance(layer, BiLayer))
    weight[:, : round(weight.shape[1] / times)] *= math.sqrt(times)


def _activation(config: Layers) -> nn.Module:
    if isinstance(config, GNoVaConvolutions):
        return GNoVa(config.alpha, config.beta)
    return nn.ReLU() if isinstance(config, SVAEConvolutions) else nn.Tanh()


def _trunk(config: Layers, shape: tuple[int, ...], direction: Direction) -> list[TwoWay]:
    """Return the layers from the pixels to the features that feed the heads."""
    activation = _activation(config)
    layers = _convolutions(config, shape, direction, activation) if isinstance(config, Convolutions) else []
    pool = isinstance(config, Convolutions) and config.pool
    layers.append((MeanPool if pool else Flatten)(layers[-1].out_shape if layers else shape))
    for units in config.hidden:
        dense = BiLinear(layers[-1].out_shape[0], config.scaled(units))
        bare: tuple[str, ...] = ("reverse",) if len(layers) == 1 else ()  # right after the pixels
        layers.append(BiLayer(dense, config.norm, activation, direction, bare))
    return layers


def _convolutions(
    config: Convolutions, shape: tuple[int, ...], direction: Direction, activation: nn.Module
) -> list[TwoWay]:
    """Return the convolutions; none where there are no channels."""
    kernel = 5 if isinstance(config, SVAEConvolutions) else 3
    channels = [config.scaled(c) for c in config.channels]
    layers: list[TwoWay] = []

    def conv(out: int, stride: int) -> None:
        c, *size = layers[-1].out_shape if layers else shape
        bare = () if layers else ("reverse",)
        linear = BiConv2d(c, out, kernel, stride, tuple(size))
        layers.append(BiLayer(linear, config.norm, activation, direction, bare))

    if isinstance(config, LBAEConvolutions):
        if config.kind == "lbae-code" and direction == "reverse":
            channels[-1] = 1 if shape[0] == 1 else channels[-2]
        return lbae_trunk(channels, config.strides, shape, config.norm, direction)
    if not isinstance(config, Residual):
        for out, stride in zip(channels, config.strides, strict=True):
            conv(out, stride)
        return layers
    conv(channels[0], config.strides[0])
    for out, stage_stride in zip(channels, config.strides[1:], strict=True):
        for block in range(config.blocks):
            c, *size = layers[-1].out_shape
            stride = stage_stride if block == 0 else 1
            layers.append(BiResidualBlock(c, out, stride, tuple(size), config.norm, activation, direction))
    return layers


class _Unfilled(TorchFunctionMode):
    """Leaves tensors as they are where they would be filled, and norms of weights as empty as these."""

    FILLS: tuple[Callable[..., Any], ...] = (Tensor.normal_, Tensor.uniform_, Tensor.fill_, Tensor.zero_)
    FILLS += (nn.init.normal_, nn.init.uniform_, nn.init.constant_, nn.init.kaiming_uniform_)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.norm_except_dim:
            weight, _, dim = args
            return weight.new_empty([n if i == dim else 1 for i, n in enumerate(weight.shape)])
        return (args[0] if args else kwargs["tensor"]) if func in self.FILLS else func(*args, **kwargs)


@contextmanager
def without_compiler() -> Iterator[None]:
    """Keep torch from importing its compiler, which takes seconds, where it tells it to leave a function alone: so do
    the kernels that say which shapes they return."""
    if "torch._dynamo" in sys.modules:
        yield
        return
    stand_in = ModuleType("torch._dynamo")
    stand_in.disable = lambda function, *_, **__: function  # type: ignore[attr-defined]
    sys.modules[stand_in.__name__] = stand_in
    try:
        yield
    finally:
        del sys.modules[stand_in.__name__]


@contextmanager
def shapes_alone() -> Iterator[None]:
    """Build modules without memory for their weights."""
    with without_compiler(), torch.device("meta"), _Unfilled():
        yield


def count_parameters(module: nn.Module) -> int:
    """Return the number of distinct trainable scalars; shared tensors count once."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def unidirectional_parameters(
    config: Network, input_dim: tuple[int, ...], latent_dim: int, numbers: int | None = None
) -> int:
    """Return the parameters of an encoder-decoder pair of this shape, without allocating them."""
    with shapes_alone():
        ways: tuple[Direction, ...] = ("forward", "reverse")
        pair = (BidirectionalNetwork(config, input_dim, latent_dim, way, numbers=numbers) for way in ways)
        return sum(map(count_parameters, pair))


@cache
def matched_width(config: Network, input_dim: tuple[int, ...], latent_dim: int, numbers: int | None = None) -> Network:
    """Return `config` narrowed until its unidirectional pair has the bidirectional network's parameters.

    Bisects the width; sizes are integers, so the nearest width is kept. Raises ValueError where no width comes
    within 2 % (networks of a few units).
    """
    with shapes_alone():
        target = count_parameters(BidirectionalNetwork(config, input_dim, latent_dim, "both", numbers=numbers))
    low, high = config.width * 0.1, config.width
    best, best_error = config, math.inf
    for _ in range(40):
        width = (low + high) / 2
        candidate = replace(config, width=width)
        count = unidirectional_parameters(candidate, input_dim, latent_dim, numbers)
        error = abs(count / target - 1)
        if error < best_error:
            best, best_error = candidate, error
        low, high = (width, high) if count < target else (low, width)
    if best_error > 0.02:
        raise ValueError(f"no width brings {count} parameters within 2 % of {target}")
    return best
