"""The settings of a training, and what they make: an optimiser and a schedule for a list of parameters."""

from collections.abc import Iterable
from dataclasses import field
from typing import Literal

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.trainers import BaseTrainerConfig
from torch.optim import lr_scheduler

TRACE, TRACE_STEPS = 1e-30, 128  # a moment below the first moves no weight; looked for every so many steps
_FUSED = ("Adam", "AdamW", "SGD", "Adagrad")  # optimisers with a fused step on every device


@dataclass(config=ConfigDict(extra="forbid"))
class TrainerConfig(BaseTrainerConfig):
    """Pythae's training settings with the study's defaults: AdamW, and OneCycleLR stepped per batch.

    BVAE names the optimiser and the schedule and no number; the defaults are ours. Unlike Pythae's, creating it
    changes no environment variable.

    labelled_batch_size  labelled images at the head of each batch of unlabelled ones (label -1); None: one stream
    clip_norm            longest gradient of a step, over all its parameters: a longer one is shortened to it
    clip_value           largest size of an element of the gradient, after that
    precision            of the networks in training: "auto" is bfloat16 on an accelerator, float32 on a processor;
                         likelihoods, divergences, weights and optimisers are float32 always
    capture              take each step's forward and backward pass as one graph: a CUDA graph that is replayed, or on a
                         processor compiled code, which takes some seconds once a training and a C++ compiler
    """

    per_device_train_batch_size: int = 128
    per_device_eval_batch_size: int = 500
    num_epochs: int = 100
    learning_rate: float = 1e-3
    optimizer_cls: str = "AdamW"
    optimizer_params: dict | None = field(default_factory=lambda: {"weight_decay": 1e-4})
    scheduler_cls: str | None = "OneCycleLR"
    scheduler_params: dict | None = field(default_factory=lambda: {"pct_start": 0.3})
    seed: int = 0
    labelled_batch_size: int | None = None
    clip_norm: float | None = None
    clip_value: float | None = None
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    capture: bool = False

    def __post_init__(self) -> None:
        self.name = type(self).__name__


class Optimiser:
    """One optimiser and its schedule: OneCycleLR moves after each batch, any other schedule after each epoch.

    `stacked` parameters are those of several models along the first axis, whose gradients have a length each.

    Where a unit has died its gradient is zero, and its moments decay by 0.9 a step until they are denormal numbers, on
    which a processor is slow (`bench.perf.trainer`: the epochs from the ninth on beside the first).
    Moments below `TRACE` are set to zero before they get there.
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        config: BaseTrainerConfig,
        batches: int,
        stacked: bool = False,
    ):
        self.parameters, self._stacked = distinct(parameters), stacked
        self._steps = 0
        self._clip_norm, self._clip_value = getattr(config, "clip_norm", None), getattr(config, "clip_value", None)
        options = ({"fused": True} if config.optimizer_cls in _FUSED else {}) | (config.optimizer_params or {})
        optimizer_class = getattr(torch.optim, config.optimizer_cls)
        self.optimizer: torch.optim.Optimizer = optimizer_class(self.parameters, lr=config.learning_rate, **options)
        self.schedule: lr_scheduler.LRScheduler | None = None
        self._per_batch = config.scheduler_cls == "OneCycleLR"
        if config.scheduler_cls is not None:
            options = config.scheduler_params or {}
            if self._per_batch:
                options = {"max_lr": config.learning_rate, "total_steps": batches * config.num_epochs} | options
            self.schedule = getattr(lr_scheduler, config.scheduler_cls)(self.optimizer, **options)

    def step(self) -> None:
        """Take a step along the gradients, which are clipped and stay."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        if self._clip_norm is not None:
            self._shorten(gradients, self._clip_norm)
        if self._clip_value is not None:
            torch._foreach_clamp_min_(gradients, -self._clip_value)
            torch._foreach_clamp_max_(gradients, self._clip_value)
        self.optimizer.step()
        self._steps += 1
        if self._steps % TRACE_STEPS == 0:
            self._drop_traces()
        if self._per_batch and self.schedule is not None:
            self.schedule.step()

    def _drop_traces(self) -> None:
        for state in self.optimizer.state.values():
            for moment in state.values():
                if isinstance(moment, torch.Tensor) and moment.device.type == "cpu":
                    moment.masked_fill_(moment.abs() < TRACE, 0)

    def _shorten(self, gradients: list[torch.Tensor], most: float) -> None:
        rows = [g.reshape(len(g) if self._stacked else 1, -1) for g in gradients]
        lengths = torch.stack([row.norm(dim=1) for row in rows]).norm(dim=0)  # [models]
        scale = (most / lengths).clamp(max=1)
        for g in gradients:
            g.mul_(scale.view(-1, *[1] * (g.ndim - 1)) if self._stacked else scale[0])

    def epoch_ended(self, loss: float) -> None:
        """Move a schedule that goes by epochs; `loss` is for those that watch it."""
        if isinstance(self.schedule, lr_scheduler.ReduceLROnPlateau):
            self.schedule.step(loss)
        elif self.schedule is not None and not self._per_batch:
            self.schedule.step()

    @property
    def learning_rate(self) -> float:
        """The present learning rate."""
        return float(self.optimizer.param_groups[0]["lr"])

    def state_dict(self) -> dict:
        """Return the states of both."""
        return {
            "steps": self._steps,
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Put both into a state."""
        self._steps = state["steps"]
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])


def distinct(parameters: Iterable[torch.nn.Parameter]) -> list[torch.nn.Parameter]:
    """Return each tensor once: a shared weight takes one optimiser step."""
    return list({id(p): p for p in parameters}.values())
