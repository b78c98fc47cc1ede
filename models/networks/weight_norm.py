"""Weight-normalised convolutions, whose gains and biases start from the first batch of data."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.parametrize import is_parametrized

from models.kernels.context import Context

SPREAD = 0.01  # the deviation of each output that a start from data sets
_LEAST_VARIANCE = 1e-8  # added to variances, so that an output that does not vary keeps a finite gain


def normed(convolution: nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    r"""Return a convolution with its weights normalised, in torch's parametrisation.

    .. math:: w_c = g_c v_c / ||v_c||, \quad v \sim N(0, 0.05^2), \quad g = 1, \quad b = 0

    Source: Eq. 2 of Salimans and Kingma 2016, with the start of selfVAE's code; c is an output channel.
    """
    dim = 1 if isinstance(convolution, nn.ConvTranspose2d) else 0
    module = weight_norm(convolution, dim=dim)
    module.parametrizations.weight[0] = _Scaled(dim)
    gain, direction = _gain_and_direction(module)
    nn.init.normal_(direction, std=0.05)
    nn.init.ones_(gain)
    nn.init.zeros_(module.get_parameter("bias"))
    return module


class _Scaled(nn.Module):
    """w of g and v, as in torch's own parametrisation, also of several models at once."""

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, gain: Tensor, direction: Tensor) -> Tensor:
        rows = (tensor.transpose(0, self.dim) for tensor in (direction, gain))
        return _ScaledRows.apply(*rows)[0].transpose(0, self.dim)


class _ScaledRows(torch.autograd.Function):
    """w and ||v|| by torch's kernel, to which the output channels of other models are more of them."""

    @staticmethod
    def forward(direction: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
        weight, norm = torch._weight_norm_interface(direction.contiguous(), gain.contiguous())
        return weight, norm

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Tensor, Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(*inputs, output[1])

    @staticmethod
    def backward(ctx: Context, of_weight: Tensor, of_norm: Tensor) -> tuple[Tensor, Tensor]:
        direction, gain, norm = ctx.saved_tensors
        saved = direction.contiguous(), gain.contiguous(), norm
        return torch.ops.aten._weight_norm_interface_backward(of_weight.contiguous(), *saved, 0)

    @staticmethod
    def vmap(
        info: "_Vmapped", in_dims: tuple[int | None, ...], *given: Tensor
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        count = info.batch_size
        models = [
            tensor.expand(count, *tensor.shape) if place is None else tensor.movedim(place, 0)
            for tensor, place in zip(given, in_dims, strict=True)
        ]
        weight, norm = _ScaledRows.apply(*(tensor.flatten(0, 1) for tensor in models))
        return (weight.unflatten(0, (count, -1)), norm.unflatten(0, (count, -1))), (0, 0)


class _Vmapped(Protocol):
    """What torch tells of a batched call."""

    batch_size: int


def starts_from_data(model: object) -> bool:
    """Whether a model has layers that `start_from_data` moves."""
    modules = model.modules() if isinstance(model, nn.Module) else ()
    return any(is_parametrized(module, "weight") for module in modules)


@torch.no_grad()
def start_from_data(model: nn.Module, forward: Callable[[], object]) -> None:
    r"""Set gains and biases so that in `forward()` each weight-normalised layer's outputs have mean 0, deviation 0.01.

    .. math:: g_c \leftarrow 0.01 \, g_c / \sigma_c, \quad b_c \leftarrow -0.01 \, \mu_c / \sigma_c

    with the mean and deviation of channel c over images and pixels where the layer before has already been set.
    Source: Section 3 of Salimans and Kingma 2016 with selfVAE's 0.01. A layer that `forward` uses more than once is set
    the first time.
    """
    done: set[int] = set()

    def standardise(module: nn.Module, inputs: object, output: Tensor) -> Tensor | None:
        if id(module) in done:
            return None
        done.add(id(module))
        variance, mean = torch.var_mean(output.float(), (0, 2, 3), correction=0)
        scale = SPREAD * (variance + _LEAST_VARIANCE).rsqrt()
        (gain, _), bias = _gain_and_direction(module), module.get_parameter("bias")
        gain.mul_(scale.view(gain.shape))
        bias.copy_(scale * (bias - mean))
        return (output - mean.view(-1, 1, 1)) * scale.view(-1, 1, 1)

    layers = [module for module in model.modules() if is_parametrized(module, "weight")]
    hooks = [layer.register_forward_hook(standardise) for layer in layers]
    try:
        forward()
    finally:
        for hook in hooks:
            hook.remove()


def _gain_and_direction(module: nn.Module) -> tuple[nn.Parameter, ...]:
    """Return g and v."""
    return tuple(module.get_parameter(f"parametrizations.weight.original{i}") for i in range(2))
