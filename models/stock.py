"""Pythae's own classes on the suite's networks: their losses untouched, and the bidirectional form of two of them."""

from typing import Any, Literal

from pydantic.dataclasses import dataclass
from pythae import models as pythae
from pythae.models import BaseAE
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor
from torch.nn.utils.parametrizations import spectral_norm

from models.bidirectional import PointEncoder, with_networks
from models.capabilities import GaussianLatent, PointLatent
from models.distributions import StandardNormal
from models.layers import BiConv2d, BiLinear
from models.noise import Noise


def _stock(base: type[BaseAE], config: type, name: str, *, shared: bool = False) -> type[BaseAE]:
    """Return Pythae's `base` with the capabilities of a Gaussian VAE; it trains by Pythae's own `forward`."""
    with_capabilities = type(base.__name__, (GaussianLatent, base), {"__module__": base.__module__})
    return with_networks(with_capabilities, config, name, __name__, shared=shared)


StockVAE = _stock(pythae.VAE, pythae.VAEConfig, "StockVAE")
StockBetaVAE = _stock(pythae.BetaVAE, pythae.BetaVAEConfig, "StockBetaVAE")
StockBetaTCVAE = _stock(pythae.BetaTCVAE, pythae.BetaTCVAEConfig, "StockBetaTCVAE")
StockIWAE = _stock(pythae.IWAE, pythae.IWAEConfig, "StockIWAE")

StockInfoVAE = _stock(pythae.INFOVAE_MMD, pythae.INFOVAE_MMD_Config, "StockInfoVAE")
BidirectionalStockInfoVAE = _stock(
    pythae.INFOVAE_MMD, pythae.INFOVAE_MMD_Config, "BidirectionalStockInfoVAE", shared=True
)
StockDisentangledBetaVAE = _stock(
    pythae.DisentangledBetaVAE, pythae.DisentangledBetaVAEConfig, "StockDisentangledBetaVAE"
)
BidirectionalStockDisentangledBetaVAE = _stock(
    pythae.DisentangledBetaVAE,
    pythae.DisentangledBetaVAEConfig,
    "BidirectionalStockDisentangledBetaVAE",
    shared=True,
)


@dataclass
class _WAEConfig(pythae.WAE_MMD_Config):
    """WAE-MMD; Pythae's loss is the squared error, and no other can be asked for."""

    reconstruction_loss: Literal["mse"] = "mse"


class _WAE(PointLatent, pythae.WAE_MMD):
    """WAE-MMD: squared error + reg_weight MMD(q(z), N(0, I)); the codes of all images follow the prior."""

    capabilities = PointLatent.capabilities | {"prior"}

    @property
    def prior(self) -> StandardNormal:
        """The prior p(z)."""
        return StandardNormal(self.model_config.latent_dim)

    def sample(self, n: int, generator: Noise = None) -> Tensor:
        """Decode n draws of the prior: [n, C, H, W]."""
        return self.decode(self.prior.sample(n, generator, next(self.decoder.parameters()).device))


@dataclass
class _RAEConfig(pythae.RAE_L2_Config):
    """RAE-L2; Pythae's loss is the squared error, and no other can be asked for. RAE-SN has `spectral_norm`."""

    reconstruction_loss: Literal["mse"] = "mse"
    spectral_norm: bool = False


class _RAE(PointLatent, pythae.RAE_L2):
    r"""RAE-L2: minimise the squared error, the size of the codes and that of the decoder's weights.

    .. math:: ||x - D(z)||^2 + \beta \tfrac12 ||z||^2 + \lambda \tfrac12 ||\theta_D||^2

    Source: Ghosh et al. 2020. Pythae gives the last term to the decoder's optimiser as weight decay
    `reg_weight`; with one optimiser for all weights it is part of the loss, whose gradient is the same. RAE-SN, which
    Pythae lacks, divides each weight of the decoder by its largest singular value instead of weighing its size.
    """

    def __init__(self, model_config: Any, encoder: Any = None, decoder: Any = None):
        super().__init__(model_config, encoder, decoder)
        if model_config.spectral_norm:
            for module in [m for m in self.decoder.modules() if isinstance(m, BiConv2d | BiLinear)]:
                spectral_norm(module, "weight")

    def forward(self, inputs: Any, **kwargs: Any) -> ModelOutput:
        """Pythae's output, with the decoder's term in the loss."""
        out = super().forward(inputs, **kwargs)
        if not self.model_config.spectral_norm:
            size = sum(p.square().sum() for p in self.decoder.parameters())
            out.loss = out.loss + 0.5 * self.model_config.reg_weight * size
        return out


StockWAE = with_networks(_WAE, _WAEConfig, "StockWAE", __name__, view=PointEncoder)
StockRAE = with_networks(_RAE, _RAEConfig, "StockRAE", __name__, view=PointEncoder)
