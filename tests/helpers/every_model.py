"""Small instances of every entry of MODELS."""

from typing import Any, get_args, get_type_hints

import pytest
import torch

from models import MODELS
from models.networks.kinds import network_types

SHAPE, LATENT, N = (1, 8, 8), 4, 6
NETWORKS = {
    "convolutional": {"channels": (8, 16), "strides": (2, 2), "hidden": (32,)},
    "residual": {
        "kind": "residual",
        "channels": (4, 8),
        "strides": (1, 1, 2),
        "blocks": 1,
        "pool": True,
        "hidden": (),
        "norm": "batch",
    },
    "lbae": {"kind": "lbae", "channels": (4, 4, 8), "strides": (1, 2, 2), "hidden": (), "norm": "batch"},
    "svae": {
        "encoder_channels": (8, 16),
        "encoder_hidden": (32,),
        "decoder_channels": (8, 16),
        "decoder_hidden": (32,),
        "discriminator_channels": (4, 8),
        "discriminator_code": 16,
    },
    "plane": {"encoder": (16,), "decoder": (16,), "discriminator": (16,)},
    "chain": {"downs": 2, "p_y": (4, 1), "p_x": (4, 1, 1)},
    "perceptrons": {"labels": (16, 8), "latent": (16, 8), "image": (8, 16)},
}


def networks(name: str) -> list[str]:
    """The networks of the list that a model takes."""
    kinds = [kind.__dataclass_fields__.keys() for kind in network_types(MODELS[name].resolve().config_class)]
    return [key for key, fields in NETWORKS.items() if any(fields.keys() <= known for known in kinds)]


EVERY_MODEL = pytest.mark.parametrize("name", MODELS)
EVERY_MODEL_AND_NETWORK = pytest.mark.parametrize(
    ("name", "network"), [(name, network) for name in MODELS for network in networks(name)]
)


def likelihoods(name: str) -> tuple[str, ...]:
    """The values of `reconstruction_loss` that a model takes."""
    return get_args(get_type_hints(MODELS[name].resolve().config_class)["reconstruction_loss"])


def build(name: str, network: str | None = None, **fields: Any) -> Any:
    torch.manual_seed(0)
    model_class = MODELS[name].resolve()
    network = network or networks(name)[0]
    settings = {"reconstruction_loss": likelihoods(name)[0], "network": NETWORKS[network], **fields}
    return model_class(model_class.config_class(input_dim=SHAPE, latent_dim=LATENT, **settings))
