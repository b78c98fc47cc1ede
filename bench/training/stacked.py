"""Several trainings as one: models of one architecture, stacked, take each step in one batched computation."""

import copy
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from pythae.models import BaseAE
from torch import Tensor, nn
from torch.func import functional_call, vmap

from bench.system.memory import keep_freed_memory
from bench.training.checkpoint import Checkpoints, random_state, set_random_state
from bench.training.functional import Call
from bench.training.loader import ImageTensors, Loader
from bench.training.optimisers import Optimiser, TrainerConfig
from bench.training.precision import chosen, set_precision
from bench.training.trainer import SELECTION_SEED, copy_tensors, is_finite, own_tensors
from models.networks.weight_norm import starts_from_data
from models.noise import Draw, Recorder, Replay, drawn
from models.training import Batch, Objective, Phase, as_float, weighted_sum


class Together:
    r"""Trains S models that differ in seed and in the weights of their loss terms alone, in one phase a batch or more.

    Parameters are stacked to [S, ...]; `torch.func.vmap` computes all losses at once, and since the gradient of their
    sum holds each model's own, one element-wise optimiser moves them all. Each model has its own order of images and
    its own noise, those that a `Trainer` of its seed would give it: the result is that trainer's up to rounding.

    After `train()`, `models` hold the weights of their best epochs, `histories` the curves, with the group's time
    divided by S, and `diverged` the epoch in which a model's loss ceased to be finite, or None; the others train on.
    `checkpoints` as for `Trainer`. Raises ValueError for models that cannot be stacked.
    """

    def __init__(
        self,
        models: Sequence[BaseAE],
        train_dataset: Any,
        eval_dataset: Any,
        configs: Sequence[TrainerConfig],
        epoch_ended: Callable[[dict[str, float]], None] | None = None,
        checkpoints: Path | None = None,
    ):
        if len({repr(replace(config, seed=0)) for config in configs}) > 1 or len(models) != len(configs):
            raise ValueError("trainings go together if their settings differ in the seed alone")
        first = models[0]
        if any(not stackable(first, other) for other in models):
            raise ValueError("models go together if they differ in the weights of their loss terms alone")
        self.models, self.configs, self.epoch_ended = list(models), list(configs), epoch_ended
        self.device = "cuda" if torch.cuda.is_available() and not configs[0].no_cuda else "cpu"
        self._data = ImageTensors(train_dataset.data.to(self.device), train_dataset.labels.to(self.device))
        self._validation = eval_dataset.data.to(self.device)
        self.checkpoints = None if checkpoints is None else Checkpoints(checkpoints)
        self.histories: list[dict[str, list[float]]] = [{} for _ in models]
        self.diverged: list[int | None] = [None] * len(models)

    def prepare(self) -> None:
        """Stack the models and make their orders, noises and common optimiser."""
        config = self.configs[0]
        keep_freed_memory()
        for model in self.models:
            model.to(self.device)
            if hasattr(model, "check_labels"):
                model.check_labels(self._data.labels)
        self._parameters, self._buffers = stacked(self.models)
        self._base = copy.deepcopy(self.models[0]).to("meta")
        set_precision(self._base, chosen(config.precision, self.device))
        self._recorded: dict[tuple[str, int], list[Draw]] = {}
        sizes = (config.per_device_train_batch_size, config.seed, config.labelled_batch_size)
        self._loaders = [Loader(self._data, self.device, sizes[0], c.seed, sizes[2]) for c in self.configs]
        self._generators = [torch.Generator(self.device).manual_seed(c.seed) for c in self.configs]
        self._phases = self.models[0].phases()
        owned = {p.name: [self._parameters[name] for name in self.models[0].owned(p)] for p in self._phases}
        times = Counter(phase.name for phase in self._phases)
        self._optimisers = {
            name: Optimiser(own, config, len(self._loaders[0]) * times[name], stacked=True)
            for name, own in owned.items()
        }
        self._epoch, self._done, self._seconds, self._count = 1, 0, 0.0, 0
        self._totals = torch.zeros(len(self.models), device=self.device)
        self._best = torch.full((len(self.models),), float("inf"), dtype=torch.float64, device=self.device)
        self._best_state = copy_tensors(self._tensors(), {})

    def train(self) -> None:
        """Train all models up to `num_epochs`."""
        self.prepare()
        if self.checkpoints:
            state = self.checkpoints.load()
            if state is not None:
                self._load_state(state)
            self.checkpoints.begin()
        while self._epoch <= self.configs[0].num_epochs and not all(self.diverged):
            self._train_epoch()
        for place, model in enumerate(self.models):
            copy_tensors({name: t[place] for name, t in self._best_state.items()}, own_tensors(model))
            model.eval()

    def step(self, phase: Phase, losses: Callable[..., Tensor], indices: Sequence[Tensor]) -> Tensor:
        """Take one optimiser step along the sum of the models' losses on their batches; return the losses [S]."""
        index = torch.stack(list(indices))
        noise = self._noise(phase.terms, index.shape[1])
        optimiser = self._optimisers[phase.name]
        for parameter in optimiser.parameters:
            parameter.grad = None
        values = losses(as_float(self._data.data[index]), self._data.labels[index], index, noise)
        total, alone = values.sum(), len(optimiser.parameters) == len(self._parameters)
        total.backward() if alone else total.backward(inputs=optimiser.parameters)
        optimiser.step()
        return values.detach()

    def losses(self, phase: Phase, epoch: int) -> Callable[..., Tensor]:
        """Return the function of stacked (x, y, index, noise) that gives each model's loss in a phase [S]."""
        self._base.train()
        each = [model.weights(epoch) for model in self.models]
        names = {name for weights in each for name in weights}
        weights = {n: torch.tensor([w.get(n, 1.0) for w in each], device=self.device) for n in names}
        size = len(self._data)

        def loss(model: Any, weights: dict[str, Tensor], x: Tensor, y: Tensor, index: Tensor, noise: Any) -> Tensor:
            batch = Batch(x, y, index, size)
            return weighted_sum(getattr(model, phase.terms)(batch, Replay(noise)), weights)

        return lambda *batch: self._batched(loss, weights, *batch)

    def _batched(self, function: Callable[..., Tensor], *arguments: Any, in_dims: Any = 0) -> Tensor:
        """Return `function(model, *arguments)` of all models at once, stacked along the first axis."""
        call = Call(self._base, function)

        def one(parameters: Any, buffers: Any, *rest: Any) -> Tensor:
            prefixed = {f"model.{name}": tensor for name, tensor in (parameters | buffers).items()}
            return functional_call(call, prefixed, rest)

        dims = (0, 0, *((in_dims,) * len(arguments)))
        return vmap(one, in_dims=dims)(self._parameters, self._buffers, *arguments)

    def _noise(self, terms: str, length: int) -> list[Tensor]:
        """Return each draw of a training batch for all models, [S, ...], from their own generators."""
        requests = self._requests(terms, length)
        draws = [[drawn(request, generator, self.device) for request in requests] for generator in self._generators]
        return [torch.stack(list(same)) for same in zip(*draws, strict=True)]

    @torch.no_grad()
    def _requests(self, terms: str, length: int) -> list[Draw]:
        """Return what a model draws for a batch of this length, by the name of the method, noted at the first one."""
        if (terms, length) not in self._recorded:
            model, recorder = self.models[0].eval(), Recorder(torch.Generator(self.device).manual_seed(0))
            x = torch.zeros(length, *self._data.data.shape[1:], device=self.device)
            labels = self._data.labels[:1].expand(length, *self._data.labels.shape[1:])
            if terms == "selection_loss":
                self._criterion = model.selection_loss(x, recorder) is not None
            else:
                getattr(model, terms)(Batch(x, labels, torch.arange(length), len(self._data)), recorder)
            self._recorded[terms, length] = recorder.requests
        return self._recorded[terms, length]

    @torch.no_grad()
    def _validate(self) -> Tensor | None:
        """Return the models' selection losses [S], with the noise that a `Trainer` takes; None without a criterion."""
        self._base.eval()
        generator = torch.Generator(self.device).manual_seed(SELECTION_SEED)
        total = torch.zeros(len(self.models), dtype=torch.float64, device=self.device)
        for part in self._validation.split(self.configs[0].per_device_eval_batch_size):
            requests = self._requests("selection_loss", len(part))
            if not self._criterion:
                return None
            noise = [drawn(request, generator, self.device) for request in requests]

            def loss(model: Any, x: Tensor, noise: list[Tensor]) -> Tensor:
                return model.selection_loss(x, Replay(noise))

            total += self._batched(loss, as_float(part), noise, in_dims=None).double().sum(1)
        return total / len(self._validation)

    def train_step(self) -> list[float]:
        """Run (the rest of) an epoch and return each model's mean loss an image."""
        started = time.perf_counter() - self._seconds
        phases = [(phase, self.losses(phase, self._epoch)) for phase in self._phases]
        positions = [loader.state_dict() for loader in self._loaders]
        batches = list(zip(*(loader.epoch() for loader in self._loaders), strict=True))
        for indices in batches[self._done :]:
            for phase, losses in phases:
                values = self.step(phase, losses, indices)
            self._totals += values * len(indices[0])
            self._count, self._done = self._count + len(indices[0]), self._done + 1
            if self.checkpoints and self.checkpoints.due(epoch_ended=False):
                self._seconds = time.perf_counter() - started
                self.checkpoints.save(self._state(positions))
        means = (self._totals / self._count).tolist()
        self.elapsed = time.perf_counter() - started
        self._done, self._seconds, self._count = 0, 0.0, 0
        self._totals.zero_()
        return means

    def _train_epoch(self) -> None:
        train_losses, validation = self.train_step(), self._validate()
        seconds = self.elapsed / len(self.models)
        rate = next(iter(self._optimisers.values())).learning_rate
        for optimiser in self._optimisers.values():
            optimiser.epoch_ended(sum(train_losses))
        for place, train_loss in enumerate(train_losses):
            row = {"epoch": self._epoch, "train_loss": train_loss, "learning_rate": rate, "seconds": seconds}
            if validation is not None:
                row["validation_loss"] = float(validation[place])
            if not (is_finite(train_loss) and is_finite(row.get("validation_loss", 0.0))):
                self.diverged[place] = self.diverged[place] or self._epoch
            for key, value in row.items():
                self.histories[place].setdefault(key, []).append(value)
        self._keep_best(validation)
        if self.epoch_ended:
            shown = validation.mean() if validation is not None else sum(train_losses) / len(train_losses)
            self.epoch_ended({"epoch": self._epoch, "loss": float(shown), "seconds": self.elapsed})
        self._epoch += 1
        if self.checkpoints and self.checkpoints.due(epoch_ended=True):
            self.checkpoints.save(self._state([loader.state_dict() for loader in self._loaders]))

    def _keep_best(self, validation: Tensor | None) -> None:
        better = torch.ones_like(self._best, dtype=torch.bool) if validation is None else validation < self._best
        if validation is not None:
            self._best = torch.where(better, validation, self._best)
        for name, tensor in self._tensors().items():
            kept = self._best_state[name]
            kept.copy_(torch.where(better.view(-1, *[1] * (tensor.ndim - 1)), tensor, kept))

    def _tensors(self) -> dict[str, Tensor]:
        """Return the stacked parameters and buffers, without their history."""
        return {name: tensor.detach() for name, tensor in (self._parameters | self._buffers).items()}

    def _identity(self) -> list[str]:
        return [repr((asdict(c), m.model_config)) for c, m in zip(self.configs, self.models, strict=True)]

    def _state(self, positions: list[dict[str, Tensor]]) -> dict[str, Any]:
        return {
            "identity": self._identity(),
            "progress": [self._epoch, self._done, self._seconds, self._count],
            "totals": self._totals,
            "histories": self.histories,
            "diverged": self.diverged,
            "models": self._tensors(),
            "best": self._best,
            "best_models": self._best_state,
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self._optimisers.items()},
            "loaders": positions,
            "generators": [generator.get_state() for generator in self._generators],
            "random": random_state(),
        }

    def _load_state(self, state: dict[str, Any]) -> None:
        if state["identity"] != self._identity():
            raise ValueError("the stored state is of other trainings; delete its folder")
        self._epoch, self._done, self._seconds, self._count = state["progress"]
        self.histories, self.diverged = state["histories"], state["diverged"]
        self._totals.copy_(state["totals"])
        self._best.copy_(state["best"])
        copy_tensors(state["models"], self._tensors())
        copy_tensors(state["best_models"], self._best_state)
        for name, optimiser in self._optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        for loader, position in zip(self._loaders, state["loaders"], strict=True):
            loader.load_state_dict(position)
        for generator, noise in zip(self._generators, state["generators"], strict=True):
            generator.set_state(noise)
        set_random_state(state["random"])


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

    Those with weight-normalised layers are not: torch computes such weights one model after another.
    """
    a, b = (asdict(model.model_config) for model in (first, other))
    if not isinstance(first, Objective) or starts_from_data(first):
        return False
    if type(first) is not type(other) and (not first.family or getattr(other, "family", "") != first.family):
        return False
    return all(a[key] == b.get(key) for key in a if key not in first.weight_options | {"name"})
