"""Pythae's own variational classes on the suite's networks: their losses untouched, and their bidirectional forms."""

from pythae import models as pythae
from pythae.models import BaseAE

from models.bidirectional import with_networks
from models.capabilities import GaussianLatent, ImplicitLatent


def _stock(
    base: type[BaseAE], config: type, name: str, *, shared: bool = False, can: type = GaussianLatent
) -> type[BaseAE]:
    """Return Pythae's `base` with the capabilities of `can`; it trains by Pythae's own `forward`."""
    with_capabilities = type(base.__name__, (can, base), {"__module__": base.__module__})
    return with_networks(with_capabilities, config, name, __name__, shared=shared)


StockVAE = _stock(pythae.VAE, pythae.VAEConfig, "StockVAE")
StockBetaVAE = _stock(pythae.BetaVAE, pythae.BetaVAEConfig, "StockBetaVAE")
StockBetaTCVAE = _stock(pythae.BetaTCVAE, pythae.BetaTCVAEConfig, "StockBetaTCVAE")
StockIWAE = _stock(pythae.IWAE, pythae.IWAEConfig, "StockIWAE")
StockMIWAE = _stock(pythae.MIWAE, pythae.MIWAEConfig, "StockMIWAE")
StockCIWAE = _stock(pythae.CIWAE, pythae.CIWAEConfig, "StockCIWAE")

StockInfoVAE = _stock(pythae.INFOVAE_MMD, pythae.INFOVAE_MMD_Config, "StockInfoVAE")
BidirectionalInfoVAE = _stock(pythae.INFOVAE_MMD, pythae.INFOVAE_MMD_Config, "BidirectionalInfoVAE", shared=True)
StockDisentangledBetaVAE = _stock(
    pythae.DisentangledBetaVAE, pythae.DisentangledBetaVAEConfig, "StockDisentangledBetaVAE"
)
BidirectionalDisentangledBetaVAE = _stock(
    pythae.DisentangledBetaVAE, pythae.DisentangledBetaVAEConfig, "BidirectionalDisentangledBetaVAE", shared=True
)

# Its loss is one minus the structural similarity of a batch: no density of pixels, whatever `reconstruction_loss`.
StockMSSSIMVAE = _stock(pythae.MSSSIM_VAE, pythae.MSSSIM_VAEConfig, "StockMSSSIMVAE", can=ImplicitLatent)
BidirectionalMSSSIMVAE = _stock(
    pythae.MSSSIM_VAE, pythae.MSSSIM_VAEConfig, "BidirectionalMSSSIMVAE", shared=True, can=ImplicitLatent
)
