"""Floating-point operations as they are dispatched, those of one signature looked up once."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class _Known(NamedTuple):
    """Of an operation on tensors of some shapes: its FLOPs and what it returns, shapes alone."""

    flops: int
    returns: Callable[[], object]


class OperationCounter(TorchDispatchMode):
    """Counts the operations that are called on the meta device, and their FLOPs by torch's own formulas.

    There a kernel only says which shapes it returns, mostly in Python, about half a millisecond each. An operation that
    neither changes nor shares an argument returns the same shapes for the same shapes: they are kept.
    """

    _known: dict[object, _Known] = {}

    def __init__(self) -> None:
        super().__init__()
        self.flops, self.calls = 0, 0

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> object:
        kwargs = kwargs or {}
        self.calls += 1
        key: object = None if _aliases(func) else (id(func), _signature(args), *map(_signature, kwargs.items()))
        try:
            known = self._known.get(key)
        except TypeError:  # of an argument that cannot be looked up
            key = known = None
        if known:
            self.flops += known.flops
            return known.returns()
        returned = func(*args, **kwargs)
        formula = flop_registry.get(func.overloadpacket)
        flops = formula(*args, **kwargs, out_val=returned) if formula else 0
        self.flops += flops
        if key is not None and (returns := _again(returned)):
            self._known[key] = _Known(flops, returns)
        return returned


@cache
def _aliases(func: OpOverload) -> bool:
    schema = func._schema
    return any(part.alias_info for part in (*schema.arguments, *schema.returns))


def _signature(value: object) -> object:
    if isinstance(value, Tensor):
        return value.shape, value.stride(), value.dtype, value.is_meta
    if isinstance(value, (list, tuple)):
        return tuple(_signature(part) for part in value)
    return type(value), value


def _again(returned: object) -> Callable[[], object] | None:
    """Return what makes an operation's result anew, None where it is more than shapes."""
    if returned is None:
        return lambda: None
    if isinstance(returned, (list, tuple)):
        parts = [_again(part) for part in returned]
        kind, made = type(returned), [part for part in parts if part is not None]
        return (lambda: kind(part() for part in made)) if len(made) == len(parts) else None
    if not isinstance(returned, Tensor) or not returned.is_meta:
        return None
    size, stride, dtype = tuple(returned.shape), returned.stride(), returned.dtype
    return lambda: torch.empty_strided(size, stride, dtype=dtype, device="meta")
