"""Perceptrons of the symmetric VAE's toy study: encoder, decoder and discriminator for points of a plane."""

import math
from itertools import pairwise

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.models import BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor, nn

from models.noise import Noise, normal
from models.svae.networks import initialise


@dataclass(config=ConfigDict(extra="forbid"), frozen=True)
class PlaneNetworkConfig:
    """Hidden sizes of perceptrons with ReLU for points of a plane (papers: ALICE).

    encoder, decoder take `noise` standard normal numbers beside their input; the discriminator takes x and z
    """

    encoder: tuple[int, ...] = (256, 256)
    decoder: tuple[int, ...] = (256, 256)
    discriminator: tuple[int, ...] = (256, 256)
    noise: int = 2

    def __post_init__(self) -> None:
        if min((*self.encoder, *self.decoder, *self.discriminator, self.noise)) < 1:
            raise ValueError("hidden sizes and the number of noise inputs must be positive")
        if not (self.encoder and self.decoder and self.discriminator):
            raise ValueError("each network needs at least one hidden layer")


class NoisyPerceptron(nn.Module):
    """A perceptron of an input and noise."""

    def __init__(self, inputs: int, outputs: int, hidden: tuple[int, ...], noise: int):
        super().__init__()
        self.noise = noise
        self.layers = perceptron(inputs + noise, *hidden, outputs)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Return the value at x [B, inputs] and noise [B, n]: [B, outputs]."""
        return self.layers(torch.cat([x, noise], 1))


class NoisyEncoder(BaseEncoder):
    """z = E(x, e), e ~ N(0, I): no density. Its code of x is E(x, 0)."""

    def __init__(self, network: NoisyPerceptron):
        super().__init__()
        self.perceptron = network

    def forward(self, x: Tensor) -> ModelOutput:
        """Return `embedding`, E(x, 0): [B, 1, 1, D] -> [B, L]."""
        return ModelOutput(embedding=self.perceptron(x.flatten(1), x.new_zeros(len(x), self.perceptron.noise)))

    def draw(self, x: Tensor, noise: Noise = None) -> Tensor:
        """Return z = E(x, e): [B, 1, 1, D] -> [B, L]."""
        return self.perceptron(x.flatten(1), normal((len(x), self.perceptron.noise), noise, x.device))

    def error(self, z: Tensor, x: Tensor, noise: Noise = None) -> Tensor:
        """Return the mean squared difference of z and E(x, e), which stands in for -ln q(z|x): [B]."""
        return (z - self.draw(x, noise)).square().mean(1)


class NoisyDecoder(BaseDecoder):
    """x = G(z, e), e ~ N(0, I): no density. Its point for z is G(z, 0)."""

    def __init__(self, network: NoisyPerceptron, shape: tuple[int, ...]):
        super().__init__()
        self.perceptron, self.shape = network, tuple(shape)

    def forward(self, z: Tensor) -> ModelOutput:
        """Return `reconstruction`, G(z, 0): [B, L] -> [B, 1, 1, D]."""
        return ModelOutput(reconstruction=self._of(z, z.new_zeros(len(z), self.perceptron.noise)))

    def _of(self, z: Tensor, noise: Tensor) -> Tensor:
        return self.perceptron(z, noise).unflatten(1, self.shape)

    def draw(self, z: Tensor, noise: Noise = None) -> Tensor:
        """Return x = G(z, e): [B, L] -> [B, 1, 1, D]."""
        return self._of(z, normal((len(z), self.perceptron.noise), noise, z.device))

    def error(self, x: Tensor, z: Tensor, noise: Noise = None) -> Tensor:
        """Return the mean squared difference of x and G(z, e), which stands in for -ln p(x|z): [B]."""
        return (x - self.draw(z, noise)).flatten(1).square().mean(1)


class PlaneDiscriminator(nn.Module):
    """f(x, z), a perceptron of both."""

    def __init__(self, config: PlaneNetworkConfig, dimensions: int, latent_dim: int):
        super().__init__()
        self.layers = perceptron(dimensions + latent_dim, *config.discriminator, 1)

    def forward(self, x: Tensor, z: Tensor, noise: Noise = None) -> Tensor:
        """Return f of pairs x [B, 1, 1, D], z [B, L]: [B]."""
        return self.layers(torch.cat([x.flatten(1), z], 1))[:, 0]


def plane_networks(config: BaseAEConfig) -> tuple[NoisyEncoder, NoisyDecoder, PlaneDiscriminator]:
    """Return encoder, decoder and discriminator of a model's configuration."""
    network, latent, dimensions = config.network, config.latent_dim, math.prod(config.input_dim)
    encoder = NoisyEncoder(NoisyPerceptron(dimensions, latent, network.encoder, network.noise))
    decoder = NoisyDecoder(NoisyPerceptron(latent, dimensions, network.decoder, network.noise), config.input_dim)
    return encoder, decoder, PlaneDiscriminator(network, dimensions, latent)


def perceptron(*sizes: int) -> nn.Sequential:
    """Return linear layers of these sizes with ReLU between them, by Xavier's uniform initialisation."""
    first, *others = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    network = nn.Sequential(first, *(module for linear in others for module in (nn.ReLU(), linear)))
    initialise(network, "xavier")
    return network
