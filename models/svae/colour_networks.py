"""The networks of the symmetric VAE for colour images: Tables 4 and 5, with noise where ALICE's code has it."""

import math
from itertools import pairwise
from typing import Literal

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.models import BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor, nn

from models.networks.two_way import Autocast, as_float32
from models.noise import Noise, normal, uniform
from models.svae.networks import SymmetricNetworkConfig, initialise

LEAK = 0.2


@dataclass(config=ConfigDict(extra="forbid"), frozen=True)
class ColourNetworkConfig(SymmetricNetworkConfig):
    """Sizes as of a `SymmetricNetworkConfig`; the defaults are the paper's for CIFAR-10 (Table 5, sVAE).

    encoder_kernel   side of the encoder's convolutions (4 on CelebA, Table 4)
    decoder_channels of the map that the decoder's convolutions start from (the last), and of the next ones
    decoder_leak     slope of the decoder's convolutions below zero: 0 is ReLU (0.2 on CelebA)
    noise            numbers of noise beside a code; beside an image there is one more channel
    noise_law        of all of it: "uniform", U(-1, 1), or "normal", N(0, 1); the paper names none
    critic_noise     whether the discriminator takes noise too
    critic_pool      whether its features of the image are averaged over 2 x 2 places

    The encoder has no head for a variance: its code is tanh of the last layer, in [-1, 1]. Its linear layers are not
    normalised. The defaults of the last three are those of ALICE's code; the paper prints neither noise nor an average
    in the discriminator.
    """

    encoder_channels: tuple[int, ...] = (32, 64, 128, 256)
    encoder_hidden: tuple[int, ...] = (512,)
    encoder_kernel: int = 5
    decoder_channels: tuple[int, ...] = (128, 256, 512)
    decoder_hidden: tuple[int, ...] = ()
    decoder_leak: float = 0.0
    discriminator_channels: tuple[int, ...] = (64, 128, 256, 512)
    discriminator_code: int = 512
    noise: int = 20
    noise_law: Literal["uniform", "normal"] = "uniform"
    critic_noise: bool = True
    critic_pool: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.encoder_kernel not in (4, 5):
            raise ValueError("encoder_kernel must be 4 or 5")
        if self.noise < 1 or not 0 <= self.decoder_leak < 1:
            raise ValueError("noise must be positive, decoder_leak at least 0 and less than 1")


def of_law(law: str, shape: tuple[int, ...], noise: Noise, like: Tensor) -> Tensor:
    """Return noise of U(-1, 1) or N(0, 1) on the device of a tensor."""
    return normal(shape, noise, like.device) if law == "normal" else 2 * uniform(shape, noise, like.device) - 1


def beside_image(x: Tensor, noise: Tensor) -> Tensor:
    """Return pixels in [-1, 1] with a channel of noise: x [B, C, H, W] in [0, 1], noise [B, 1, H, W]."""
    return torch.cat([2 * x - 1, noise], 1)


class ColourEncoder(Autocast, BaseEncoder):
    """z = tanh E(x, e), e drawn: no density. Its code of x is that of e = 0."""

    def __init__(self, config: ColourNetworkConfig, shape: tuple[int, ...], latent_dim: int):
        super().__init__()
        self.law = config.noise_law
        kernel, padding = config.encoder_kernel, (config.encoder_kernel - 1) // 2
        layers: list[nn.Module] = []
        size = shape[1:]
        for inputs, outputs in pairwise((shape[0] + 1, *config.encoder_channels)):
            layers += [nn.Conv2d(inputs, outputs, kernel, 2, padding, bias=False), nn.BatchNorm2d(outputs)]
            layers += [nn.LeakyReLU(LEAK)]
            size = tuple((side + 2 * padding - kernel) // 2 + 1 for side in size)
        layers.append(nn.Flatten())
        units = (config.encoder_channels[-1] * math.prod(size), *config.encoder_hidden)
        for inputs, outputs in pairwise(units):
            layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(LEAK)]
        self.layers = nn.Sequential(*layers, nn.Linear(units[-1], latent_dim), nn.Tanh())

    def forward(self, x: Tensor) -> ModelOutput:
        """Return `embedding`, the code without noise: [B, C, H, W] -> [B, L]."""
        return ModelOutput(embedding=self._of(x, torch.zeros_like(x[:, :1])))

    def _of(self, x: Tensor, noise: Tensor) -> Tensor:
        with self.autocast(x):
            return as_float32(self.layers(beside_image(x, noise)))

    def draw(self, x: Tensor, noise: Noise = None) -> Tensor:
        """Return z = E(x, e): [B, C, H, W] -> [B, L]."""
        return self._of(x, of_law(self.law, (len(x), 1, *x.shape[2:]), noise, x))

    def error(self, z: Tensor, x: Tensor, noise: Noise = None) -> Tensor:
        """Return the mean absolute difference of z and E(x, e), which stands in for -ln q(z|x): [B]."""
        return (z - self.draw(x, noise)).abs().mean(1)


