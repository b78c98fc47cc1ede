"""What the symmetric models share whose encoder and decoder take noise, so that neither has a density."""

from typing import Literal

from pythae import models as pythae
from torch import Tensor

from models.capabilities import LastEpoch, PointLatent
from models.distributions.densities import UnitGaussian
from models.from_config import FromConfig
from models.noise import Noise
from models.svae.model import Adversarial


class Implicit(FromConfig, LastEpoch, Adversarial, PointLatent, pythae.AE):
    """z = E(x, e) and x = G(z, e'); without noise, e = e' = 0, an image has one code and a code one image.

    `networks` makes encoder, decoder and discriminator of a configuration.
    """

    capabilities = PointLatent.capabilities | {"noise", "critic"}

    def decode_drawn(self, z: Tensor, generator: Noise = None) -> Tensor:
        """Return G(z, e'), e' drawn: [N, L] -> [N, C, H, W]."""
        return self.decoder.draw(z, generator)

    def reconstruct(self, inputs: Tensor, how: Literal["mean", "sample"] = "mean", generator: Noise = None) -> Tensor:
        """Return G(E(x, 0), 0), or G(E(x, e), e') with noise: [N, C, H, W] -> the same."""
        if how == "mean":
            return self.decode(self.embed(inputs))
        return self.decoder.draw(self.encoder.draw(inputs, generator), generator)

    def sample(self, n: int, generator: Noise = None) -> Tensor:
        """Return n draws G(z, e'), z of the prior: [n, C, H, W]."""
        device = next(self.decoder.parameters()).device
        return self.decoder.draw(self.prior.sample(n, generator, device), generator)

    def likelihood(self, z: Tensor) -> UnitGaussian:
        return UnitGaussian(self.decode(z))
