r"""Convolution and its adjoint; images of a few pixels as matrix products that skip the padding.

With 3 x 3 kernels on 2 x 2 pixels, five of nine taps meet only padding, and the libraries' convolutions run at a
quarter of the speed of a matrix product. Here each output pixel p is one product with the taps that it can see:

.. math:: y_p = W_p \, x_{window(p)}, \quad x_{window(p)} \mathrel{+}= W_p^T y_p \text{ in the adjoint}

The result is the convolution's, up to the rounding of another order of summation.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from models.kernels import dense
from models.kernels.context import Context

MOST_PIXELS = 4  # of the smaller image; above, the libraries' convolutions are as fast
FEW_COLOURS = 3  # channels of an image
FEWEST_WEIGHTS = 2**14  # input times output channels; below, the products are too small to gain


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """Return W * x + bias: [B, in, H, W] -> [B, out, H', W']."""
    height, width = (_positions(*sides, stride, padding) for sides in zip(x.shape[2:], weight.shape[2:], strict=True))
    if weight.shape[2] * weight.shape[3] == stride == 1 and dense.small_on_processor(x):
        y = pointwise_conv2d(x, weight, stride, padding)
    elif dense.suits(x, weight, x.shape[2] * x.shape[3], height * width):
        y = dense.dense_conv2d(x, weight, stride, padding)
    elif suits(x, weight, height * width):
        y = tiny_conv2d(x, weight, stride, padding)
    else:
        return F.conv2d(x, weight, bias, stride, padding)
    return y if bias is None else y + bias[:, None, None]


def conv_transpose2d(
    y: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, size: Sequence[int]
) -> Tensor:
    """Return the adjoint of W * x applied to y, plus bias, for x of `size` (H, W): [B, out, H', W'] -> [B, in, H, W].

    Libraries take a bias within the call too, but four times as long for its gradient.
    """
    pixels = y.shape[2] * y.shape[3]
    if dense.suits(y, weight, size[0] * size[1], pixels):
        x = dense.dense_conv_transpose2d(y, weight, stride, padding, size)
    elif suits(y, weight, pixels):
        x = tiny_conv_transpose2d(y, weight, stride, padding, size)
    elif weight.shape[1] <= FEW_COLOURS and dense.plain_on_processor(y) and not torch.is_grad_enabled():
        x = folded_conv_transpose2d(y, weight, stride, padding, size)
    else:
        x = plain_conv_transpose2d(y, weight, stride, padding, size)
        return x if bias is None else x.add_(bias[:, None, None])
    return x if bias is None else x + bias[:, None, None]


def suits(x: Tensor, weight: Tensor, pixels: int) -> bool:
    """Whether the products are the faster way: float32 on a processor, few `pixels` on one side, many channels."""
    out_channels, in_channels = weight.shape[:2]
    few = pixels <= MOST_PIXELS and in_channels * out_channels >= FEWEST_WEIGHTS
    return few and dense.plain_on_processor(x)


def folded_conv_transpose2d(y: Tensor, weight: Tensor, stride: int, padding: int, size: Sequence[int]) -> Tensor:
    """Return the adjoint as one product, whose windows are then summed: fast for few channels, without a gradient."""
    taps = weight.flatten(1).t().expand(len(y), -1, -1)
    windows = torch.bmm(taps, y.flatten(2))  # [B, in k k, H' W']; of a parameter, `@` would make one narrow product
    kernel = (weight.shape[2], weight.shape[3])
    return F.fold(windows, (size[0], size[1]), kernel, padding=padding, stride=stride)


def pointwise_conv2d(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Return W * x for a kernel of one pixel at stride 1, as one product of all pixels."""
    pixels = x.permute(0, 2, 3, 1)  # [B, H, W, in]
    return (pixels.flatten(0, 2) @ weight.flatten(1).t()).unflatten(0, pixels.shape[:3]).permute(0, 3, 1, 2)


