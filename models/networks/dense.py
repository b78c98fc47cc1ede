"""Densely connected networks of selfVAE: blocks with channel attention, and what is made of them at several scales."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.kernels.convolution import conv2d, conv_transpose2d
from models.networks.weight_norm import normed

REDUCTION = 8  # of channels inside channel attention


class Conv2d(nn.Conv2d):
    """Torch's convolution of square kernels, small images by the faster way: [B, C, H, W] -> [B, C', H', W']."""

    def forward(self, input: Tensor) -> Tensor:
        return conv2d(input, self.weight, self.bias, self.stride[0], int(self.padding[0]))


class _Doubling(nn.ConvTranspose2d):
    """A transposed convolution that doubles sides, with 3 x 3 kernels: [B, C, H, W] -> [B, C', 2 H, 2 W]."""

    def __init__(self, channels: int, out: int):
        super().__init__(channels, out, 3, 2, 1, output_padding=1)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return conv_transpose2d(input, self.weight, self.bias, 2, 1, [2 * side for side in input.shape[2:]])


class Style(NamedTuple):
    """What Section A.2 of selfVAE chooses: channel attention after each group, weight or batch normalisation, and how
    sides are halved and doubled."""

    attention: bool = True
    batch_norm: bool = False
    pooling: bool = False
    subpixel: bool = False

    def layer(self, convolution: nn.Conv2d | nn.ConvTranspose2d, last: bool = False) -> nn.Module:
        """Return a convolution with its normalisation, which the last of a network has of its weights alone."""
        if not self.batch_norm:
            return normed(convolution)
        return convolution if last else nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels))

    def down(self, channels: int) -> nn.Module:
        """Return what halves sides and doubles channels: a convolution of stride 2, or one of the means of 2 x 2."""
        if not self.pooling:
            return self.layer(Conv2d(channels, 2 * channels, 3, 2, 1))
        return nn.Sequential(nn.AvgPool2d(2), self.layer(Conv2d(channels, 2 * channels, 3, padding=1)))

    def up(self, channels: int) -> nn.Module:
        """Return what doubles sides and halves channels: a transposed convolution of stride 2, or a convolution to four
        times the channels, which are the pixels of 2 x 2 (Eq. 3 of Shi et al. 2016)."""
        half = channels // 2
        if not self.subpixel:
            return self.layer(_Doubling(channels, half))
        return nn.Sequential(self.layer(Conv2d(channels, 4 * half, 3, padding=1)), nn.PixelShuffle(2))


PAPER = Style()


class DenseStep(nn.Module):
    r"""Two convolutions without an activation, whose result is put beside what they saw.

    .. math:: h \leftarrow ELU([h, W_{3 \times 3} W_{1 \times 1} h]), \quad C \to 4G \to G

    Source: Figure 10, selfVAE; G is the growth. [B, C, H, W] -> [B, C + G, H, W].
    """

    def __init__(self, channels: int, growth: int, style: Style = PAPER):
        super().__init__()
        self.narrow = style.layer(Conv2d(channels, 4 * growth, 1))
        self.wide = style.layer(Conv2d(4 * growth, growth, 3, padding=1))

    def forward(self, h: Tensor) -> Tensor:
        return F.elu(torch.cat([h, self.wide(self.narrow(h))], 1))


class ChannelAttention(nn.Module):
    r"""A gate for each channel, from the means of all.

    .. math:: h \leftarrow h \odot \sigma(W_2 W_1 \bar h), \quad C \to C / 8 \to C

    Source: Section A.2, selfVAE (Zhang et al. 2018); nothing is between the two maps, as in the code.
    """

    def __init__(self, channels: int):
        super().__init__()
        inside = max(1, channels // REDUCTION)
        self.squeeze, self.excite = normed(Conv2d(channels, inside, 1)), normed(Conv2d(inside, channels, 1))

    def forward(self, h: Tensor) -> Tensor:
        return h * self.excite(self.squeeze(h.mean((2, 3), keepdim=True))).sigmoid()


class DenseGroup(nn.Sequential):
    """Dense steps, then channel attention (Figure 10, selfVAE): [B, C, H, W] -> [B, C + steps * growth, H, W]."""

    def __init__(self, channels: int, growth: int, steps: int, style: Style = PAPER):
        self.out_channels = channels + steps * growth
        inner = [DenseStep(channels + i * growth, growth, style) for i in range(steps)]
        super().__init__(*inner, *[ChannelAttention(self.out_channels)] * style.attention)


def dense_flat(channels: int, out: int, growth: int, steps: int, groups: int, style: Style = PAPER) -> nn.Sequential:
    """Return groups at one scale, then a 1 x 1 convolution: [B, C, H, W] -> [B, out, H, W]."""
    layers: list[nn.Module] = []
    for _ in range(groups):
        layers.append(DenseGroup(channels, growth, steps, style))
        channels += steps * growth
    return nn.Sequential(*layers, style.layer(Conv2d(channels, out, 1), last=True))


def dense_down(channels: int, out: int, size: tuple[int, int], downs: int, style: Style = PAPER) -> nn.Sequential:
    """Return groups with a step to half the sides between two, which doubles channels, as the growth doubles, and a
    last convolution of 1 x 1: [B, C, H, W] -> [B, out, H / 2^downs, W / 2^downs].

    `size` is the growth of the first group and the steps of each.
    """
    layers: list[nn.Module] = []
    growth, steps = size
    for _ in range(downs):
        layers.append(DenseGroup(channels, growth, steps, style))
        channels += steps * growth
        layers.append(style.down(channels))
        channels, growth = 2 * channels, 2 * growth
    return nn.Sequential(*layers, dense_flat(channels, out, growth, steps, 1, style))


def dense_up(channels: int, out: int, size: tuple[int, int], ups: int, style: Style = PAPER) -> nn.Sequential:
    """Return groups with a step to double the sides after each, which halves channels, as the growth halves, and a last
    convolution of 3 x 3: [B, C, H, W] -> [B, out, H 2^ups, W 2^ups]. Without ups there is one group all the same.

    `size` is the growth of the first group and the steps of each.
    """
    layers: list[nn.Module] = []
    growth, steps = size
    for _ in range(max(1, ups)):
        layers.append(DenseGroup(channels, growth, steps, style))
        channels += steps * growth
        if ups:
            layers.append(style.up(channels))
            channels, growth = channels // 2, max(1, growth // 2)
    return nn.Sequential(*layers, style.layer(Conv2d(channels, out, 3, padding=1), last=True))


def code_maps(latent_dim: int, shape: tuple[int, ...], downs: int) -> tuple[int, int, int]:
    """Return the maps [C, S, S'] that a code of so many numbers is, an image's sides halved `downs` times.

    Raises ValueError where sides cannot be halved so often, or the code is no whole number of such maps.
    """
    height, width = shape[-2:]
    if height % 2**downs or width % 2**downs:
        raise ValueError(f"images of {height} x {width} pixels cannot be halved {downs} times; set fewer")
    height, width = height // 2**downs, width // 2**downs
    if latent_dim % (height * width):
        raise ValueError(f"a code of {latent_dim} numbers is no maps of {height} x {width}: take a multiple")
    return latent_dim // (height * width), height, width
