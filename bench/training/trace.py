"""A training step's forward and backward pass as a graph of tensor operations."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from pythae.models import BaseAE
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from bench.training.functional import call_with, gradients_of
from bench.training.precision import set_precision
from bench.training.recorded import record
from models.noise import Draw, Recorder, Replay, drawn
from models.training import Batch, steps_of


class AnyEpoch:
    """Stands for an epoch's number in a trace that is to hold for all: it can be handed on, and that is all."""

    def _refuse(self, *_: Any) -> Any:
        raise TypeError("its loss depends on the epoch")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __lt__ = __gt__ = __le__ = __ge__ = __eq__ = __bool__ = __float__ = __int__ = __index__ = _refuse
    __hash__ = None  # type: ignore[assignment]


class Trace(NamedTuple):
    """A graph, of the flat arguments (named tensors, x, y, indices, noise), that gives the loss and the gradients."""

    graph: GraphModule
    arguments: list[Any]  # of the kinds that it was made for
    names: list[str]  # of the parameters and buffers that it takes first; it changes buffers in place
    owned: list[str]  # the parameters whose gradients it gives
    requests: list[Draw]  # the noise that it takes last


def trace(model: BaseAE, place: int, batch: Batch, precision: torch.dtype | None, values: bool = False) -> Trace:
    """Return the trace of a model's step, by its place among them, for batches like one, in all epochs.

    It is made on a copy of the model, with tensors that have no values: what depends on values, on the epoch, or on
    tensors that the model keeps outside its parameters and buffers cannot get into it. With `values` it is recorded
    from a step that is carried out, which is faster, with the same exceptions but tensors of other objects than
    modules. Raises whatever such a step does to the tracer, and ValueError where it leaves tensors in the model for a
    later call.
    """
    model, device = copy.deepcopy(model), batch.x.device
    set_precision(model, precision)
    every_epoch: Any = AnyEpoch()
    step = steps_of(model, every_epoch)[place]
    recorder = Recorder(torch.Generator(device).manual_seed(0))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        step.loss(batch, recorder)
    tensors = {name: t.detach() for name, t in (*model.named_parameters(), *model.named_buffers())}
    own = {id(parameter) for parameter in step.parameters if parameter.requires_grad}
    owned = [name for name, parameter in model.named_parameters() if id(parameter) in own]
    noise = [drawn(request, recorder.generator, device) for request in recorder.requests]
    arguments, form = tree_flatten((tensors, batch.x, batch.y, batch.indices, noise))

    def function(*flat: Any) -> tuple[Tensor | None, ...]:
        tensors, x, y, indices, noise = tree_unflatten(list(flat), form)
        leaves = {n: t.detach().requires_grad_() if n in owned else t for n, t in tensors.items()}
        with torch.enable_grad():
            loss = call_with(model, leaves, step.loss, Batch(x, y, indices, batch.dataset_size), Replay(noise))
            gradients = gradients_of(loss, [leaves[name] for name in owned])
        return loss.detach(), *gradients

    with torch.no_grad():
        graph, seen = record(function, arguments) if values else _without_values(function, arguments)
    if any(seen(leaf) for module in model.modules() for leaf in tree_leaves(_state(module))):
        raise ValueError("it keeps tensors in the model from call to call")
    return Trace(graph, arguments, list(tensors), owned, recorder.requests)


def _without_values(function: Callable[..., Any], arguments: list[Any]) -> tuple[GraphModule, Callable[[Any], bool]]:
    from torch._subclasses.fake_tensor import FakeTensor
    from torch.fx.experimental.proxy_tensor import make_fx

    return make_fx(function, tracing_mode="fake")(*arguments), lambda leaf: isinstance(leaf, FakeTensor)


def _state(module: nn.Module) -> dict[str, Any]:
    return {key: value for key, value in vars(module).items() if key not in ("_parameters", "_buffers", "_modules")}
