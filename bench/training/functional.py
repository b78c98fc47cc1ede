"""A function of a model as a module, which is what torch's `functional_call` takes."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class Call(nn.Module):
    """Calls `function(model, *arguments)`; the model's tensors are named `model.NAME`."""

    def __init__(self, model: nn.Module, function: Callable[..., Tensor]):
        super().__init__()
        self.model, self.function = model, function

    def forward(self, *arguments: Any) -> Tensor:
        """Return what the function does."""
        return self.function(self.model, *arguments)
