"""A recorded function is the function: to the bit, with what it changes in place, or not recorded at all."""

import warnings

import pytest
import torch
from torch import Tensor
from torch.func import vmap

from bench.training.recorded import Recorded, Results, record


def passes(state: dict[str, Tensor], x: Tensor) -> Results:
    """The gradient of a batched loss by two tensors, one of which it does not depend on, and a count in place."""
    weight, unused = (state[name].detach().requires_grad_() for name in ("weight", "unused"))

    def loss(w: Tensor, x: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(x, w, padding=1).relu().var((0, 2, 3)).sum()

    with torch.enable_grad():
        losses = vmap(loss)(weight, x)
    state["count"].add_(x.mean().abs())
    gradient, none = torch.autograd.grad(losses.sum(), [weight, unused], allow_unused=True)
    return losses.detach(), gradient, none


def arguments(seed: int) -> tuple[dict[str, Tensor], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    state = {"weight": torch.randn(3, 4, 2, 3, 3, generator=generator), "unused": torch.ones(3)}
    return state | {"count": torch.ones(())}, torch.randn(3, 5, 2, 6, 6, generator=generator)


@pytest.mark.filterwarnings("error")
def test_a_recorded_function_computes_and_changes_what_the_function_does() -> None:
    calls = []

    def counted(*given: object) -> Results:
        calls.append(1)
        return passes(*given)  # type: ignore[arg-type]

    recorded = Recorded(counted)
    for seed in range(4):
        (state, x), (own, again) = arguments(seed), arguments(seed)
        losses, gradient, none = recorded(state, x)
        expected = passes(own, again)
        assert none is None and expected[0] is not None and losses is not None and gradient is not None
        assert torch.equal(losses, expected[0]) and torch.equal(gradient, expected[1])
        assert torch.equal(state["count"], own["count"]) and float(state["count"]) > 1
    assert len(calls) == 2  # recorded and checked; never again


def test_a_view_is_recorded_once() -> None:
    def views(x: Tensor) -> Results:
        once, again = x.t(), x.t()
        again.add_(1)
        turned, read = x.to(torch.cfloat).t(), x.view(torch.int64)
        return once * again, turned.conj() + turned, turned._neg_view() - turned, read + x[:, :].long(), x[:0] + x[0:0]

    x = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
    program, _ = record(views, [x.clone()])
    of = [node.target for node in program.graph.nodes if node.op == "call_function"]
    assert [of.count(target) for target in (torch.ops.aten.t.default, torch.ops.aten.view.dtype)] == [2, 1]
    assert all(map(torch.equal, program(x.clone()), views(x.clone())))  # type: ignore[arg-type]


def test_what_nobody_asks_for_is_left_out_but_changes_and_draws_are_not() -> None:
    def wasteful(x: Tensor) -> Results:
        x.sum().exp(), torch.var_mean(x)
        x.view(-1).add_(1)
        torch.randn(2)
        return (x * torch.rand(3),)

    program, _ = record(wasteful, [torch.ones(2, 3)])
    found, expected = torch.ones(2, 3), torch.ones(2, 3)
    torch.manual_seed(0)
    (one,) = program(found)
    torch.manual_seed(0)
    (two,) = wasteful(expected)
    assert two is not None and torch.equal(one, two) and torch.equal(found, expected)
    assert sum(node.op == "call_function" for node in program.graph.nodes) == 5


def test_a_function_that_reads_a_value_is_called_as_it_is() -> None:
    def reads(x: Tensor) -> Results:
        return (x * 2 if float(x.sum()) > 0 else x,)

    recorded = Recorded(reads)
    with pytest.warns(UserWarning, match="not recorded and runs as it is: it reads a value"):
        first = recorded(torch.ones(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = recorded(-torch.ones(2))
    assert [tensor.tolist() for (tensor,) in (first, second)] == [[2.0, 2.0], [-1.0, -1.0]]


def test_a_function_that_counts_its_calls_is_called_as_it_is() -> None:
    count = 0

    def counts(x: Tensor) -> Results:
        nonlocal count
        count += 1
        return (x + count,)

    recorded = Recorded(counts)
    with pytest.warns(UserWarning, match="comes out differently"):
        recorded(torch.zeros(1))
    assert [float(found) for _ in range(2) for found in recorded(torch.zeros(1)) if found is not None] == [4.0, 5.0]


def test_an_error_of_the_function_is_its_own() -> None:
    def wrong(x: Tensor) -> Results:
        raise ZeroDivisionError("no batch")

    with pytest.warns(UserWarning, match="no batch"), pytest.raises(ZeroDivisionError, match="no batch"):
        Recorded(wrong)(torch.zeros(1))


@pytest.mark.filterwarnings("error")
def test_arguments_of_another_form_are_the_functions_own() -> None:
    def weighed(weights: dict[str, Tensor], x: Tensor) -> Results:
        return (x * weights.get("a", torch.ones(())) + weights.get("b", torch.ones(())),)

    recorded, x = Recorded(weighed), torch.ones(2)
    two, three = torch.full((), 2.0), torch.full((), 3.0)
    for weights, expected in (({"a": two}, 3.0), ({"b": three}, 4.0), ({}, 2.0), ({"b": two, "a": three}, 5.0)):
        (found,) = recorded(weights, x)
        assert found is not None and found.tolist() == [expected, expected]
