"""What takes the steps of a training: one model as it is, or several as one batched model."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from pythae.models import BaseAE
from torch import Tensor, nn

from bench.training import recorded
from bench.training.config import TrainerConfig
from bench.training.loader import ImageTensors, Loader
from bench.training.optimisers import Optimiser
from models.networks.weight_norm import starts_from_data

SELECTION_SEED = 20_000  # the noise of the validation criterion: the same in every epoch, run and model


class Diverged(ArithmeticError):
    """A loss that is not finite; the message names the epoch."""


class Engine(ABC):
    """Takes steps for S models on a device: each has an order of images and a noise of its own.

    Losses and tensors have the models along their first axis. The optimisers are by the name of their step.
    """

    def __init__(
        self,
        models: Sequence[BaseAE],
        training: ImageTensors,
        validation: ImageTensors | None,
        configs: Sequence[TrainerConfig],
        device: str,
    ):
        self.models, self.device, self.config = list(models), device, configs[0]
        for model in models:
            if hasattr(model, "check_labels"):
                model.check_labels(training.labels)
        batch_size, labelled = self.config.per_device_train_batch_size, self.config.steps.labelled_batch_size
        self.loaders = [Loader(training, device, batch_size, config.seed, labelled) for config in configs]
        self.generators = [torch.Generator(device).manual_seed(config.seed) for config in configs]
        self.validation = None if validation is None else validation.data.to(device)
        self.optimisers: dict[str, Optimiser] = {}
        self.long_enough = self.config.num_epochs * len(self.loaders[0]) >= recorded.WORTH  # to record a step

    def make_optimisers(
        self, owned: Sequence[tuple[str, Sequence[nn.Parameter]]], rates: Sequence[float] | None = None
    ) -> None:
        """Make one optimiser for each name of a step and its parameters; a step made twice a batch has one.

        `rates` are the learning rates of the models whose parameters are stacked.
        """
        times = Counter(name for name, _ in owned)
        for name, parameters in owned:
            batches = len(self.loaders[0]) * times[name]
            self.optimisers[name] = Optimiser(parameters, self.config, batches, rates)

    def batches(self) -> list[Tensor]:
        """Return the indices of the next epoch's batches, [S, B] each; this advances the orders."""
        return [torch.stack(same) for same in zip(*(loader.epoch() for loader in self.loaders), strict=True)]

    @abstractmethod
    def begin(self, epoch: int) -> None:
        """Prepare for the steps of an epoch."""

    @abstractmethod
    def step(self, index: Tensor) -> Tensor:
        """Take the steps of a batch [S, B] and return the losses [S] (of the last, where there are several)."""

    @abstractmethod
    def selection_losses(self) -> Tensor | None:
        """Return the mean selection loss over all validation images [S]; None without images or a criterion."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Return the parameters and buffers by name, [S, ...], which share memory with the models in training."""

    @abstractmethod
    def finish(self) -> None:
        """Leave in the models what `tensors` holds, in evaluation mode."""

    def positions(self) -> list[dict[str, Tensor]]:
        """Return where the orders of images stand."""
        return [loader.state_dict() for loader in self.loaders]

    def state(self, positions: list[dict[str, Tensor]]) -> dict[str, Any]:
        """Return all that later steps depend on; `positions` are those at the epoch's start."""
        return {
            "tensors": self.tensors(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "loaders": positions,
            "generators": [generator.get_state() for generator in self.generators],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Return to a state."""
        for name, tensor in self.tensors().items():
            tensor.copy_(state["tensors"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        for loader, position in zip(self.loaders, state["loaders"], strict=True):
            loader.load_state_dict(position)
        for generator, noise in zip(self.generators, state["generators"], strict=True):
            generator.set_state(noise)


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return a model's parameters and buffers by name, without their history; a shared tensor once."""
    return {name: t.detach() for name, t in chain(model.named_parameters(), model.named_buffers())}


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
