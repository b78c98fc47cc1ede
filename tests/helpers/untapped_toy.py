"""A toy of M2 and Untapped that can be enumerated: 2 x 2 binary images, three classes, one latent."""

import itertools
from typing import Any

import torch

from models import MODELS

SHAPE, K, D, ROWS = (1, 2, 2), 3, 1, 40_000
NETWORK = {"labels": (5,), "latent": (4,), "image": (6, 5)}
NAMES = ("M2", "Untapped", "BidirectionalM2", "BidirectionalUntapped")
IMAGES = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4))).reshape(-1, *SHAPE)  # all 16
LABELS = torch.eye(K)


def toy(name: str = "Untapped", **options: Any) -> Any:
    """A model whose every weight is drawn, also those that start at zero."""
    torch.manual_seed(0)
    kind = MODELS[name].resolve()
    model = kind(kind.config_class(input_dim=SHAPE, latent_dim=D, network=NETWORK, classes=K, **options))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return model.eval()
