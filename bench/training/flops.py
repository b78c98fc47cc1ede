"""Floating-point operations of training and of a model's passes, counted without computing anything."""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import torch
from pythae.models import BaseAE
from pythae.models.base.base_utils import ModelOutput

from bench.training.operations import OperationCounter
from models.capabilities import capable
from models.networks.two_way import count_parameters, shapes_alone, without_compiler
from models.training import Batch, Step

_COUNTED = 4  # images


class Cost(NamedTuple):
    """Of a model: its parameters, what it can do, FLOPs of encoding an image and of decoding a code, and by name, in
    order, those of training on an image by each kind of step once, how often a batch takes it, and how many operations
    such a step calls, whatever the batch."""

    parameters: int
    capabilities: frozenset[str]
    encode: float
    decode: float
    steps: dict[str, float]
    repeats: dict[str, int]
    calls: Mapping[str, int] = {}

    def training(self, repeats: tuple[int, ...] | None = None) -> float:
        """Return the FLOPs of training on an image once, each kind of step made as often as said, or as it is."""
        times = self.repeats.values() if repeats is None else repeats
        return sum(flops * n for flops, n in zip(self.steps.values(), times, strict=True))

    def called(self, repeats: tuple[int, ...] | None = None) -> int:
        """Return the operations that training on a batch calls, each kind of step as often as said, or as it is."""
        times = self.repeats.values() if repeats is None else repeats
        return sum(self.calls.get(name, 0) * n for name, n in zip(self.steps, times, strict=True))


def cost(build: Callable[[], BaseAE], shape: tuple[int, ...]) -> Cost:
    """Return the cost of a model and of images of a shape (C, H, W); a step is a forward and a backward pass.

    A multiplication and an addition are two; convolutions count as the direct ones that they stand for, since the
    meta device, on which `build` is called, has no other. A loss that looks at values, which that device has none of,
    counts as three times what the encoder and the decoder compute, and where these cannot be counted they do as a third
    of a loss.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of tensors that Pythae copies on this device
        with shapes_alone():
            model = build()
            images = {"data": torch.empty(_COUNTED, *shape), "labels": torch.zeros(_COUNTED, dtype=torch.long)}
        passes = _passes(model, images["data"])
        taken = model.steps() if hasattr(model, "steps") else ()
        repeats = Counter(step.name for step in taken) or Counter(["model"])
        try:
            counted = {step.name: _counted(partial(_train, step, images)) for step in _distinct(taken)}
            if len(repeats) < 2:
                counted = {name: _counted(partial(_forward, model, images)) for name in repeats}
        except RuntimeError:
            counted = dict.fromkeys(repeats, (0.0, 0)) | {next(iter(repeats)): (3 * sum(passes), 0)}
    steps = {name: flops for name, (flops, _) in counted.items()}
    calls = {name: called for name, (_, called) in counted.items()}
    encode, decode = passes if sum(passes) else (sum(steps.values()) / 6,) * 2
    return Cost(count_parameters(model), capable(model).capabilities, encode, decode, steps, dict(repeats), calls)


def training_cost(build: Callable[[], BaseAE], shape: tuple[int, ...]) -> tuple[int, float]:
    """Return a model's parameters, and the FLOPs of training on an image of `shape` (C, H, W) once: a forward and a
    backward pass of every step that it takes on a batch."""
    found = cost(build, shape)
    return found.parameters, found.training()


def _counted(function: Callable[[], object]) -> tuple[float, int]:
    """Return the FLOPs an image of what a function computes, and the operations that it calls."""
    with without_compiler(), OperationCounter() as counter:
        function()
    return counter.flops / _COUNTED, counter.calls


def _passes(model: BaseAE, x: torch.Tensor) -> tuple[float, float]:
    """Return the FLOPs of the encoder and the decoder, zeros where they are not of an image and a code."""
    try:
        with torch.no_grad():
            outputs: list[ModelOutput] = []
            encode, _ = _counted(lambda: outputs.append(model.encoder(x)))
            return encode, _counted(lambda: model.decoder(outputs[0].embedding))[0]
    except Exception:  # whatever networks of other codes raise
        return 0.0, 0.0


def _distinct(steps: tuple[Step, ...]) -> list[Step]:
    return list({step.name: step for step in steps}.values()) if len(steps) > 1 else []


def _forward(model: BaseAE, images: dict[str, torch.Tensor]) -> None:
    model(images, epoch=1, dataset_size=_COUNTED).loss.backward()


def _train(step: Step, images: dict[str, torch.Tensor]) -> None:
    step.loss(Batch(images["data"], images["labels"], dataset_size=_COUNTED), None).backward(inputs=step.parameters)
