"""Pythae's own classes on the suite's networks: their losses untouched, and the bidirectional form of two of them."""

from pythae import models as pythae
from pythae.models import BaseAE

from models.bidirectional import with_networks
from models.capabilities import GaussianLatent


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
