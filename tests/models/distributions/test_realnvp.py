"""The flow: each coupling and the whole stack against autograd's Jacobian, and there and back."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.runs.train import build
from bench.study.suite import expand, load
from models.distributions.realnvp import (
    ChannelCoupling,
    CheckerboardCoupling,
    RealNVP,
    code_shape,
    convolutions,
    dense,
    squeeze,
    squeeze_alternately,
    unsqueeze_alternately,
)

SHAPE = (2, 4, 4)


def moved(module: nn.Module) -> Any:
    """The module in float64 with weights that are not those of the identity."""
    generator = torch.Generator().manual_seed(0)
    for parameter in module.double().parameters():
        with torch.no_grad():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator).double())
    return module


def made(kind: str) -> Any:
    if kind == "stack":
        return moved(RealNVP(32, convolutions(5)))
    if kind == "dense stack":
        return moved(RealNVP(32, dense(2, 1)))
    coupling = {"checkerboard": CheckerboardCoupling, "channels": ChannelCoupling}[kind.split()[0]]
    return moved(coupling(SHAPE, kind.endswith("odd"), convolutions(5)))


def points(kind: str) -> Tensor:
    shape = (32,) if kind.endswith("stack") else SHAPE
    return torch.randn(3, *shape, generator=torch.Generator().manual_seed(1)).double()


KINDS = pytest.mark.parametrize(
    "kind", ["checkerboard even", "checkerboard odd", "channels even", "channels odd", "stack", "dense stack"]
)


@KINDS
def test_the_log_determinant_is_that_of_autograds_jacobian(kind: str) -> None:
    flow, z = made(kind), points(kind)
    _, log_det = flow(z)
    for i in range(len(z)):
        jacobian = torch.autograd.functional.jacobian(lambda x: flow(x[None])[0][0], z[i])
        matrix = jacobian.reshape(z[i].numel(), -1)
        assert log_det[i].item() == pytest.approx(torch.linalg.slogdet(matrix)[1].item(), abs=1e-9)
    assert log_det.abs().min() > 1e-3


@KINDS
def test_the_inverse_undoes_it(kind: str) -> None:
    flow, z = made(kind), points(kind)
    u, _ = flow(z)
    assert not torch.allclose(u, z)
    assert torch.allclose(flow.inverse(u), z, atol=1e-10)
    assert torch.allclose(flow(flow.inverse(z))[0], z, atol=1e-10)


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("kind", [CheckerboardCoupling, ChannelCoupling])
def test_one_half_stays_and_the_two_parities_share_the_work(kind: Any, odd: bool) -> None:
    z = points("coupling")
    stays = [moved(kind(SHAPE, o, convolutions(5)))(z)[0] == z for o in (odd, not odd)]
    assert [int(s.sum()) for s in stays] == [z.numel() // 2] * 2
    assert torch.equal(stays[0], ~stays[1])


def test_a_checkerboard_alternates_along_rows_and_columns() -> None:
    mask = CheckerboardCoupling(SHAPE, False, convolutions(5)).mask
    assert mask.tolist() == [[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]


def test_the_stack_starts_as_a_permutation() -> None:
    z = torch.randn(4, 32)
    u, log_det = RealNVP(32, convolutions(5))(z)
    assert torch.equal(u.sort(1).values, z.sort(1).values)
    assert torch.equal(log_det, torch.zeros(4))


def test_it_has_the_ten_couplings_of_the_paper_and_every_number_of_a_code_moves_in_them() -> None:
    flow = moved(RealNVP(32, convolutions(5)))
    assert [len(part) for part in (flow.fields, flow.channels, flow.last)] == [3, 3, 4]
    assert [bool(layer.odd) for layer in flow.channels] == [False, True, False]
    for part, odd in ((flow.fields, [0, 1, 0]), (flow.last, [0, 1, 0, 1])):
        assert [layer.mask[0, 1].item() for layer in part] == [1 - k for k in odd]
    base = torch.randn(1, 32).double()
    jacobian = torch.autograd.functional.jacobian(lambda z: flow(z)[0][0], base)[:, 0]
    assert (jacobian.abs().sum(0) > 0).all()
    assert (jacobian.abs() > 1e-12).float().mean() > 0.5  # numbers depend on most others


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_flow_and_the_whole_model_of_the_papers_preset_have_the_parameters_of_its_code() -> None:
    """RealNVP 11.41 M, the VAE 34.28 M (22.86 M without), where the paper prints 32 M and 20 M."""
    runs = expand(load("selfvae-cifar10", "paper"), "selfvae-cifar10", "paper", seeds=[0], shape=(3, 32, 32))
    by_row = {run.row: run for run in runs}
    with torch.device("meta"):
        model = build(by_row["VAE + RealNVP"], (3, 32, 32))
        plain = build(by_row["VAE"], (3, 32, 32))
    assert parameters(model.trained_prior) == pytest.approx(11.41e6, rel=0.01)
    assert parameters(model) == pytest.approx(34.28e6, rel=0.01)
    assert parameters(plain) == pytest.approx(22.86e6, rel=0.01)
    flows = {row: run.options["prior"] for row, run in by_row.items() if "RealNVP" in row or "selfVAE" in row}
    assert len(flows) == 4 and all(prior["dense"] == [64, 5] for prior in flows.values())


def test_squeezing_keeps_fields_together_and_the_alternate_order_puts_one_diagonal_first() -> None:
    z = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert squeeze(z)[0, :, 0, 0].tolist() == [0, 1, 4, 5]
    assert squeeze_alternately(z)[0, :, 0, 0].tolist() == [0, 5, 1, 4]
    colour = torch.randn(2, 3, 4, 6)
    assert torch.equal(unsqueeze_alternately(squeeze_alternately(colour)), colour)


@pytest.mark.parametrize(
    ("size", "shape"),
    [(16, (1, 4, 4)), (32, (2, 4, 4)), (64, (4, 4, 4)), (128, (8, 4, 4)), (1024, (16, 8, 8)), (4096, (16, 16, 16))],
)
def test_codes_are_seen_as_maps(size: int, shape: tuple[int, int, int]) -> None:
    assert code_shape(size) == shape


@pytest.mark.parametrize("size", [4, 24, 100])
def test_codes_that_are_no_such_maps_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"multiple of 16 numbers, not of {size}"):
        RealNVP(size, convolutions(4))
