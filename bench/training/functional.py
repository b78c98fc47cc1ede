"""A model's function of the tensors that it is given, and the gradients by them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call


class _Call(nn.Module):
    def __init__(self, model: nn.Module, function: Callable[..., Tensor]):
        super().__init__()
        self.model, self.function = model, function

    def forward(self, *arguments: Any) -> Tensor:
        return self.function(*arguments)


def call_with(
    model: nn.Module, tensors: Mapping[str, Tensor], function: Callable[..., Tensor], *arguments: Any
) -> Tensor:
    """Return what a function of a model gives, with other tensors in place of the model's parameters and buffers."""
    return functional_call(_Call(model, function), {f"model.{name}": t for name, t in tensors.items()}, arguments)


def gradients_of(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor | None]:
    """Return the gradients of a loss, None where it does not depend on a parameter.

    Each has memory of its own, laid out as its parameter's is, on which fused optimisers count.
    """
    found: list[Tensor | None] = []
    taken: set[int] = set()
    for gradient, parameter in zip(torch.autograd.grad(loss, parameters, allow_unused=True), parameters, strict=True):
        if gradient is not None:
            where = gradient.untyped_storage()._cdata
            if gradient.stride() != parameter.stride() or where in taken:
                gradient = torch.empty_like(parameter).copy_(gradient)
            taken.add(where)
        found.append(gradient)
    return found
