"""The networks of the symmetric VAE for images: those of its Table 3, or narrower."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.models import BaseAEConfig
from torch import Tensor, nn

from models.bidirectional import Decoder, Encoder
from models.distributions.densities import Bernoulli, Gaussian, UnitGaussian
from models.networks.kinds import SVAEConvolutions
from models.networks.linear import TwoWay
from models.networks.two_way import Autocast, BidirectionalNetwork, as_float32
from models.noise import Noise


@dataclass(config=ConfigDict(extra="forbid"), frozen=True)
class SymmetricNetworkConfig:
    """Sizes of the three networks; the defaults are the paper's for MNIST (Table 3, sVAE).

    encoder_channels        of the 5 x 5 convolutions of stride 2, each with batch normalisation and ReLU
    encoder_hidden          linear layers after them, normalised, with ReLU (of which Table 3 says nothing)
    decoder_channels        of the decoder's transposed convolutions, in the encoder's order: the last is first
    decoder_hidden          linear layers before them, in the encoder's order
    discriminator_channels  as for the encoder
    discriminator_code      units of the layer that the code goes through, with ReLU; a linear map of both gives f
    dropout                 of the discriminator's features; the paper names dropout and no rate
    initialisation          of every weight: "xavier" (uniform), as in the paper; "normal", N(0, 0.02^2)

    The encoder has a Gaussian head, whose noise is the only one (Table 3 prints none), and pairs have the decoder's
    mean. A bidirectional model's one network has the encoder's sizes and is read backwards. Inputs of another shape
    than [C, H, W] go through the linear layers alone, and to the discriminator's last one as they are.
    """

    encoder_channels: tuple[int, ...] = (16, 32)
    encoder_hidden: tuple[int, ...] = (784,)
    decoder_channels: tuple[int, ...] = (64, 64)
    decoder_hidden: tuple[int, ...] = (1024,)
    discriminator_channels: tuple[int, ...] = (32, 64, 128)
    discriminator_code: int = 1024
    dropout: float = 0.0
    initialisation: Literal["xavier", "normal"] = "xavier"

    def __post_init__(self) -> None:
        sizes = (*self.encoder_channels, *self.encoder_hidden, *self.decoder_channels, *self.decoder_hidden)
        if min((*sizes, *self.discriminator_channels, self.discriminator_code)) < 1:
            raise ValueError("channels and hidden sizes must be positive")
        if not (self.encoder_channels and self.decoder_channels and self.discriminator_channels):
            raise ValueError("each network needs at least one convolution")
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout must be at least 0 and less than 1")


class SampledEncoder(Encoder):
    """q(z|x), Gaussian."""

    def draw(self, x: Tensor, noise: Noise = None) -> Tensor:
        """Return z ~ q(z|x): [B, C, H, W] -> [B, L]."""
        return Gaussian(*self.network(x)).rsample(1, noise)[:, 0]

    def error(self, z: Tensor, x: Tensor, noise: Noise = None) -> Tensor:
        """Return -ln q(z|x) in nats: [B]."""
        return -Gaussian(*self.network(x)).log_prob(z[:, None])[:, 0]


class MeanDecoder(Decoder):
    """p(x|z), of which pairs have the mean: Bernoulli ("bce"), or Gaussian of unit variance ("mse")."""

    def draw(self, z: Tensor, noise: Noise = None) -> Tensor:
        """Return E[x|z]: [B, L] -> [B, C, H, W]."""
        return self.logits(z).sigmoid()

    def error(self, x: Tensor, z: Tensor, noise: Noise = None) -> Tensor:
        """Return -ln p(x|z) in nats: [B]."""
        logits = self.logits(z)
        p_x = Bernoulli(logits) if self.likelihood == "bce" else UnitGaussian(logits.sigmoid())
        return -p_x.log_prob(x)


class Discriminator(Autocast, nn.Module):
    """f(x, z): convolutions of x, beside a layer of z, into one number."""

    def __init__(self, config: SymmetricNetworkConfig, shape: tuple[int, ...], latent_dim: int):
        super().__init__()
        layers: list[nn.Module] = []
        size = shape[1:]
        for inputs, outputs in pairwise((shape[0], *config.discriminator_channels)) if len(shape) == 3 else ():
            layers += [nn.Conv2d(inputs, outputs, 5, 2, 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            size = tuple(-(-side // 2) for side in size)
        self.of_image = nn.Sequential(*layers, nn.Flatten())
        self.of_code = nn.Sequential(nn.Linear(latent_dim, config.discriminator_code), nn.ReLU())
        seen = config.discriminator_channels[-1] * math.prod(size) if layers else math.prod(shape)
        features = seen + config.discriminator_code
        self.head = nn.Sequential(*[nn.Dropout(config.dropout)] * (config.dropout > 0), nn.Linear(features, 1))

    def forward(self, x: Tensor, z: Tensor, noise: Noise = None) -> Tensor:
        """Return f of pairs x [B, C, H, W], z [B, L]: [B]."""
        with self.autocast(x):
            features = torch.cat([self.of_image(x), self.of_code(z)], 1)
            return as_float32(self.head(features))[:, 0]


def networks_of(
    config: BaseAEConfig, *, shared: bool, own: TwoWay | None = None
) -> tuple[SampledEncoder, MeanDecoder, Discriminator]:
    """Return encoder, decoder and discriminator of a configuration, the first two on one network if `shared`.

    That is one of the user's `own` where it is given, whose weights stay as they are.
    """
    network, shape, latent = config.network, config.input_dim, config.latent_dim
    of_encoder, of_decoder = (
        SVAEConvolutions(channels=channels, strides=(2,) * len(channels), hidden=hidden, norm="batch")
        for channels, hidden in (
            (network.encoder_channels if len(shape) == 3 else (), network.encoder_hidden),
            (network.decoder_channels if len(shape) == 3 else (), network.decoder_hidden),
        )
    )
    forward = BidirectionalNetwork(of_encoder, shape, latent, "both" if shared else "forward", own=own)
    reverse = forward if shared else BidirectionalNetwork(of_decoder, shape, latent, "reverse")
    discriminator = Discriminator(network, shape, latent)
    kept = [forward.trunk] if own is not None else []
    initialise(nn.ModuleList([forward, reverse, discriminator]), network.initialisation, kept)
    return SampledEncoder(forward), MeanDecoder(reverse, config.reconstruction_loss), discriminator


def initialise(network: nn.Module, how: str, kept: Sequence[nn.Module] = ()) -> None:
    """Draw every weight of two axes or more anew, and set linear maps' biases to zero; `kept` ones stay."""
    still = {id(p) for module in kept for p in module.parameters()}
    for name, parameter in network.named_parameters():
        if id(parameter) in still:
            continue
        if parameter.ndim >= 2:
            nn.init.xavier_uniform_(parameter) if how == "xavier" else nn.init.normal_(parameter, std=0.02)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
