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
    meta device, on which `build` is called, has no other.
    """
    with torch.device("meta"):
        model = build()
        with FlopCounterMode(display=False) as counter:
            images = {"data": torch.empty(_COUNTED, *shape), "labels": None}
            model(images, epoch=1, dataset_size=_COUNTED).loss.backward()
    return count_parameters(model), counter.get_total_flops() / _COUNTED
