"""Several models of one architecture in training, which take each step in one batched computation."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch
from pythae.models import BaseAE
from torch import Tensor, nn
from torch.func import vmap

from bench.training.config import TrainerConfig
from bench.training.engine import SELECTION_SEED, Engine, initialise, own_tensors
from bench.training.functional import call_with, gradients_of
from bench.training.loader import ImageTensors
from bench.training.precision import chosen, set_precision
from bench.training.recorded import Recorded, Results
from models.noise import Draw, Noise, Recorder, Replay, drawn
from models.training import Batch, Phase, Stackable, as_float, weighted_sum


class Stacked(Engine):
    r"""Takes the steps of S models that differ in seed, learning rate and in the weights of their loss terms alone.

    Parameters are stacked to [S, ...]; `torch.func.vmap` computes all losses at once, and since the gradient of their
    sum holds each model's own, one element-wise optimiser moves them all. Each model has its own order of images and
    its own noise, those that it would have alone: it ends as alone, up to rounding. Raises ValueError for models that
    cannot be stacked.
    """

    def __init__(
        self,
        models: Sequence[BaseAE],
        training: ImageTensors,
        validation: ImageTensors | None,
        configs: Sequence[TrainerConfig],
        device: str,
    ):
        alike = {repr(replace(config, seed=0, learning_rate=1.0).to_dict()) for config in configs}
        if len(alike) > 1 or len(models) != len(configs):
            raise ValueError("trainings go together if their settings differ in seed and learning rate alone")
        if any(not stackable(models[0], other) for other in models):
            raise ValueError("models go together if they differ in the weights of their loss terms alone")
        data = ImageTensors(training.data.to(device), training.labels.to(device))
        super().__init__([model.to(device) for model in models], data, validation, configs, device)
        self._data = data
        for model, loader, config in zip(models, self.loaders, configs, strict=True):
            initialise(model, loader, config.seed)
        self._parameters, self._buffers = stacked(models)
        self._base = copy.deepcopy(models[0]).to("meta")  # computes with the tensors of each in turn
        set_precision(self._base, chosen(self.config.steps.precision, device))
        self._phases = self._base.phases()
        self._draws: dict[tuple[str, int], list[Draw] | None] = {}
        self._recorded: dict[str, Recorded] = {}
        owned = [(p.name, [self._parameters[name] for name in self._base.owned(p)]) for p in self._phases]
        self.make_optimisers(owned, [config.learning_rate for config in configs])

    def begin(self, epoch: int) -> None:
        self._base.train()
        each = [model.weights(epoch) for model in self.models]
        names = {name for weights in each for name in weights}
        self._weights = {n: torch.tensor([w.get(n, 1.0) for w in each], device=self.device) for n in names}

    def step(self, index: Tensor) -> Tensor:
        for phase in self._phases:
            losses = self._step(phase, index)
        return losses

    def _step(self, phase: Phase, index: Tensor) -> Tensor:
        """Take one step along the sum of the models' losses on their batches [S, B]; return the losses [S]."""
        optimiser = self.optimisers[phase.name]
        for parameter in optimiser.parameters:
            parameter.grad = None
        batch = self.loaders[0].batch(index)
        noise = self._noise(self._requests(phase.name, phase.terms, _first(batch)) or [])
        plain = partial(self._passes, phase)
        if self.long_enough and phase.name not in self._recorded:
            self._recorded[phase.name] = Recorded(plain)
        whole = index.shape[1] == self.loaders[0].longest
        passes = self._recorded.get(phase.name, plain) if whole else plain
        losses, *gradients = passes(self.tensors(), self._weights, batch.x, batch.y, batch.indices, noise)
        for parameter, gradient in zip(optimiser.parameters, gradients, strict=True):
            parameter.grad = gradient
        optimiser.step()
        assert losses is not None
        return losses

    def _passes(self, phase: Phase, tensors: dict[str, Tensor], *arguments: Any) -> Results:
        """Return the models' losses [S] and the gradient of their sum by each parameter that the phase moves."""
        leaves = {name: tensors[name].detach().requires_grad_() for name in self._base.owned(phase)}
        with torch.enable_grad():
            losses = self._all(partial(self._loss, phase), tensors | leaves, *arguments)
        return losses.detach(), *gradients_of(losses.sum(), list(leaves.values()))

    def _loss(
        self, phase: Phase, weights: dict[str, Tensor], x: Tensor, y: Tensor, index: Tensor, noise: list[Tensor]
    ) -> Tensor:
        """Return the loss of the model whose tensors, weights, batch and noise these are."""
        with self._base.weighed(weights):
            return weighted_sum(phase.terms(Batch(x, y, index, len(self._data)), Replay(noise)), weights)

    def _all(
        self, function: Callable[..., Tensor], tensors: dict[str, Tensor], *arguments: Any, in_dims: int | None = 0
    ) -> Tensor:
        """Return a function of the base for all models at once, stacked along the first axis."""

        def one(own: dict[str, Tensor], *rest: Any) -> Tensor:
            return call_with(self._base, own, function, *rest)

        return vmap(one, in_dims=(0, *((in_dims,) * len(arguments))))(tensors, *arguments)

    def _noise(self, requests: list[Draw]) -> list[Tensor]:
        """Return each draw for all models, [S, ...], from their own generators."""
        draws = [[drawn(request, generator, self.device) for request in requests] for generator in self.generators]
        return [torch.stack(list(same)) for same in zip(*draws, strict=True)]

    @torch.no_grad()
    def _requests(self, name: str, function: Callable[..., Any], batch: Batch) -> list[Draw] | None:
        """Return what a function of the base draws for a batch of this length, noted once; None where it gives None."""
        key = name, len(batch.x)
        if key not in self._draws:
            recorder = Recorder(torch.Generator(self.device).manual_seed(0))
            found = call_with(self._base, own_tensors(self.models[0]), function, batch, recorder)
            self._draws[key] = None if found is None else recorder.requests
        return self._draws[key]

    @torch.no_grad()
    def selection_losses(self) -> Tensor | None:
        if self.validation is None:
            return None
        self._base.eval()
        generator = torch.Generator(self.device).manual_seed(SELECTION_SEED)
        total = torch.zeros(len(self.models), dtype=torch.float64, device=self.device)
        for part in self.validation.split(self.config.per_device_eval_batch_size):
            x = as_float(part)
            requests = self._requests("selection", self._selection_loss, Batch(x))
            if requests is None:
                return None
            noise = [drawn(request, generator, self.device) for request in requests]
            total += self._all(self._replayed_selection, self.tensors(), x, noise, in_dims=None).double().sum(1)
        return total / len(self.validation)

    def _selection_loss(self, batch: Batch, noise: Noise) -> Tensor | None:
        return self._base.selection_loss(batch.x, noise)

    def _replayed_selection(self, x: Tensor, noise: list[Tensor]) -> Tensor:
        return self._base.selection_loss(x, Replay(noise))

    def tensors(self) -> dict[str, Tensor]:
        return {name: tensor.detach() for name, tensor in {**self._parameters, **self._buffers}.items()}

    def finish(self) -> None:
        for place, model in enumerate(self.models):
            for name, own in own_tensors(model).items():
                own.copy_(self.tensors()[name][place])
            model.eval()


