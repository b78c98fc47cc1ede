"""A training step's forward and backward pass as one CUDA graph, replayed without the processor's part in it."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

_WARM_UP = 3  # eager runs before a capture, in which libraries choose their kernels


class Captured:
    """Runs `body(index) -> loss`, which leaves gradients, from a CUDA graph recorded at the first call.

    Batches of another length than the first run without it. `body` must take from Python nothing that changes between
    calls: make a new one where it does (each epoch). Gradients and the loss lie where the recording put them and are
    overwritten by the next replay. Noise comes from `generator` and the global one, and goes on from call to call as
    it would without a graph. `buffers` (running statistics) are put back after the warm-up. A body that no graph can
    hold, since it waits for a value on the host, is run without one, with a warning.
    """

    def __init__(
        self,
        body: Callable[[Tensor], Tensor],
        parameters: list[torch.nn.Parameter],
        buffers: list[Tensor],
        generator: torch.Generator,
    ):
        self._body, self._parameters, self._buffers, self._generator = body, parameters, buffers, generator
        self._graph: torch.cuda.CUDAGraph | None = None
        self._length: int | None = None  # of the batches that the graph is for

    def __call__(self, index: Tensor) -> Tensor:
        """Return the loss of a batch, with the parameters' gradients in place."""
        if self._length is None:
            self._length = len(index)
            try:
                self._record(index)
            except RuntimeError as error:
                reason = str(error).splitlines()[0]
                warnings.warn(f"this model's step cannot be captured and runs without a graph: {reason}", stacklevel=2)
        if self._graph is None or len(index) != self._length:
            return self._body(index)
        self._index.copy_(index)
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            parameter.grad = gradient
        self._graph.replay()
        return self._loss

    def _record(self, index: Tensor) -> None:
        self._index = index.clone()
        noise, noise_state = torch.cuda.get_rng_state(), self._generator.get_state()
        buffers = [buffer.clone() for buffer in self._buffers]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                self._clear()
                self._body(self._index)
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.set_rng_state(noise)  # the warm-up leaves no trace
        self._generator.set_state(noise_state)
        for buffer, before in zip(self._buffers, buffers, strict=True):
            buffer.copy_(before)
        self._clear()
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        with torch.cuda.graph(graph):
            self._loss = self._body(self._index)
        self._gradients = [parameter.grad for parameter in self._parameters]
        self._graph = graph

    def _clear(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None