def plain_conv2d(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Return W * x, by the libraries."""
    return F.conv2d(x, weight, None, stride, padding)


def plain_conv_transpose2d(y: Tensor, weight: Tensor, stride: int, padding: int, size: Sequence[int]) -> Tensor:
    """Return the adjoint, by the libraries; the output padding (H + 2p - k) mod s gives the size H."""
    extra = [(side + 2 * padding - kernel) % stride for side, kernel in zip(size, weight.shape[2:], strict=True)]
    return F.conv_transpose2d(y, weight, None, stride, padding, extra)


def tiny_conv2d(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Return W * x, by products."""
    return _Product.apply(x, weight, stride, padding, None)


def tiny_conv_transpose2d(y: Tensor, weight: Tensor, stride: int, padding: int, size: Sequence[int]) -> Tensor:
    """Return the adjoint, by products."""
    return _Product.apply(y, weight, stride, padding, size)


class _Strided(Context, Protocol):
    stride: int
    padding: int
    size: Sequence[int] | None


class _Product(torch.autograd.Function):
    """W * x, or the adjoint, for which `size` is given. Each is the other's gradient."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, stride: int, padding: int, size: Sequence[int] | None) -> Tensor:
        to = (x, weight, stride, padding)
        return _convolve(*to) if size is None else _adjoint(*to, size)

    @staticmethod
    def setup_context(ctx: _Strided, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, ctx.stride, ctx.padding, ctx.size = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: _Strided, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        x, weight = ctx.saved_tensors
        by, forward = (weight, ctx.stride, ctx.padding), ctx.size is None
        for_x = for_weight = None
        if ctx.needs_input_grad[0]:
            for_x = _adjoint(gradient, *by, x.shape[2:]) if forward else _convolve(gradient, *by)
        if ctx.needs_input_grad[1]:
            for_weight = _weight_gradient(x, gradient, *by) if forward else _weight_gradient(gradient, x, *by)
        return for_x, for_weight, None, None, None


def _one_operation(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a function that is one operation to a tracer, whose compiler would take minutes over all the slices."""
    operation = torch.library.custom_op(f"models::tiny{function.__name__}", function, mutates_args=())
    operation.register_fake(function)

    def called(x: Tensor, *arguments: Any) -> Tensor:
        return (function if type(x) is Tensor else operation)(x, *arguments)

    return called


Window = tuple[slice, slice]


def _positions(side: int, kernel: int, stride: int, padding: int) -> int:
    return (side + 2 * padding - kernel) // stride + 1


def _windows(side: int, kernel: int, stride: int, padding: int) -> list[Window]:
    """Return what each output position sees along one axis: input positions and kernel taps."""
    windows = []
    for position in range(_positions(side, kernel, stride, padding)):
        first = position * stride - padding
        low, high = max(first, 0), min(first + kernel, side)
        windows.append((slice(low, high), slice(low - first, high - first)))
    return windows


def _pixels(
    size: Sequence[int], kernel: Sequence[int], stride: int, padding: int
) -> Iterator[tuple[int, int, Window, Window]]:
    """Yield row, column, window of the input and window of the kernel for each output pixel."""
    across = _windows(size[1], kernel[1], stride, padding)
    for i, (rows, row_taps) in enumerate(_windows(size[0], kernel[0], stride, padding)):
        for j, (columns, column_taps) in enumerate(across):
            yield i, j, (rows, columns), (row_taps, column_taps)


@_one_operation
def _convolve(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    x, weight = x.permute(0, 2, 3, 1), weight.permute(0, 2, 3, 1)  # channels last: [B, H, W, in], [out, k, k, in]
    height = _positions(x.shape[1], weight.shape[1], stride, padding)
    pixels = [
        x[:, rows, columns].flatten(1) @ weight[:, taps[0], taps[1]].flatten(1).t()
        for _, _, (rows, columns), taps in _pixels(x.shape[1:3], weight.shape[1:3], stride, padding)
    ]
    return torch.stack(pixels, 1).unflatten(1, (height, -1)).permute(0, 3, 1, 2)


@_one_operation
def _adjoint(y: Tensor, weight: Tensor, stride: int, padding: int, size: Sequence[int]) -> Tensor:
    y, weight = y.permute(0, 2, 3, 1), weight.permute(0, 2, 3, 1)
    x = y.new_zeros(len(y), *size, weight.shape[3])
    for i, j, (rows, columns), taps in _pixels(size, weight.shape[1:3], stride, padding):
        seen = weight[:, taps[0], taps[1]]
        x[:, rows, columns] += (y[:, i, j] @ seen.flatten(1)).unflatten(1, seen.shape[1:])
    return x.permute(0, 3, 1, 2)


@_one_operation
def _weight_gradient(x: Tensor, y: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Return the sum over the batch of y_p times what p sees of x: the gradient of <W * x, y> by W."""
    x, y = x.permute(0, 2, 3, 1), y.permute(0, 2, 3, 1)
    gradient = torch.zeros_like(weight.permute(0, 2, 3, 1))
    for i, j, (rows, columns), taps in _pixels(x.shape[1:3], weight.shape[2:], stride, padding):
        seen = x[:, rows, columns]
        gradient[:, taps[0], taps[1]] += (y[:, i, j].t() @ seen.flatten(1)).unflatten(1, seen.shape[1:])
    return gradient.permute(0, 3, 1, 2)
