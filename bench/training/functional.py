"""A function that reads a model's tensors as a module, which is what torch's `functional_call` takes."""

from collections.abc import Callable, Mapping
from typing import Any

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
