"""Pythae's own losses with their noise drawn from elsewhere, so that several models train in one batched step."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from models.noise import Noise, normal
from models.training import Batch, Phase, Stackable


class Drawing(TorchFunctionMode):
    """Has `torch.randn_like`, the one draw of these losses, draw from a source of noise."""

    def __init__(self, noise: Noise):
        super().__init__()
        self.noise = noise

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.randn_like:
            return normal(args[0].shape, self.noise, args[0].device)
        return func(*args, **(kwargs or {}))


class Drawn(Stackable):
    """A stock model whose loss depends on no epoch and draws by `randn_like` alone; it trains by `forward`.

    Its `weight_options` are attributes too, which that loss multiplies its terms by.
    """

    def weights(self, epoch: int) -> dict[str, float]:
        """Return the values of these attributes."""
        return {name: getattr(self, name) for name in self.weight_options}

    @contextmanager
    def weighed(self, weights: Mapping[str, Tensor]) -> Iterator[None]:
        """Have the loss multiply by others."""
        own = self.weights(1)
        try:
            for name in own:
                setattr(self, name, weights[name])
            yield
        finally:
            for name, value in own.items():
                setattr(self, name, value)

    def phases(self) -> tuple[Phase, ...]:
        """Return one update of all parameters."""
        return (Phase("model", (), self.own_loss),)

    def own_loss(self, batch: Batch, generator: Noise = None) -> dict[str, Tensor]:
        """Return the loss of Pythae's `forward`, a mean over the batch."""
        inputs = {"data": batch.x, "labels": batch.y}
        with Drawing(generator):
            return {"loss": self(inputs, dataset_size=batch.dataset_size).loss}  # type: ignore[operator]
