"""A training step's forward and backward pass as machine code, on a processor."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from pythae.models import BaseAE
from torch import Tensor
from torch._inductor import compile as machine_code

from bench.training.trace import trace
from models.noise import drawn
from models.training import Batch, Step

_TOLERANCE = {None: 1e-3, torch.bfloat16: 0.1}  # of a gradient's difference, over its length, by precision


class Compiled:
    """Runs a step's `body(index) -> loss`, which leaves gradients, for batches of one length from machine code.

    `step_of(model, epoch)` is the step that `body` takes; it is traced for all epochs, and torch's compiler fuses its
    elementwise passes, casts among them. The noise is what `body` would draw. The first batch of the length is computed
    both ways. Batches of another length are left to `body`, and so are all of a step that cannot be traced or compiled
    or that comes out differently, with a warning that says why.
    """

    def __init__(
        self,
        length: int,
        model: BaseAE,
        step_of: Callable[[BaseAE, Any], Step],
        batch_at: Callable[[Tensor], Batch],
        generator: torch.Generator,
        precision: torch.dtype | None,
    ):
        self._model, self._step_of, self._batch_at = model, step_of, batch_at
        self._generator, self._precision = generator, precision
        self._length, self._tried = length, False
        self._program: Callable[..., Sequence[Tensor]] | None = None

    def __call__(self, body: Callable[[Tensor], Tensor], index: Tensor) -> Tensor:
        """Return the loss of a batch, with the parameters' gradients in place."""
        if len(index) != self._length:
            return body(index)
        if not self._tried:
            self._tried = True
            noise, buffers = (torch.get_rng_state(), self._generator.get_state()), self._buffers()
            try:
                self._compile(index)
                self._check(body, index, noise, buffers)
            except Exception as error:  # whatever a model, the tracer or the compiler raises: the body is as right
                reason = (str(error) or type(error).__name__).splitlines()[0]
                warnings.warn(f"this model's step is not compiled and runs as it is: {reason}", stacklevel=2)
                self._program = None
            self._restore(noise, buffers)
        return body(index) if self._program is None else self._run(index)

    def _compile(self, index: Tensor) -> None:
        found = trace(self._model, self._step_of, self._batch_at(index), self._precision)
        with torch.no_grad():
            self._program = machine_code(found.graph, found.arguments, options={"fallback_random": True})
        own = dict(self._model.named_parameters())
        self._owned = [own[name] for name in found.owned]
        own.update(self._model.named_buffers())
        self._tensors = [own[name].detach() for name in found.names]
        self._requests = found.requests

    def _run(self, index: Tensor) -> Tensor:
        batch = self._batch_at(index)
        noise = [drawn(request, self._generator, "cpu") for request in self._requests]
        assert self._program is not None
        with torch.no_grad():
            loss, *gradients = self._program(*self._tensors, batch.x, batch.y, batch.indices, *noise)
        for parameter, gradient in zip(self._owned, gradients, strict=True):
            parameter.grad = gradient
        return loss

    def _check(
        self,
        body: Callable[[Tensor], Tensor],
        index: Tensor,
        noise: tuple[Tensor, Tensor],
        buffers: dict[str, Tensor],
    ) -> None:
        found = []
        for step in (body, self._run):
            self._restore(noise, buffers)
            loss = step(index)
            gradients = [p.grad for p in self._owned]
            found.append([loss, *gradients, *self._buffers().values()])
        for one, other in zip(*found, strict=True):
            if (one is None) != (other is None) or (one is not None and not self._equal(one, other)):
                raise ValueError("compiled, its first batch comes out differently")

    def _equal(self, one: Tensor, other: Tensor) -> bool:
        difference = (one.double() - other.double()).norm()
        return bool(difference <= _TOLERANCE[self._precision] * one.double().norm() + 1e-6)

    def _buffers(self) -> dict[str, Tensor]:
        return {name: buffer.clone() for name, buffer in self._model.named_buffers()}

    def _restore(self, noise: tuple[Tensor, Tensor], buffers: dict[str, Tensor]) -> None:
        torch.set_rng_state(noise[0])
        self._generator.set_state(noise[1])
        for name, buffer in self._model.named_buffers():
            buffer.copy_(buffers[name])
