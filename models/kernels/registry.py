"""KERNELS: what is only fast, and the plain function that it equals in value and gradient up to rounding."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from models.kernels import bernoulli, convolution, dense

Function = Callable[..., Tensor] | Callable[..., tuple[Tensor, ...]]


class Kernel(NamedTuple):
    """Two functions of the same tensors."""

    fast: Function
    plain: Function


KERNELS: dict[str, Kernel] = {
    "conv2d": Kernel(convolution.tiny_conv2d, convolution.plain_conv2d),
    "conv_transpose2d": Kernel(convolution.tiny_conv_transpose2d, convolution.plain_conv_transpose2d),
    "pointwise_conv2d": Kernel(convolution.pointwise_conv2d, convolution.plain_conv2d),
    "dense_conv2d": Kernel(dense.dense_conv2d, convolution.plain_conv2d),
    "dense_conv_transpose2d": Kernel(dense.dense_conv_transpose2d, convolution.plain_conv_transpose2d),
    "folded_conv_transpose2d": Kernel(convolution.folded_conv_transpose2d, convolution.plain_conv_transpose2d),
    "log_prob_of_means": Kernel(bernoulli.fast_log_prob_of_means, bernoulli.plain_log_prob_of_means),
    "log_likelihood_and_error": Kernel(
        bernoulli.fast_log_likelihood_and_error, bernoulli.plain_log_likelihood_and_error
    ),
}
