"""The random draws of models: from a generator, or replayed from a list, so that several models can train as one.

A model asks for its noise here and nowhere else. `Recorder` notes what it asks for; `Replay` hands out tensors that
were drawn before, which is how a batched step gives each of its models the noise that it would have had alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Draw(NamedTuple):
    """One request: "normal" (standard) or "uniform" (on [0, 1)), and the shape."""

    kind: str
    shape: tuple[int, ...]


class Recorder:
    """Draws from a generator and notes each request in `requests`."""

    def __init__(self, generator: torch.Generator | None):
        self.generator = generator
        self.requests: list[Draw] = []


class Replay:
    """Hands out the given tensors in order."""

    def __init__(self, tensors: Sequence[Tensor]):
        self._left = list(tensors)[::-1]

    def take(self, shape: tuple[int, ...]) -> Tensor:
        """Return the next tensor; raises ValueError where it has another shape than was asked for."""
        tensor = self._left.pop()
        if tuple(tensor.shape) != tuple(shape):
            raise ValueError(f"a draw of shape {tuple(shape)} was asked for where {tuple(tensor.shape)} was recorded")
        return tensor


class Kept:
    """Draws from another source and keeps the `tensors`, so that a second pass can have the same noise."""

    def __init__(self, source: "Noise"):
        self.source = source
        self.tensors: list[Tensor] = []


Noise = torch.Generator | Recorder | Replay | Kept | None


def normal(shape: Sequence[int], noise: Noise = None, device: torch.device | str = "cpu") -> Tensor:
    """Return standard normal noise of a shape, in float32."""
    return _draw(Draw("normal", tuple(shape)), noise, device)


def uniform(shape: Sequence[int], noise: Noise = None, device: torch.device | str = "cpu") -> Tensor:
    """Return uniform noise on [0, 1) of a shape, in float32."""
    return _draw(Draw("uniform", tuple(shape)), noise, device)


def drawn(request: Draw, generator: torch.Generator | None, device: torch.device | str) -> Tensor:
    """Return the tensor that a request gets from a generator."""
    function = {"normal": torch.randn, "uniform": torch.rand}[request.kind]
    return function(request.shape, generator=generator, device=device)


def _draw(request: Draw, noise: Noise, device: torch.device | str) -> Tensor:
    if isinstance(noise, Replay):
        return noise.take(request.shape)
    if isinstance(noise, Kept):
        noise.tensors.append(_draw(request, noise.source, device))
        return noise.tensors[-1]
    if isinstance(noise, Recorder):
        noise.requests.append(request)
        noise = noise.generator
    return drawn(request, noise, device)
