"""What is only fast equals its plain function, in value and all gradients; and what is called takes the right way."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import vmap
from torch.fx.experimental.proxy_tensor import make_fx

from models.kernels import bernoulli, dense
from models.kernels import convolution as convolutions
from models.kernels.convolution import _convolve, conv2d, conv_transpose2d, suits
from models.kernels.registry import KERNELS, Function
from models.networks.linear import BiConv2d

Case = tuple[list[Tensor], list[Any]]  # tensors, of which each has a gradient, and what follows them
CONVOLUTIONS = [  # in, out, kernel, stride, (H, W)
    (5, 7, 3, 1, (2, 2)),
    (5, 7, 3, 2, (4, 4)),
    (5, 7, 3, 2, (3, 4)),
    (5, 7, 3, 1, (1, 1)),
    (4, 6, 5, 2, (4, 3)),
    (4, 6, 1, 1, (2, 1)),
]
WITHOUT_GRADIENT = {"log_prob_of_means"}  # and so in no training, stacked or not


def convolution(way: str, case: tuple[int, int, int, int, tuple[int, int]]) -> Case:
    inside, outside, kernel, stride, size = case
    padding = (kernel - 1) // 2
    x, weight = torch.randn(3, inside, *size), torch.randn(outside, inside, kernel, kernel)
    if way.endswith("conv2d"):
        return [x, weight], [stride, padding]
    return [F.conv2d(x, weight, None, stride, padding), weight], [stride, padding, size]


def pixels(name: str, rows: int) -> Case:
    x, logits = torch.rand(rows, 6), 20 * torch.randn(rows, 6)
    x[:, 0], x[:, 1], logits[0, :4] = 0, 1, torch.tensor([-90.0, 90.0, 90.0, -90.0])  # certain, right and wrong
    return [logits.sigmoid() if name == "log_prob_of_means" else logits, x], []


CASES = {
    f"{name}-{i}": (name, build, of)
    for name, build, kinds in (
        ("conv2d", convolution, CONVOLUTIONS),
        ("conv_transpose2d", convolution, CONVOLUTIONS),
        ("pointwise_conv2d", convolution, [(4, 6, 1, 1, (2, 1)), (5, 7, 1, 1, (3, 4))]),
        ("dense_conv2d", convolution, CONVOLUTIONS),
        ("dense_conv_transpose2d", convolution, CONVOLUTIONS),
        ("folded_conv_transpose2d", convolution, CONVOLUTIONS),
        ("log_prob_of_means", pixels, [1, 50]),
        ("log_likelihood_and_error", pixels, [1, 100_000]),  # the latter in blocks
    )
    for i, of in enumerate(kinds)
}


def test_every_kernel_has_cases() -> None:
    assert {name for name, *_ in CASES.values()} == KERNELS.keys()


def values_and_gradients(function: Function, tensors: Sequence[Tensor], more: Sequence[Any], to: bool) -> list[Tensor]:
    leaves = [tensor.clone().requires_grad_(to) for tensor in tensors]
    found = function(*leaves, *more)
    values = [found] if isinstance(found, Tensor) else list(found)
    if not to:
        return values
    generator = torch.Generator().manual_seed(1)
    cotangents = [torch.randn(v.shape, generator=generator, dtype=torch.float64).to(v.dtype) for v in values]
    return [*(value.detach() for value in values), *torch.autograd.grad(values, leaves, cotangents)]


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
@pytest.mark.parametrize("key", CASES)
def test_a_kernel_equals_its_plain_function(key: str, dtype: torch.dtype, rtol: float) -> None:
    torch.manual_seed(0)
    name, build, of = CASES[key]
    tensors, more = build(name, of)  # type: ignore[operator]
    tensors = [tensor.to(dtype) for tensor in tensors]
    fast, plain = (values_and_gradients(f, tensors, more, name not in WITHOUT_GRADIENT) for f in KERNELS[name])
    for one, other in zip(fast, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("key", [key for key, (name, *_) in CASES.items() if name not in WITHOUT_GRADIENT])
def test_a_kernel_of_stacked_tensors_equals_its_plain_function_one_after_another(key: str) -> None:
    torch.manual_seed(0)
    name, build, of = CASES[key]
    tensors, more = build(name, of)  # type: ignore[operator]
    rows = [[tensor.double()[:200], (tensor / 2).double()[:200]] for tensor in tensors]
    stacked = [torch.stack(pair) for pair in rows]

    def together(*tensors: Tensor) -> Any:
        return vmap(lambda *one: KERNELS[name].fast(*one, *more))(*tensors)

    def in_turn(*tensors: Tensor) -> Any:
        found = [KERNELS[name].plain(*one, *more) for one in zip(*(t.unbind() for t in tensors), strict=True)]
        return torch.stack(found) if isinstance(found[0], Tensor) else tuple(map(torch.stack, zip(*found, strict=True)))

    for one, other in zip(*(values_and_gradients(f, stacked, [], True) for f in (together, in_turn)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_products_are_taken_only_for_few_pixels_and_many_channels() -> None:
    weight, few = torch.empty(128, 128, 3, 3), torch.empty(2, 128, 2, 2)
    assert suits(few, weight, 4)
    assert not suits(few, weight, 6)  # more than four pixels
    assert not suits(few, weight[:, :64], 4)  # few channels
    assert not suits(few.double(), weight, 4)
    assert not suits(few.to("meta"), weight, 4)  # where FLOPs are counted
    with torch.autocast("cpu", torch.bfloat16):
        assert not suits(few, weight, 4)


def test_windows_are_summed_where_no_gradient_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, taken = BiConv2d(3, 16, 3, 2, (28, 28)), []
    folded = convolutions.folded_conv_transpose2d
    monkeypatch.setattr(convolutions, "folded_conv_transpose2d", lambda *a: taken.append(True) or folded(*a))
    y, bias = torch.randn(2, 16, 14, 14), torch.randn(3)
    plain = layer.reverse(y, bias)
    assert not taken
    with torch.no_grad():
        torch.testing.assert_close(layer.reverse(y, bias), plain, rtol=1e-4, atol=1e-4)
    assert taken


def test_one_product_is_taken_only_for_small_images_of_few_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    weight, x = torch.empty(32, 16, 3, 3), torch.empty(2, 16, 4, 4)
    assert dense.suits(x, weight, 16, 4)
    assert not dense.suits(x, weight, 81, 1)  # larger images
    assert not dense.suits(x, torch.empty(64, 64, 3, 3), 16, 4)  # more channels
    assert not dense.suits(x.double(), weight, 16, 4)
    assert not dense.suits(x.to("meta"), weight, 16, 4)  # where FLOPs are counted
    with torch.autocast("cpu", torch.bfloat16):
        assert not dense.suits(x, weight, 16, 4)
    layer, taken = BiConv2d(16, 32, 3, 2, (4, 4)), []
    x, bias = torch.randn(3, 16, 4, 4), torch.randn(32)
    found = layer(x, bias), layer.reverse(layer(x), torch.ones(16))
    monkeypatch.setattr(dense, "suits", lambda *_: taken.append(True) or False)
    for one, other in zip(found, (layer(x, bias), layer.reverse(layer(x), torch.ones(16))), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert len(taken) == 3


@pytest.mark.parametrize("bias", [None, torch.randn(128)])
@pytest.mark.parametrize(("stride", "size"), [(1, (2, 2)), (2, (4, 4)), (2, (3, 4))])
def test_a_convolution_is_the_same_on_either_way(
    bias: Tensor | None, stride: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, weight = torch.randn(4, 128, *size), torch.randn(128, 128, 3, 3)
    y, taken = F.conv2d(x, weight, bias, stride, 1), []
    extra = [(side - 1) % stride for side in size]
    back = F.conv_transpose2d(y, weight, bias, stride, 1, extra)
    for products in (True, False):
        monkeypatch.setattr("models.kernels.convolution.suits", lambda *_, p=products: taken.append(p) or p)
        torch.testing.assert_close(conv2d(x, weight, bias, stride, 1), y, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(conv_transpose2d(y, weight, bias, stride, 1, size), back, rtol=1e-4, atol=1e-2)
    assert taken == [True, True, False, False]


@pytest.mark.parametrize("bias", [None, torch.randn(128)])
def test_a_layer_gives_the_same_on_either_way(bias: Tensor | None, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = BiConv2d(128, 128, 3, 1, (2, 2))
    x = torch.randn(4, 128, 2, 2)
    fast = layer(x, bias), layer.reverse(x, bias)
    monkeypatch.setattr("models.kernels.convolution.suits", lambda *_: False)
    for quick, plain in zip(fast, (layer(x, bias), layer.reverse(x, bias)), strict=True):
        torch.testing.assert_close(quick, plain, rtol=1e-4, atol=1e-4)


def test_the_products_are_one_operation_each_to_a_tracer_and_give_the_same() -> None:
    x, weight = torch.randn(4, 128, 4, 4), torch.randn(128, 128, 3, 3) / 34

    def gradients(x: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        leaves = [tensor.detach().requires_grad_() for tensor in (x, weight)]
        y = conv2d(*leaves, None, 2, 1)
        return torch.autograd.grad(conv_transpose2d(y, leaves[1], None, 2, 1, (4, 4)).square().sum(), leaves)

    traced = make_fx(gradients, tracing_mode="fake")(x, weight)
    called = [str(node.target) for node in traced.graph.nodes if "models.tiny" in str(node.target)]
    assert sorted(name.split(".")[1] for name in called) == [
        *["tiny_adjoint"] * 2,
        *["tiny_convolve"] * 2,
        *["tiny_weight_gradient"] * 2,
    ]
    torch.testing.assert_close(traced(x, weight), gradients(x, weight))


def test_what_has_a_gradient_is_judged_by_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """At probabilities of exactly 0 and 1 the fast way's would not be finite."""
    p, x = torch.tensor([[0.0, 1.0, 0.3]]), torch.tensor([[1.0, 0.2, 0.0]])
    leaf = p.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(bernoulli.log_prob_of_means(leaf, x).sum(), leaf)
    assert gradient.isfinite().all()
    monkeypatch.setattr(bernoulli, "fast_log_prob_of_means", lambda *_: "fast")
    assert bernoulli.log_prob_of_means(p, x) == "fast"


def test_few_pixels_are_judged_at_once_and_many_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bernoulli, "fast_log_likelihood_and_error", lambda *_: "blocks")
    few, many = torch.zeros(2, 1, 4, 4), torch.zeros(400, 1, 28, 28)
    assert bernoulli.log_likelihood_and_error(many, many) == "blocks"
    log_p, error = bernoulli.log_likelihood_and_error(few, few + 1)
    torch.testing.assert_close((log_p, error), (torch.full((2,), -16 * math.log(2)), torch.full((2,), 4.0)))


def test_a_tracer_sees_one_operation_and_plain_tensors_none() -> None:
    x, weight = torch.randn(2, 8, 2, 2), torch.randn(8, 8, 3, 3)
    operations = [str(node.target) for node in make_fx(_convolve, tracing_mode="fake")(x, weight, 1, 1).graph.nodes]
    assert "models.tiny_convolve.default" in operations and len(operations) < 10
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        _convolve(x, weight, 1, 1)
    assert not any("tiny" in event.key for event in profile.key_averages())
