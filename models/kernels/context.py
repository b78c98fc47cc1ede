"""What the forward pass of an autograd function leaves to its backward pass."""

from typing import Protocol

from torch import Tensor


class Context(Protocol):
    """Torch's own `ctx`, as far as kernels use it."""

    saved_tensors: tuple[Tensor, ...]
    needs_input_grad: tuple[bool, ...]

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Keep tensors for the backward pass."""
