"""The stock and corrected models of the tests of corrections, of equal weights, and their gradients."""

from typing import Any

import torch
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor, nn

from models import MODELS
from models.training import Batch

SHAPE, LATENT = (1, 8, 8), 3
NETWORK = {"channels": (4,), "strides": (2,), "hidden": (16,)}


def build(name: str, **options: Any) -> Any:
    """The same weights for the stock class and the corrected one."""
    torch.manual_seed(0)
    kind = MODELS[name].resolve()
    config = kind.config_class(
        input_dim=SHAPE, latent_dim=LATENT, network=NETWORK, reconstruction_loss="bce", **options
    )
    return kind(config)


def images(n: int = 8) -> Tensor:
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(1))


def output(model: Any) -> ModelOutput:
    """What Pythae's own `forward` gives, whose losses reach all networks."""
    torch.manual_seed(2)
    return model.passed({"data": images()}, epoch=1, dataset_size=100)


def gradient(loss: Tensor, network: nn.Module) -> Tensor:
    found = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True, allow_unused=True)
    zeros = (torch.zeros_like(p) if g is None else g for g, p in zip(found, network.parameters(), strict=True))
    return torch.cat([g.flatten() for g in zeros])


def trained(model: Any, network: nn.Module) -> Tensor:
    """The gradient that the engine gives a network."""
    torch.manual_seed(2)
    (step,) = model.steps()
    return gradient(step.loss(Batch(images(), dataset_size=100), None), network)
