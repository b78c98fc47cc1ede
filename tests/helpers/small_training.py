"""A training of a small model on drawn images."""

from pathlib import Path
from typing import Any

import torch

from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS

SHAPE = (1, 8, 8)


def images(n: int, seed: int = 0, labelled: int | None = None) -> ImageTensors:
    pixels = torch.randint(0, 256, (n, *SHAPE), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    labels = torch.arange(n) % 10
    labels[labelled if labelled is not None else n :] = -1
    return ImageTensors(pixels, labels)


def trainer_of(name: str, states: Path | None, epochs: int = 4, labelled: int | None = None, **config: Any) -> Trainer:
    torch.manual_seed(0)
    network = {"channels": (4,), "strides": (2,), "hidden": (8,), "norm": "batch"}
    kind = MODELS[name].resolve()
    model = kind(kind.config_class(input_dim=SHAPE, latent_dim=3, network=network))
    settings = TrainerConfig(num_epochs=epochs, per_device_train_batch_size=8, no_cuda=True, **config)
    return Trainer(model, images(40, labelled=labelled), images(10, seed=1), settings, checkpoints=states)
