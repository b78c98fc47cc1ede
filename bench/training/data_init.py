"""The start from data: a model's layers that take their first values from a training batch see the first one."""

import torch
from torch import nn

from bench.training.loader import Loader
from models.networks.weight_norm import starts_from_data


def initialise(model: nn.Module, loader: Loader, seed: int) -> None:
    """Show a model the first batch that it will train on; nothing where no layer starts from data.

    Noise comes from a generator of its own, and the loader stays where it is, so that all else is as without it. It
    depends on the seed and the images alone: a training that goes on from a state overwrites what it does.
    """
    if not starts_from_data(model):
        return
    position = loader.state_dict()
    index = loader.epoch()[0]
    loader.load_state_dict(position)
    generator = torch.Generator(loader.x.device).manual_seed(seed)
    model.initialise_from_data(loader.batch(index, generator), generator)  # type: ignore[operator]
