"""Pythae's own variational classes on the suite's networks: their losses untouched, and their bidirectional forms."""

from pythae import models as pythae
from pythae.models import BaseAE, BaseAEConfig

from models.capabilities import GaussianLatent, ImplicitLatent
from models.forms import Family, forms
from models.pythae.drawing import Drawn


def _stock(base: type[BaseAE], config: type[BaseAEConfig], *can: type, weights: tuple[str, ...] = ()) -> Family:
    """Return Pythae's `base` with the capabilities of `can`; it trains by Pythae's own `forward`, whose terms are
    multiplied by the attributes `weights`."""
    body = {"__module__": base.__module__, "weight_options": frozenset(weights)}
    return Family(type(base.__name__, (*can, base), body), config)


# The loss of MSSSIM-VAE is one minus the structural similarity of a batch: no density of pixels, whatever
# `reconstruction_loss`.
__getattr__ = forms(
    __name__,
    VAE=_stock(pythae.VAE, pythae.VAEConfig, Drawn, GaussianLatent),
    BetaVAE=_stock(pythae.BetaVAE, pythae.BetaVAEConfig, Drawn, GaussianLatent, weights=("beta",)),
    BetaTCVAE=_stock(
        pythae.BetaTCVAE, pythae.BetaTCVAEConfig, Drawn, GaussianLatent, weights=("alpha", "beta", "gamma")
    ),
    IWAE=_stock(pythae.IWAE, pythae.IWAEConfig, Drawn, GaussianLatent),
    MIWAE=_stock(pythae.MIWAE, pythae.MIWAEConfig, Drawn, GaussianLatent),
    CIWAE=_stock(pythae.CIWAE, pythae.CIWAEConfig, Drawn, GaussianLatent, weights=("beta",)),
    InfoVAE=_stock(pythae.INFOVAE_MMD, pythae.INFOVAE_MMD_Config, Drawn, GaussianLatent, weights=("alpha", "lbd")),
    DisentangledBetaVAE=_stock(pythae.DisentangledBetaVAE, pythae.DisentangledBetaVAEConfig, GaussianLatent),
    MSSSIMVAE=_stock(pythae.MSSSIM_VAE, pythae.MSSSIM_VAEConfig, ImplicitLatent),
)
