"""Operations counted by shape: torch's own count, by a closed form, and the same the second time."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from bench.training.operations import OperationCounter

LINEAR, CONV = nn.Linear(5, 7, device="meta"), nn.Conv2d(3, 8, 3, padding=1, device="meta")
NORM = nn.BatchNorm1d(7, device="meta")


def _flops(function: Callable[[], object]) -> int:
    with OperationCounter() as counter:
        function()
    return counter.flops


def _batch(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta", requires_grad=True)


COUNTED = {
    "linear": (lambda: LINEAR(_batch(4, 5)), 2 * 4 * 5 * 7),
    "convolution": (lambda: CONV(_batch(4, 3, 6, 6)), 2 * 4 * 36 * 3 * 9 * 8),
    "backward": (lambda: LINEAR(_batch(4, 5)).sum().backward(), 3 * 2 * 4 * 5 * 7),
    "batched": (lambda: torch.bmm(_batch(2, 3, 4), _batch(2, 4, 5)), 2 * 2 * 3 * 4 * 5),
    "nothing": (lambda: torch.relu(_batch(4, 5)) + 1, 0),
}


@pytest.mark.parametrize("name", COUNTED)
def test_counts_are_the_closed_forms_and_the_same_when_shapes_are_known(name: str) -> None:
    function, expected = COUNTED[name]
    assert [_flops(function) for _ in range(3)] == [expected] * 3


def test_other_shapes_types_and_constants_are_other_operations() -> None:
    with OperationCounter():
        for _ in range(2):
            assert LINEAR(_batch(4, 5)).shape == (4, 7)
            assert LINEAR(_batch(9, 5)).shape == (9, 7)
            assert _batch(6, 4).sum(0).shape == (4,)
            assert _batch(6, 4).sum(1).shape == (6,)
            assert torch.zeros(3, device="meta", dtype=torch.long).mul(2).dtype == torch.long
            assert torch.zeros(3, device="meta", dtype=torch.long).mul(2.0).dtype == torch.float32
            assert torch.empty(4, 5, device="meta").t().contiguous().stride() == (4, 1)
            assert [part.shape for part in torch.var_mean(_batch(6, 4), 0)] == [(4,), (4,)]


def test_what_changes_or_shares_an_argument_still_does() -> None:
    with OperationCounter():
        for _ in range(2):
            x = torch.empty(4, 5, device="meta")
            assert x.add_(1) is x
            assert x.view(20)._base is x


def test_a_network_counts_as_torch_counts_it() -> None:
    def step() -> None:
        hidden = NORM(LINEAR(_batch(4, 5)))
        F.binary_cross_entropy_with_logits(hidden @ hidden.t(), torch.zeros(4, 4, device="meta")).backward()

    with FlopCounterMode(display=False) as counter:
        step()
    assert _flops(step) == _flops(step) == counter.get_total_flops() > 0


def test_a_value_that_is_not_there_is_an_error_each_time() -> None:
    for _ in range(2):
        with OperationCounter(), pytest.raises(RuntimeError):
            float(_batch(1).detach().sum())