def stacked(models: Sequence[nn.Module]) -> tuple[dict[str, nn.Parameter], dict[str, Tensor]]:
    """Return the models' parameters and buffers by name, stacked to [S, ...]; their classes may differ."""
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return (
        {name: nn.Parameter(torch.stack([p[name].detach() for p in parameters])) for name in parameters[0]},
        {name: torch.stack([b[name] for b in buffers]) for name in buffers[0]},
    )


def stackable(first: BaseAE, other: BaseAE) -> bool:
    """Whether two models are of one class or family and differ in the weights of their loss terms alone.

    Those with dropout are not: its noise torch draws itself.
    """
    a, b = (asdict(model.model_config) for model in (first, other))
    if any(isinstance(module, nn.Dropout) for module in first.modules()):
        return False
    if not isinstance(first, Stackable):
        return False
    if type(first) is not type(other) and (not first.family or _kin(first) != _kin(other)):
        return False
    return all(a[key] == b.get(key) for key in a if key not in first.weight_options | {"name"})


def _kin(model: BaseAE) -> tuple[str, bool]:
    """Return the family, and whether encoder and decoder share a network."""
    return getattr(model, "family", ""), getattr(model, "shared", False)


def _first(batch: Batch) -> Batch:
    """Return the first model's part of a batch of all."""
    x, y, indices, size = batch
    assert y is not None and indices is not None
    return Batch(x[0], y[0], indices[0], size)
