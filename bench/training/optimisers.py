"""An optimiser and a schedule for a list of parameters."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch.optim import lr_scheduler

from bench.training.config import TrainerConfig

TRACE, TRACE_STEPS = 1e-30, 128  # a moment below the first moves no weight; looked for every so many steps
_FUSED = ("Adam", "AdamW", "SGD", "Adagrad")  # optimisers with a fused step on every device


class Optimiser:
    """One optimiser and its schedule: OneCycleLR moves after each batch, any other schedule after each epoch.

    With `rates` the parameters are those of several models along the first axis, whose gradients have a length each and
    which learn at a rate each: a step of the configuration's rate is made as much longer for each model as its rate is,
    which it is in each of torch's optimisers of the Adam family, AdamW's decay and every schedule included.

    Where a unit has died its gradient is zero, and its moments decay by 0.9 a step until they are denormal numbers, on
    which a processor is slow (`bench.perf.trainer`: the epochs from the ninth on beside the first).
    Moments below `TRACE` are set to zero before they get there.
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        config: TrainerConfig,
        batches: int,
        rates: Sequence[float] | None = None,
    ):
        self.parameters, self._stacked = distinct(parameters), rates is not None
        relative = [rate / config.learning_rate for rate in rates or ()]
        self._relative = relative if any(ratio != 1 for ratio in relative) else []
        self._steps = 0
        self._limits, self._early = config.steps.limits, config.steps.early_epsilon
        options = ({"fused": True} if config.optimizer_cls in _FUSED else {}) | (config.optimizer_params or {})
        optimizer_class = getattr(torch.optim, config.optimizer_cls)
        self.optimizer: torch.optim.Optimizer = optimizer_class(self.parameters, lr=config.learning_rate, **options)
        self._epsilon = self.optimizer.param_groups[0].get("eps", 0.0)
        self._fused: Callable[[], None] | None = None
        self._first = True  # the next step is the first, or the first from a state
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
        longest, largest = self._limits
        if longest is not None:
            self._shorten(gradients, longest)
        if largest is not None:
            torch._foreach_clamp_min_(gradients, -largest)
            torch._foreach_clamp_max_(gradients, largest)
        self._steps += 1
        if self._early:
            for group in self.optimizer.param_groups:
                group["eps"] = self._epsilon / math.sqrt(1 - group["betas"][1] ** self._steps)
        before = [parameter.detach().clone() for parameter in self.parameters] if self._relative else []
        self._move(len(gradients))
        for parameter, old in zip(self.parameters, before, strict=bool(before)):
            ratio = old.new_tensor(self._relative).view(-1, *[1] * (old.ndim - 1))
            parameter.data.copy_(old.lerp(parameter.data, ratio))
        if self._steps % TRACE_STEPS == 0:
            self._drop_traces()
        if self._per_batch and self.schedule is not None:
            self.schedule.step()

    def _move(self, moved: int) -> None:
        """Take the optimiser's step: from the second on its kernel alone, while all parameters have gradients
        and nobody hooks into it.
        """
        watched = self.optimizer._optimizer_step_pre_hooks or self.optimizer._optimizer_step_post_hooks
        if self._fused is not None and moved == len(self.parameters) and not watched:
            self._fused()
            return
        self._part_counts()
        self.optimizer.step()
        if self._first:
            self._fused = fused_adam(self.optimizer, self.parameters)
        self._first = False

    def _part_counts(self) -> None:
        """Give each parameter a count of steps of its own again, as torch's step takes it."""
        for state in self.optimizer.state.values() if self._fused or self._first else ():
            if isinstance(state.get("step"), torch.Tensor):
                state["step"] = state["step"].clone()
        self._fused = None

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

    def state_dict(self) -> dict[str, Any]:
        """Return the states of both."""
        return {
            "steps": self._steps,
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put both into a state."""
        self._steps = state["steps"]
        self.optimizer.load_state_dict(state["optimizer"])
        self._fused, self._first = None, True
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])


def fused_adam(optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter]) -> Callable[[], None] | None:
    """Return the step of a fused Adam or AdamW that has taken as many along all parameters; None for anything else.

    It does what the optimiser's own does, but neither collects moments anew nor counts for each parameter, which takes
    longer than moving small ones: they have one count from now on.
    """
    (group, *others), states = optimizer.param_groups, [optimizer.state[p] for p in parameters if p in optimizer.state]
    if not isinstance(optimizer, (torch.optim.Adam, torch.optim.AdamW)) or others or len(states) < len(parameters):
        return None
    alike = len({(parameter.device, parameter.dtype) for parameter in parameters}) == 1
    if not alike or not group["fused"] or group["amsgrad"] or group["maximize"] or torch.is_tensor(group["lr"]):
        return None
    decoupled = isinstance(optimizer, torch.optim.AdamW) or group.get("decoupled_weight_decay")
    kernel: Callable[..., None] = torch._fused_adamw_ if decoupled else torch._fused_adam_
    first, second = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq"))
    count = states[0]["step"]
    if any(state["step"] != count for state in states):
        return None
    for state in states:
        state["step"] = count
    counts = [count] * len(states)

    @torch.no_grad()
    def step() -> None:
        gradients = [parameter.grad for parameter in parameters]
        own = {name: group[name] for name in ("lr", "weight_decay", "eps", "amsgrad", "maximize")}
        own["beta1"], own["beta2"] = group["betas"]
        count.add_(1)
        kernel(parameters, gradients, first, second, [], counts, **own)

    return step


def distinct(parameters: Iterable[torch.nn.Parameter]) -> list[torch.nn.Parameter]:
    """Return each tensor once: a shared weight takes one optimiser step."""
    return list({id(p): p for p in parameters}.values())
