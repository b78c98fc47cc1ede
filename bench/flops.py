"""Floating-point operations of training, counted without computing anything."""

from collections.abc import Callable

import torch
from pythae.models import BaseAE
from torch.utils.flop_counter import FlopCounterMode

from models.networks import count_parameters

_COUNTED = 4  # images


def training_cost(build: Callable[[], BaseAE], shape: tuple[int, ...]) -> tuple[int, float]:
    """Return a model's parameters, and the FLOPs of a forward and backward pass an image of `shape` (C, H, W).

    A multiplication and an addition are two; convolutions count as the direct ones that they stand for, since the
    meta device, on which `build` is called, has no other. A loss that looks at values, which that device has none of,
    counts as three times what the encoder and the decoder compute.
    """
    with torch.device("meta"):
        model = build()
        images = {"data": torch.empty(_COUNTED, *shape), "labels": torch.zeros(_COUNTED, dtype=torch.long)}
        try:
            with FlopCounterMode(display=False) as counter:
                model(images, epoch=1, dataset_size=_COUNTED).loss.backward()
            flops = counter.get_total_flops()
        except RuntimeError:
            with FlopCounterMode(display=False) as counter:
                model.decoder(model.encoder(images["data"]).embedding)
            flops = 3 * counter.get_total_flops()
    return count_parameters(model), flops / _COUNTED
