"""Floating-point operations of training, counted without computing anything."""

import warnings
from collections.abc import Callable

import torch
from pythae.models import BaseAE
from torch.utils.flop_counter import FlopCounterMode

from models.networks.two_way import count_parameters, shapes_alone
from models.training import Batch

_COUNTED = 4  # images


def training_cost(build: Callable[[], BaseAE], shape: tuple[int, ...]) -> tuple[int, float]:
    """Return a model's parameters, and the FLOPs of training on an image of `shape` (C, H, W) once: a forward and a
    backward pass of every step that it takes on a batch.

    A multiplication and an addition are two; convolutions count as the direct ones that they stand for, since the
    meta device, on which `build` is called, has no other. A loss that looks at values, which that device has none of,
    counts as three times what the encoder and the decoder compute.
    """
    with shapes_alone(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of tensors that Pythae copies on this device
        model = build()
        images = {"data": torch.empty(_COUNTED, *shape), "labels": torch.zeros(_COUNTED, dtype=torch.long)}
        try:
            with FlopCounterMode(display=False) as counter:
                _train(model, images)
            flops = counter.get_total_flops()
        except RuntimeError:
            with FlopCounterMode(display=False) as counter:
                model.decoder(model.encoder(images["data"]).embedding)
            flops = 3 * counter.get_total_flops()
    return count_parameters(model), flops / _COUNTED


def _train(model: BaseAE, images: dict[str, torch.Tensor]) -> None:
    """Make the passes of one batch: of a model that takes several steps each of them, as often as it takes it."""
    steps = model.steps() if hasattr(model, "steps") else ()
    if len(steps) < 2:
        model(images, epoch=1, dataset_size=_COUNTED).loss.backward()
    for step in steps if len(steps) > 1 else ():
        step.loss(Batch(images["data"], images["labels"], dataset_size=_COUNTED), None).backward(inputs=step.parameters)
