r"""A convolution of a small image with few channels as one matrix product.

.. math:: W * x = M x, \quad W^{*} y = M^T y, \quad M_{(o, p), (i, q)} = W_{o, i, q - s p + c}, 0 outside the kernel

Libraries take several times as long for these, above all for the adjoint, and one model after another where several
are stacked. The result is the convolution's, up to the rounding of another order of summation.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

MOST_PIXELS = 64  # of the larger image: a pixel more is a product more for each of the other image's
MOST_ENTRIES = 2**16  # of the matrix


def suits(x: Tensor, weight: Tensor, larger: int, smaller: int) -> bool:
    """Whether the product is the faster way, for images of so many pixels on the two sides."""
    out_channels, in_channels = weight.shape[:2]
    few = larger <= MOST_PIXELS and out_channels * smaller * in_channels * larger <= MOST_ENTRIES
    return few and plain_on_processor(x)


def small_on_processor(x: Tensor) -> bool:
    """Whether float32 images of few pixels are computed with on a processor, and not traced."""
    return type(x) is Tensor and x.shape[2] * x.shape[3] <= MOST_PIXELS and plain_on_processor(x)


def plain_on_processor(x: Tensor) -> bool:
    """Whether float32 is computed with on a processor."""
    return x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


def dense_conv2d(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Return W * x: [B, in, H, W] -> [B, out, H', W']."""
    matrix, size = _matrix(x, weight, stride, padding, tuple(x.shape[2:]))
    return (x.flatten(1) @ matrix.t()).unflatten(1, (weight.shape[0], *size))


def dense_conv_transpose2d(y: Tensor, weight: Tensor, stride: int, padding: int, size: Sequence[int]) -> Tensor:
    """Return the adjoint applied to y: [B, out, H', W'] -> [B, in, H, W]."""
    matrix, _ = _matrix(y, weight, stride, padding, tuple(size))
    return (y.flatten(1) @ matrix).unflatten(1, (weight.shape[1], *size))


def _matrix(
    x: Tensor, weight: Tensor, stride: int, padding: int, size: tuple[int, ...]
) -> tuple[Tensor, tuple[int, ...]]:
    """Return M [out * H' * W', in * H * W], and (H', W')."""
    made = _places if type(x) is Tensor else _places.__wrapped__  # a trace has no tensor from outside
    places, small = made(size, tuple(weight.shape[2:]), stride, padding)
    taps = weight.flatten(2) @ places.to(weight)  # [out, in, H' W' H W]
    return taps.unflatten(2, (small[0] * small[1], -1)).transpose(1, 2).flatten(2).flatten(0, 1), small


@cache
def _places(
    size: tuple[int, ...], kernel: tuple[int, ...], stride: int, padding: int
) -> tuple[Tensor, tuple[int, ...]]:
    """Return which tap of the kernel joins which output and input pixel, as 1 and 0 [k k, H' W' H W], and (H', W')."""
    along, small = [], []
    for side, taps in zip(size, kernel, strict=True):
        outputs = (side + 2 * padding - taps) // stride + 1
        tap = torch.arange(side) - stride * torch.arange(outputs)[:, None] + padding  # [outputs, side]
        along.append((tap == torch.arange(taps)[:, None, None]).float())
        small.append(outputs)
    return torch.einsum("kpq,lrs->klprqs", *along).flatten(2).flatten(0, 1), tuple(small)
