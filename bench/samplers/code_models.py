"""Models of codes, trained at evaluation by our engine: what samplers fit to the codes of the training images."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from bench.samplers.trained import Trained
from bench.training.config import trainer_config
from bench.training.loader import ImageTensors
from bench.training.settings import Training
from bench.training.trainer import Trainer

BATCH, RATE = 128, 1e-3


@contextmanager
def seeded(trained: Trained, name: str) -> Iterator[int]:
    """Give the seed of the named draw, which the global generator has inside and not after."""
    seed = trained.number(name)
    with torch.random.fork_rng(devices=[trained.device] if trained.device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield seed


def fit(model: Any, codes: Tensor, seed: int, epochs: int) -> None:
    """Train a model of Pythae's interface on codes [M, ...]: batches of 128, AdamW, OneCycle up to 1e-3."""
    settings = Training(epochs=epochs, batch_size=BATCH, learning_rate=RATE, precision="float32")
    data = ImageTensors(codes, torch.zeros(len(codes), dtype=torch.long))
    with torch.enable_grad():
        Trainer(model, data, training_config=trainer_config(settings, seed)).train()