class ColourDecoder(Autocast, BaseDecoder):
    """x = G(z, e), e drawn: no density. Its image of z is that of e = 0."""

    def __init__(self, config: ColourNetworkConfig, shape: tuple[int, ...], latent_dim: int):
        super().__init__()
        self.noise, self.law = config.noise, config.noise_law
        channels = (*config.decoder_channels[::-1], shape[0])
        sizes = [tuple(shape[1:])]
        for _ in channels[1:]:
            sizes.insert(0, tuple(-(-side // 2) for side in sizes[0]))
        layers: list[nn.Module] = []
        units = (latent_dim + config.noise, *config.decoder_hidden[::-1])
        for inputs, outputs in pairwise(units):
            layers += [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.LeakyReLU(LEAK)]
        layers += [nn.Linear(units[-1], channels[0] * math.prod(sizes[0]), bias=False)]
        layers += [nn.Unflatten(1, (channels[0], *sizes[0])), nn.BatchNorm2d(channels[0]), nn.LeakyReLU(LEAK)]
        for (inputs, outputs), (small, large) in zip(pairwise(channels), pairwise(sizes), strict=True):
            more = (large[0] - 2 * small[0] + 1, large[1] - 2 * small[1] + 1)
            last = large is sizes[-1]
            layers += [nn.ConvTranspose2d(inputs, outputs, 5, 2, 2, more, bias=last)]
            layers += [nn.Tanh()] if last else [nn.BatchNorm2d(outputs), nn.LeakyReLU(config.decoder_leak)]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> ModelOutput:
        """Return `reconstruction`, the image without noise: [B, L] -> [B, C, H, W] in [0, 1]."""
        return ModelOutput(reconstruction=self._of(z, z.new_zeros(len(z), self.noise)))

    def _of(self, z: Tensor, noise: Tensor) -> Tensor:
        with self.autocast(z):
            return (as_float32(self.layers(torch.cat([z, noise], 1))) + 1) / 2

    def draw(self, z: Tensor, noise: Noise = None) -> Tensor:
        """Return x = G(z, e): [B, L] -> [B, C, H, W] in [0, 1]."""
        return self._of(z, of_law(self.law, (len(z), self.noise), noise, z))

    def error(self, x: Tensor, z: Tensor, noise: Noise = None) -> Tensor:
        """Return the mean absolute difference of x and G(z, e), which stands in for -ln p(x|z), of pixels as ALICE's
        code has them, in [-1, 1]: [B]."""
        return 2 * (x - self.draw(z, noise)).abs().flatten(1).mean(1)


class ColourDiscriminator(Autocast, nn.Module):
    """f(x, z): convolutions of x and a layer of z, each beside noise where it takes that, into one number."""

    def __init__(self, config: ColourNetworkConfig, shape: tuple[int, ...], latent_dim: int):
        super().__init__()
        self.noise, self.law = config.noise if config.critic_noise else 0, config.noise_law
        layers: list[nn.Module] = []
        size = shape[1:]
        for inputs, outputs in pairwise((shape[0] + config.critic_noise, *config.discriminator_channels)):
            layers += [nn.Conv2d(inputs, outputs, 5, 2, 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            size = tuple(-(-side // 2) for side in size)
        if config.critic_pool and min(size) >= 2:
            layers.append(nn.AvgPool2d(2))
            size = tuple(side // 2 for side in size)
        self.of_image = nn.Sequential(*layers, nn.Flatten())
        self.of_code = nn.Sequential(nn.Linear(latent_dim + self.noise, config.discriminator_code), nn.ReLU())
        features = config.discriminator_channels[-1] * math.prod(size) + config.discriminator_code
        self.head = nn.Sequential(*[nn.Dropout(config.dropout)] * (config.dropout > 0), nn.Linear(features, 1))

    def forward(self, x: Tensor, z: Tensor, noise: Noise = None) -> Tensor:
        """Return f of pairs x [B, C, H, W], z [B, L]: [B]."""
        image, code = 2 * x - 1, z
        if self.noise:
            image = beside_image(x, of_law(self.law, (len(x), 1, *x.shape[2:]), noise, x))
            code = torch.cat([z, of_law(self.law, (len(z), self.noise), noise, z)], 1)
        with self.autocast(x):
            return as_float32(self.head(torch.cat([self.of_image(image), self.of_code(code)], 1)))[:, 0]


def colour_networks(config: BaseAEConfig) -> tuple[ColourEncoder, ColourDecoder, ColourDiscriminator]:
    """Return encoder, decoder and discriminator of a model's configuration."""
    sizes = (config.network, config.input_dim, config.latent_dim)
    networks = ColourEncoder(*sizes), ColourDecoder(*sizes), ColourDiscriminator(*sizes)
    initialise(nn.ModuleList(networks), config.network.initialisation)
    return networks
