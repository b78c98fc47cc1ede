"""An evaluation of a small model on a few random images, for tests."""

from typing import Any

import numpy as np
import torch

from bench.data.eight_bit import to_unit
from bench.data.types import ImageDataset, Split
from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.features.networks import NETWORK_OF, FeatureNetworks
from bench.metrics.frechet import statistics
from bench.metrics.types import Blank
from bench.study.schema import Evaluation as Settings
from models import MODELS

SETTINGS = Settings(
    nll_samples=3,
    nll_images=6,
    images=22,
    extras=("kernel", "prd", "classes", "codes", "labels"),
    gmm_components=2,
    gmm_images=20,
    tsne_images=0,
)


def split(n: int, seed: int) -> Split:
    rng = np.random.default_rng(seed)
    return Split(rng.integers(0, 256, (n, 1, 8, 8), dtype=np.uint8), np.arange(n) % 3)


DATA = ImageDataset("toy", split(30, 0), split(6, 1), split(25, 2), ("a", "b", "c"), {}, "embedded")


class PixelsAsFeatures(FeatureNetworks):
    """Stand in for feature networks; there is no Inception here."""

    def __init__(self) -> None:
        super().__init__(DATA, None, "cpu")

    def extract(self, network: str, images: np.ndarray) -> dict[str, np.ndarray]:
        if network != "classifier":
            raise Blank("no such network")
        return {"classifier": to_unit(images).reshape(len(images), -1)[:, :4].astype(np.float64)}

    def kept(self, features: str, images: np.ndarray) -> np.ndarray:
        return self.extract(NETWORK_OF[features], images)[features]

    def statistics(self, features: str, images: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(("mean", "covariance"), statistics(self.kept(features, images)), strict=True))

    def scale(self, features: str, images: np.ndarray) -> np.ndarray:
        return np.sqrt([np.square(self.kept(features, images)).mean()])

    def classes(self, features: np.ndarray) -> np.ndarray:
        return features.argmax(axis=1)


def build_model() -> Any:
    """A small VAE with three latent variables, untrained."""
    torch.manual_seed(0)
    network = {"channels": (4,), "strides": (2,), "hidden": (8,)}
    model_class = MODELS["VAE"].resolve()
    return model_class(model_class.config_class(input_dim=(1, 8, 8), latent_dim=3, network=network))


def evaluation(model: Any, seed: int = 0, **settings: Any) -> Evaluation:
    """An evaluation of a model on DATA, with SETTINGS and what else is given."""
    return Evaluation(
        model, DATA, SETTINGS.model_copy(update=settings), seed, PixelsAsFeatures(), seconds_per_epoch=1.5
    )
