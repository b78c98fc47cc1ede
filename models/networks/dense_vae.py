"""Densely connected networks between an image and a flat code: an encoder and a decoder for the VAEs."""

import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.dense import Style, code_maps, dense_down, dense_up
from models.networks.kinds import Dense
from models.networks.lbae import Margin
from models.networks.two_way import Autocast, as_float32

LOG_VARIANCE = 7.0  # log-variances are within this of 0, as in selfVAE's code


def _style(config: Dense) -> Style:
    return Style(config.attention, config.batch_norm, config.pooling, config.subpixel)


class DenseEncoder(Autocast, nn.Module):
    """Groups of growing width, each halving the image but the last (Figure 10, selfVAE); a code is the maps in a row.

    Without `log_variance` the code is a point. Raises ValueError where a code is no whole number of maps.
    """

    def __init__(self, config: Dense, input_dim: tuple[int, ...], latent_dim: int, log_variance: bool = True):
        super().__init__()
        downs = len(config.strides)
        maps = code_maps(latent_dim, input_dim, downs)[0]
        size = config.scaled(config.encoder[0]), config.encoder[1]
        self.trunk = dense_down(input_dim[0], (1 + log_variance) * maps, size, downs, _style(config))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return posterior mean and log-variance: [B, C, H, W] -> [B, L] each."""
        mean, log_variance = self.point(x).chunk(2, 1)
        return mean, F.hardtanh(log_variance, -LOG_VARIANCE, LOG_VARIANCE)

    def point(self, x: Tensor) -> Tensor:
        """Return the code of a network without a log-variance: [B, C, H, W] -> [B, L]."""
        with self.autocast(x):
            return as_float32(self.trunk(x)).flatten(1)


class DenseDecoder(Autocast, nn.Module):
    """Groups of falling width, each doubling the maps, then a convolution (Figure 10, selfVAE)."""

    margin = Margin()

    def __init__(self, config: Dense, input_dim: tuple[int, ...], latent_dim: int, numbers: int):
        super().__init__()
        self.maps = code_maps(latent_dim, input_dim, len(config.strides))
        size = config.scaled(config.decoder[0]), config.decoder[1]
        self.trunk = dense_up(self.maps[0], numbers, size, len(config.strides), _style(config))

    def reverse(self, z: Tensor, *, crop: bool = True) -> Tensor:
        """Return pixel logits, or what else p(x|z) takes: [B, L] -> [B, P, H, W]. There is no margin to crop."""
        with self.autocast(z):
            return as_float32(self.trunk(z.unflatten(1, self.maps)))
