"""A plug-in of models whose losses leave the numbers in their second epoch, and a metric that is none."""

from typing import Any

from pythae.models import VAEConfig

from bench.metrics.types import Measured, Metric
from models import ModelEntry
from models.bidirectional import with_networks
from models.bvae import _VAE

LOSSES = {"NaNLoss": float("nan"), "InfiniteLoss": float("inf"), "HugeLoss": 1e30}


def _model(name: str, factor: float) -> Any:
    def weights(self: Any, epoch: int) -> dict[str, float]:
        return {"kl": factor if epoch >= 2 else 1.0}

    return with_networks(type(f"_{name}", (_VAE,), {"weights": weights}), VAEConfig, name, __name__)


NaNLoss, InfiniteLoss, HugeLoss = (_model(name, factor) for name, factor in LOSSES.items())
MODELS = {name: ModelEntry(f"{__name__}:{name}", "unidirectional", name) for name in LOSSES}


def not_a_number(test_images: Any, *, setting: Any, rng: Any) -> Measured:
    return Measured(float("nan"))


METRICS = {"nan": Metric("NaN", "", "lower", f"{__name__}:not_a_number", ("test_images",), "Not a number.")}
