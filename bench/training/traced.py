"""A training step's forward and backward pass as a program: its operations alone, or machine code."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from pythae.models import BaseAE
from torch import Tensor
from torch.fx import GraphModule

from bench.training.checkpoint import random_state, set_random_state
from bench.training.loader import Loader
from bench.training.trace import trace
from models.noise import drawn
from models.training import Step

_TOLERANCE = {None: 1e-3, torch.bfloat16: 0.1}  # of a gradient's difference, over its length, by precision
Passes = Callable[[Step, Tensor], Tensor]  # of a step and a batch's index: the loss, with the gradients in place


def machine_code(graph: GraphModule, arguments: Sequence[Tensor], options: dict[str, Any]) -> Any:
    """Return a graph as compiled code; torch's compiler is imported here, since its import changes the environment."""
    from torch._inductor import compile as compiled

    return compiled(graph, list(arguments), options=options)


class Traced:
    """Takes the passes of one step of a model, by its `place` among them, from a program, for whole batches.

    The step is traced for all epochs: with `capture` torch's compiler fuses its elementwise passes, casts among them;
    without, its operations are carried out as they are, to the bit on a processor. The noise is what `plain` would
    draw. The first whole batch is computed both ways. Batches of another length are left to `plain`, and so are all of
    a step that cannot be traced or compiled or that comes out differently; where `capture` asks for it, a warning says
    why.
    """

    def __init__(
        self,
        place: int,
        plain: Passes,
        model: BaseAE,
        loader: Loader,
        generator: torch.Generator,
        precision: torch.dtype | None,
        capture: bool,
    ):
        self._capture = capture
        self._place, self._plain, self._model = place, plain, model
        self._loader, self._generator, self._precision = loader, generator, precision
        self._tried = False
        self._program: Callable[..., Sequence[Tensor]] | None = None

    def __call__(self, step: Step, index: Tensor) -> Tensor:
        """Return the loss of a batch, with the parameters' gradients in place."""
        if len(index) != self._loader.longest:
            return self._plain(step, index)
        if not self._tried:
            self._tried = True
            before = self._before()
            try:
                self._compile(index)
                self._check(step, index, before)
            except Exception as error:  # whatever a model, the tracer or the compiler raises: `plain` is as right
                self._program = None
                if self._capture:
                    reason = (str(error) or type(error).__name__).splitlines()[0]
                    warnings.warn(f"this model's step is not compiled and runs as it is: {reason}", stacklevel=2)
            self._restore(before)
        if self._program is None:
            return self._plain(step, index)
        try:
            return self._run(self._program, index)
        except RuntimeError:  # of values that torch refuses, as `plain` knows
            return self._plain(step, index)

    def _compile(self, index: Tensor) -> None:
        batch = self._loader.batch(index, self._generator)
        found = trace(self._model, self._place, batch, self._precision, values=not self._capture)
        self._program = found.graph
        if self._capture:
            with torch.no_grad():
                self._program = machine_code(found.graph, found.arguments, options={"fallback_random": True})
        own = dict(self._model.named_parameters())
        self._owned = [own[name] for name in found.owned]
        own.update(self._model.named_buffers())
        self._tensors = [own[name].detach() for name in found.names]
        self._requests = found.requests

    def _run(self, program: Callable[..., Sequence[Tensor]], index: Tensor) -> Tensor:
        batch = self._loader.batch(index, self._generator)
        noise = [drawn(request, self._generator, index.device) for request in self._requests]
        with torch.no_grad():
            loss, *gradients = program(*self._tensors, batch.x, batch.y, batch.indices, *noise)
        for parameter, gradient in zip(self._owned, gradients, strict=True):
            parameter.grad = gradient
        return loss

    def _check(self, step: Step, index: Tensor, before: dict[str, Any]) -> None:
        found = []
        for traced in (False, True):
            self._restore(before)
            assert self._program is not None
            loss = self._run(self._program, index) if traced else self._plain(step, index)
            found.append([loss, *(p.grad for p in self._owned), *self._before()["buffers"].values()])
        for one, other in zip(*found, strict=True):
            if (one is None) != (other is None) or (one is not None and not self._equal(one, other)):
                raise ValueError("traced, its first batch comes out differently")

    def _equal(self, one: Tensor, other: Tensor) -> bool:
        if not self._capture and one.device.type == "cpu":
            return torch.equal(one, other)
        difference = (one.double() - other.double()).norm()
        return bool(difference <= _TOLERANCE[self._precision] * one.double().norm() + 1e-6)

    def _before(self) -> dict[str, Any]:
        """Return what a batch changes besides gradients: the states of noise, and running statistics."""
        buffers = {name: buffer.clone() for name, buffer in self._model.named_buffers()}
        return {"random": random_state(), "generator": self._generator.get_state(), "buffers": buffers}

    def _restore(self, before: dict[str, Any]) -> None:
        set_random_state(before["random"])
        self._generator.set_state(before["generator"])
        for name, buffer in self._model.named_buffers():
            buffer.copy_(before["buffers"][name])
