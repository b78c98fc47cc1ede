"""Layers that run both ways: exact adjoints, shapes restored, no parameter in a direction that is not used."""

from typing import get_args

import pytest
import torch
from torch import nn

from models.networks.kinds import Norm
from models.networks.layers import BiLayer, BiResidualBlock, Direction, GNoVa
from models.networks.linear import BiConv2d, BiLinear, Flatten, MeanPool
from models.networks.two_way import count_parameters

SIZES = [1, 2, 3, 4, 7, 8, 14, 16, 28, 32, 64]  # every side that a network of the suites has, and an odd one more
DOUBLE = torch.float64


def inner(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a * b).sum().detach())


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", SIZES)
def test_convolution_and_its_reverse_are_adjoint(size: int, stride: int) -> None:
    conv = BiConv2d(3, 5, 3, stride, (size, size)).to(DOUBLE)
    x = torch.randn(2, 3, size, size, dtype=DOUBLE)
    y = torch.randn(2, *conv.out_shape, dtype=DOUBLE)
    assert conv(x).shape == y.shape and conv.reverse(y).shape == x.shape
    assert inner(conv(x), y) == pytest.approx(inner(x, conv.reverse(y)), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("kernel", [1, 5])
def test_adjoint_holds_for_other_kernels_and_oblong_images(kernel: int) -> None:
    conv = BiConv2d(2, 3, kernel, 2, (7, 10)).to(DOUBLE)
    x, y = torch.randn(1, 2, 7, 10, dtype=DOUBLE), torch.randn(1, *conv.out_shape, dtype=DOUBLE)
    assert inner(conv(x), y) == pytest.approx(inner(x, conv.reverse(y)))


def test_linear_reverse_is_the_transpose() -> None:
    linear = BiLinear(4, 3)
    assert torch.allclose(linear.reverse(torch.eye(3)), linear.weight)
    assert torch.allclose(linear(torch.eye(4)), linear.weight.t())


@pytest.mark.parametrize(("channels", "stride", "size"), [(4, 1, 6), (6, 1, 6), (6, 2, 6), (8, 2, 7), (6, 2, 1)])
def test_skip_and_its_reverse_are_adjoint_and_free(channels: int, stride: int, size: int) -> None:
    block = BiResidualBlock(4, channels, stride, (size, size), "bias", GNoVa(), "both")
    x, y = torch.randn(2, 4, size, size), torch.randn(2, *block.out_shape)
    assert inner(block.skip(x), y) == pytest.approx(inner(x, block.skip_reverse(y)), rel=1e-4, abs=1e-5)
    kernels = 9 * (4 * channels + channels * channels)
    biases = 2 * channels + (4 + channels)  # forward: each convolution's outputs; reverse: each one's inputs
    assert count_parameters(block) == kernels + biases


@pytest.mark.parametrize("layer", [MeanPool((3, 4, 5)), Flatten((3, 4, 5))])
def test_pool_and_flatten_are_adjoint(layer: MeanPool | Flatten) -> None:
    x, y = torch.randn(2, 3, 4, 5), torch.randn(2, *layer.out_shape)
    assert inner(layer(x), y) == pytest.approx(inner(x, layer.reverse(y)), rel=1e-4, abs=1e-5)


def test_residual_block_computes_its_equations() -> None:
    activation = GNoVa()
    block = BiResidualBlock(2, 2, 1, (4, 4), "bias", activation, "both")
    x = torch.randn(1, 2, 4, 4)
    w1, w2 = block.first.weight, block.second.weight
    h = activation(torch.conv2d(x, w1, padding=1))
    assert torch.allclose(block(x), activation(torch.conv2d(h, w2, padding=1) + x), atol=1e-6)
    g = activation(torch.conv_transpose2d(x, w2, padding=1))
    assert torch.allclose(block.reverse(x), activation(torch.conv_transpose2d(g, w1, padding=1) + x), atol=1e-6)


def test_gnova_is_its_formula_and_strictly_increasing() -> None:
    x = torch.linspace(-30, 30, 2001, dtype=DOUBLE, requires_grad=True)
    for alpha, beta in [(0.2, 1.0), (0.1, 2.5)]:
        y = GNoVa(alpha, beta)(x)
        assert torch.allclose(y, alpha * x + x * torch.sigmoid(beta * x))
        (slope,) = torch.autograd.grad(y.sum(), x)
        assert slope.min() > 0


NORMS: tuple[Norm, ...] = get_args(Norm)


@pytest.mark.parametrize("norm", NORMS)
def test_directions_keep_their_own_norms_and_biases(norm: str) -> None:
    def layer(direction: Direction) -> BiLayer:
        return BiLayer(BiConv2d(3, 5, 3, 2, (8, 8)), norm, GNoVa(), direction)

    weights, per_unit = 9 * 3 * 5, 1 if norm in ("bias", "start") else 2
    assert count_parameters(layer("forward")) == weights + 5 * per_unit
    assert count_parameters(layer("reverse")) == weights + 3 * per_unit
    assert count_parameters(layer("both")) == weights + 8 * per_unit


def _layer(kind: str, norm: Norm, direction: Direction) -> BiLayer:
    torch.manual_seed(0)
    linear = BiConv2d(32, 64, 3, 2, (16, 16)) if kind == "convolution" else BiLinear(400, 900)
    return BiLayer(linear, norm, nn.Identity(), direction)


@pytest.mark.parametrize("norm", ["gain", "weight", "start"])
@pytest.mark.parametrize(("kind", "size"), [("convolution", 2.0), ("linear", 1.0)])  # He's 2, before a rectifier; 1
def test_a_scale_of_each_direction_keeps_the_size_of_what_comes_in(kind: str, size: float, norm: Norm) -> None:
    for direction in ("forward", "reverse"):
        layer = _layer(kind, norm, direction)
        shape = layer.in_shape if direction == "forward" else layer.out_shape
        x = torch.randn(64, *shape)
        y = layer(x) if direction == "forward" else layer.reverse(x)
        inside = y[..., 1:-1, 1:-1] if y.dim() == 4 else y  # past the zeros of the padding
        assert float(inside.detach().var()) == pytest.approx(size, rel=0.06)


@pytest.mark.parametrize("kind", ["convolution", "linear"])
def test_both_directions_start_as_they_do_alone_or_between(kind: str) -> None:
    alone = [_layer(kind, "start", way).linear.weight.std() for way in ("forward", "reverse")]
    torch.testing.assert_close(_layer(kind, "start", "both").linear.weight.std(), (alone[0] * alone[1]).sqrt())


@pytest.mark.parametrize("kind", ["convolution", "linear"])
@pytest.mark.parametrize("norm", ["gain", "weight"])
def test_each_direction_has_its_scale_on_one_tensor(kind: str, norm: Norm) -> None:
    layer = _layer(kind, norm, "both")
    with torch.no_grad():
        for after in (layer.after_forward, layer.after_reverse):
            after.gain.copy_(torch.rand_like(after.gain) + 0.5)
            after.bias.normal_()
    weight, forward, reverse = layer.linear.weight, layer.after_forward, layer.after_reverse
    rows = weight.flatten(1).norm(dim=1) if norm == "weight" else torch.ones(len(weight))
    columns = weight.transpose(0, 1).flatten(1).norm(dim=1) if norm == "weight" else torch.ones(weight.shape[1])
    x, y = torch.randn(2, *layer.in_shape), torch.randn(2, *layer.out_shape)
    ends = (1, -1, 1, 1) if kind == "convolution" else (1, -1)
    expected = layer.linear(x) * (forward.gain / rows).view(ends) + forward.bias.view(ends)
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-4)
    expected = layer.linear.reverse(y) * (reverse.gain / columns).view(ends) + reverse.bias.view(ends)
    torch.testing.assert_close(layer.reverse(y), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", ["gain", "weight"])
def test_a_direction_that_is_not_trained_runs_on_the_weights_as_they_are(norm: Norm) -> None:
    layer = _layer("convolution", norm, "forward")
    y = torch.randn(2, *layer.out_shape)
    assert layer.after_reverse.gain is None and torch.equal(layer.reverse(y), layer.linear.reverse(y))


def test_running_one_direction_leaves_the_statistics_of_the_other() -> None:
    layer = BiLayer(BiConv2d(3, 5, 3, 2, (8, 8)), "batch", GNoVa(), "both").train()
    layer(torch.randn(4, 3, 8, 8) + 3)
    assert layer.after_forward.normalise.num_batches_tracked == 1
    assert layer.after_reverse.normalise.num_batches_tracked == 0


def test_gnova_has_its_second_derivative() -> None:
    x = torch.linspace(-3, 3, 13).double().requires_grad_()
    s = x.sigmoid()
    slope = (0.2 + s * (1 + x * (1 - s))).detach()  # of 0.2 x + x s(x), as s' = s (1 - s)
    for create_graph in (False, True):
        (found,) = torch.autograd.grad(GNoVa()(x).sum(), x, create_graph=create_graph)
        torch.testing.assert_close(found.detach(), slope)
    curvature = s * (1 - s) * (2 + x * (1 - 2 * s))
    torch.testing.assert_close(torch.autograd.grad(found.sum(), x)[0], curvature.detach())
    assert torch.autograd.gradgradcheck(GNoVa(), x)
