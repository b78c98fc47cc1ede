"""The optimiser's settings: clipping of one model's and of several models' gradients, and a schedule that stays."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.training.config import TrainerConfig
from bench.training.optimisers import Optimiser, fused_adam
from bench.training.settings import StepSettings


def optimiser(parameters: list[nn.Parameter], *, rates: list[float] | None = None, **settings: Any) -> Optimiser:
    plain = {"optimizer_cls": "SGD", "optimizer_params": {}, "learning_rate": 1.0, "scheduler_cls": None}
    steps = StepSettings(
        **{key: settings.pop(key) for key in ("clip_norm", "clip_value", "early_epsilon") if key in settings}
    )
    return Optimiser(parameters, TrainerConfig(**plain | settings, steps=steps), batches=4, rates=rates)


def step(gradients: list[Tensor], *, rates: list[float] | None = None, **settings: Any) -> list[Tensor]:
    """The steps that gradients give from zero: their negatives, as far as they are not clipped."""
    parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    optimiser(parameters, rates=rates, **settings).step()
    return [-p.detach() for p in parameters]


def test_a_gradient_longer_than_the_norm_is_shortened_and_keeps_its_direction() -> None:
    gradients = [torch.tensor([[3.0, 0.0]]), torch.tensor([0.0, 4.0])]
    moved = step(gradients, clip_norm=2.5)
    torch.testing.assert_close(moved, [g / 2 for g in gradients])
    torch.testing.assert_close(step(gradients, clip_norm=5.1), gradients)


def test_elements_are_clipped_after_the_norm() -> None:
    (moved,) = step([torch.tensor([30.0, -40.0, 0.0])], clip_norm=5.0, clip_value=3.5)
    torch.testing.assert_close(moved, torch.tensor([3.0, -3.5, 0.0]))


def test_each_of_several_models_is_clipped_by_its_own_norm() -> None:
    one = [torch.tensor([[3.0, 0.0]]), torch.tensor([0.0, 4.0])]
    other = [torch.tensor([[0.3, 0.0]]), torch.tensor([0.0, 0.4])]
    together = step([torch.stack(pair) for pair in zip(one, other, strict=True)], rates=[1.0, 1.0], clip_norm=2.5)
    for place, alone in enumerate((one, other)):
        torch.testing.assert_close([t[place] for t in together], step(alone, clip_norm=2.5))


def test_each_of_several_models_moves_by_its_own_rate() -> None:
    together = step([torch.tensor([[3.0, -1.0], [3.0, -1.0]])], rates=[1.0, 0.25])
    torch.testing.assert_close(together, [torch.tensor([[3.0, -1.0], [0.75, -0.25]])])


def test_a_gradient_of_zeros_stays() -> None:
    (moved,) = step([torch.zeros(3)], clip_norm=1.0, clip_value=1.0)
    assert torch.equal(moved, torch.zeros(3))


@pytest.mark.parametrize("schedule", [None, "OneCycleLR"])
def test_without_a_schedule_the_learning_rate_is_constant(schedule: str | None) -> None:
    parameter = nn.Parameter(torch.zeros(1))
    parameter.grad = torch.ones(1)
    own = optimiser([parameter], scheduler_cls=schedule, learning_rate=0.5, num_epochs=1)
    rates = []
    for _ in range(4):
        rates.append(own.learning_rate)
        own.step()
    own.epoch_ended(0.0)
    assert (rates == [0.5] * 4) == (schedule is None)


def test_moments_of_a_dead_unit_never_become_denormal_and_the_weights_are_those_of_plain_adam() -> None:
    settings = {"optimizer_cls": "Adam", "optimizer_params": {}, "learning_rate": 1e-3}
    generator = torch.Generator().manual_seed(0)
    mine, plain = (nn.Parameter(torch.linspace(-1, 1, 8)) for _ in range(2))
    own, other = optimiser([mine], **settings), torch.optim.Adam([plain], lr=1e-3, fused=True)
    slow = {"mine": 0, "plain": 0}
    for number in range(1500):
        gradient = torch.randn(8, generator=generator) if number < 10 else torch.zeros(8)
        for parameter in (mine, plain):
            parameter.grad = gradient
        own.step()
        other.step()
        for name, state in (("mine", own.optimizer.state[mine]), ("plain", other.state[plain])):
            slow[name] += bool(((state["exp_avg"] != 0) & (state["exp_avg"].abs() < 1.2e-38)).any())
    assert torch.equal(mine, plain)
    assert slow["plain"] > 500 and slow["mine"] == 0


@pytest.mark.parametrize(
    ("name", "params", "direct"),
    [
        ("Adam", {"weight_decay": 0.1}, True),
        ("AdamW", {"weight_decay": 0.1, "betas": (0.5, 0.9), "eps": 1e-3}, True),
        ("AdamW", {"amsgrad": True}, False),
        ("Adam", {"maximize": True}, False),
        ("Adam", {"fused": False}, False),
        ("Adamax", {}, False),
    ],
)
def test_a_step_is_that_of_torch_to_the_bit(name: str, params: dict[str, Any], direct: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    mine, plain = ([nn.Parameter(torch.linspace(-1, 1, n)) for n in (3, 8)] for _ in range(2))
    settings = {"optimizer_cls": name, "optimizer_params": params, "scheduler_cls": "OneCycleLR", "num_epochs": 3}
    own = optimiser(mine, **settings)
    torchs: dict[str, Any] = {"fused": True} if direct or "amsgrad" in params or "maximize" in params else {}
    other = getattr(torch.optim, name)(plain, lr=1.0, **torchs | params)
    schedule = torch.optim.lr_scheduler.OneCycleLR(other, max_lr=1.0, total_steps=12)
    for number in range(10):
        for one, two in zip(mine, plain, strict=True):
            one.grad = two.grad = torch.randn(len(one), generator=generator)
        if number == 7:  # a parameter that the loss does not depend on
            mine[1].grad = plain[1].grad = None
        if number == 4:
            state = copy.deepcopy(own.state_dict())
            own = optimiser(mine, **settings)
            own.load_state_dict(state)
        own.step()
        other.step()
        schedule.step()
        assert all(map(torch.equal, mine, plain))
        if number in (2, 6):
            assert (fused_adam(own.optimizer, mine) is not None) == direct
    assert fused_adam(own.optimizer, mine) is None  # one has taken a step less


def test_the_count_of_steps_is_in_the_state() -> None:
    own = optimiser([nn.Parameter(torch.ones(1))])
    for _ in range(3):
        own.parameters[0].grad = torch.ones(1)
        own.step()
    again = optimiser([nn.Parameter(torch.ones(1))])
    again.load_state_dict(own.state_dict())
    assert again.state_dict()["steps"] == 3


def test_an_early_epsilon_is_added_before_the_second_moment_is_corrected_as_in_lasagne() -> None:
    gradient, rate, epsilon, (first, second) = 1e-3, 0.01, 1e-4, (0.9, 0.999)
    parameter, m, v, x = nn.Parameter(torch.zeros(1)), 0.0, 0.0, 0.0
    params = {"weight_decay": 0.0, "eps": epsilon, "betas": (first, second)}
    own = optimiser([parameter], optimizer_cls="AdamW", optimizer_params=params, learning_rate=rate, early_epsilon=True)
    for t in range(1, 6):
        parameter.grad = torch.full((1,), gradient * t)
        own.step()
        m, v = first * m + (1 - first) * gradient * t, second * v + (1 - second) * (gradient * t) ** 2
        x -= rate * (1 - second**t) ** 0.5 / (1 - first**t) * m / (v**0.5 + epsilon)
        assert float(parameter.detach()) == pytest.approx(x, rel=1e-4)
