"""A small selfVAE for tests, of which every part matters."""

from typing import Any

import pytest
import torch
from torch import Tensor

from models.selfvae.model import SelfVAE, SelfVAEConfig
from models.training import Batch

SHAPE, LATENT, N = (1, 8, 8), 16, 4
NETWORK = {"p_y": (4, 1), "p_x": (4, 1, 1), "p_x_code": (4, 1), "q_u": (4, 1), "p_z_image": (4, 1)}
TWO, THREE = ("downscale",), ("downscale", "downscale")


def images(n: int, *shape: int) -> Tensor:
    return torch.randint(0, 256, (n, *(shape or SHAPE)), generator=torch.Generator().manual_seed(0)) / 255


def chain(transformations: Any = TWO, **fields: Any) -> SelfVAE:
    """A small model whose layers vary thirty times as much as at its start, so that every part of it matters."""
    settings = {"input_dim": SHAPE, "latent_dim": LATENT, "network": NETWORK, **fields}
    torch.manual_seed(0)
    model = SelfVAE(SelfVAEConfig(transformations=transformations, **settings))
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr("models.networks.weight_norm.SPREAD", 0.3)
        model.initialise_from_data(Batch(images(16, *model.model_config.input_dim)), seeded(0))
        for last in (model.decoder.last_image[-1], *(image.of_both[-1] for image in model.decoder.images)):
            last.bias.add_(0.5)  # so that means are not beside [0, 1]
    return model.eval()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
