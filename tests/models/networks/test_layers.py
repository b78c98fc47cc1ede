"""Layers that run both ways: exact adjoints, shapes restored, no parameter in a direction that is not used."""

import pytest
import torch

from models.networks.layers import BiConv2d, BiLayer, BiLinear, BiResidualBlock, Flatten, GNoVa, MeanPool
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


@pytest.mark.parametrize("norm", ["batch", "bias"])
def test_directions_keep_their_own_norms_and_biases(norm: str) -> None:
    def layer(direction: str) -> BiLayer:
        return BiLayer(BiConv2d(3, 5, 3, 2, (8, 8)), norm, GNoVa(), direction)  # type: ignore[arg-type]

    weights, per_unit = 9 * 3 * 5, 2 if norm == "batch" else 1
    assert count_parameters(layer("forward")) == weights + 5 * per_unit
    assert count_parameters(layer("reverse")) == weights + 3 * per_unit
    assert count_parameters(layer("both")) == weights + 8 * per_unit


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
