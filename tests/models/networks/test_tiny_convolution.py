"""Convolution of images of a few pixels as matrix products: equal to torch's, both ways, with all gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import vmap

from models.kernels.tiny_convolution import suits, tiny_conv2d, tiny_conv_transpose2d
from models.networks.layers import BiConv2d

CASES = [  # in, out, kernel, stride, (H, W)
    (5, 7, 3, 1, (2, 2)),
    (5, 7, 3, 2, (4, 4)),
    (5, 7, 3, 2, (3, 4)),
    (5, 7, 3, 1, (1, 1)),
    (4, 6, 5, 2, (4, 3)),
    (4, 6, 1, 1, (2, 1)),
]


def tensors(case: tuple, n: int = 3) -> tuple[Tensor, Tensor, int, int, tuple[int, int]]:
    inside, outside, kernel, stride, size = case
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, inside, *size, dtype=torch.float64, generator=generator)
    weight = torch.randn(outside, inside, kernel, kernel, dtype=torch.float64, generator=generator)
    return x, weight, stride, (kernel - 1) // 2, size


@pytest.mark.parametrize("case", CASES)
def test_convolution_and_its_gradients_equal_torchs(case: tuple) -> None:
    x, weight, stride, padding, _ = tensors(case)
    for values in zip(
        with_gradients(lambda x, w: F.conv2d(x, w, None, stride, padding), x, weight),
        with_gradients(lambda x, w: tiny_conv2d(x, w, stride, padding), x, weight),
        strict=True,
    ):
        torch.testing.assert_close(*values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_adjoint_and_its_gradients_equal_torchs(case: tuple) -> None:
    x, weight, stride, padding, size = tensors(case)
    y = F.conv2d(x, weight, None, stride, padding)
    extra = [(side + 2 * padding - weight.shape[2]) % stride for side in size]
    for values in zip(
        with_gradients(lambda y, w: F.conv_transpose2d(y, w, None, stride, padding, extra), y, weight),
        with_gradients(lambda y, w: tiny_conv_transpose2d(y, w, stride, padding, size), y, weight),
        strict=True,
    ):
        torch.testing.assert_close(*values, rtol=1e-12, atol=1e-12)


def with_gradients(function, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    y = function(x, weight)
    cotangent = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(1))
    return y.detach(), *torch.autograd.grad((y * cotangent).sum(), (x, weight))


def test_many_weights_at_once_equal_one_after_another() -> None:
    x, weight, stride, padding, size = tensors(CASES[1])
    weights = torch.stack([weight, 2 * weight])
    together = vmap(lambda w: tiny_conv2d(x, w, stride, padding))(weights)
    torch.testing.assert_close(together[1], 2 * together[0])
    torch.testing.assert_close(together[0], tiny_conv2d(x, weight, stride, padding))


def test_a_layer_takes_the_fast_way_only_for_few_pixels_and_many_channels() -> None:
    weight, few = torch.empty(128, 128, 3, 3), torch.empty(2, 128, 2, 2)
    assert suits(few, weight, (2, 2))
    assert not suits(few, weight, (3, 2))  # more than four pixels
    assert not suits(few, weight[:, :64], (2, 2))  # few channels
    assert not suits(few.double(), weight, (2, 2))
    assert not suits(few.to("meta"), weight, (2, 2))  # where FLOPs are counted
    with torch.autocast("cpu", torch.bfloat16):
        assert not suits(few, weight, (2, 2))


@pytest.mark.parametrize("bias", [None, torch.randn(128)])
def test_a_layer_gives_the_same_on_either_way(bias: Tensor | None, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = BiConv2d(128, 128, 3, 1, (2, 2))
    x = torch.randn(4, 128, 2, 2)
    fast = layer(x, bias), layer.reverse(x, bias)
    monkeypatch.setattr("models.networks.layers.suits", lambda *_: False)
    for quick, plain in zip(fast, (layer(x, bias), layer.reverse(x, bias)), strict=True):
        torch.testing.assert_close(quick, plain, rtol=1e-4, atol=1e-4)
