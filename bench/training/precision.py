"""The number type that networks compute in while they train; everything outside them is float32."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from pythae.models import BaseAE
from torch import Tensor, nn

from models.networks.two_way import Autocast

_NAMES = {"float32": None, "bfloat16": torch.bfloat16}
_MULTIPLIED = {torch.bfloat16: "medium"}  # torch's name for products of float32 matrices that are rounded first


def chosen(precision: str, device: str) -> torch.dtype | None:
    """Return the type for a setting: "auto" is bfloat16 on an accelerator; None is float32, without any casts."""
    return _NAMES["bfloat16" if precision == "auto" and device == "cuda" else precision.replace("auto", "float32")]


def set_precision(
    model: BaseAE, dtype: torch.dtype | None, fused: bool = False
) -> Callable[[], AbstractContextManager]:
    """Have a model's networks compute in a type, from and to float32 outside; None ends that.

    The suite's networks do it themselves, by torch's autocast; of other Pythae models the encoder and the decoder are
    wrapped, so that their likelihoods and divergences are float32 too. Where such a network is of linear layers alone
    and on a processor, its matrices stay float32 and only their products take factors of the type, with sums in
    float32: the casts of autocast would cost more than the elementwise passes gain, unless they are `fused` with them
    by a compiler. Returns the context that a backward pass is to be taken in.
    """
    networks = [module for module in model.modules() if isinstance(module, Autocast)]
    for network in networks:
        network.precision = dtype
    found = () if networks else (getattr(model, "encoder", None), getattr(model, "decoder", None))
    parts = [part for part in found if isinstance(part, nn.Module)]
    for part in parts:
        part.__dict__.pop("forward", None)
    if dtype is None or not parts:
        return nullcontext
    linear = not fused and all(p.ndim <= 2 and p.device.type == "cpu" for part in parts for p in part.parameters())
    for part in parts:
        part.forward = _products(dtype)(part.forward) if linear else _autocast(part.forward, dtype)
    return partial(_products, dtype) if linear else nullcontext


@contextmanager
def _products(dtype: torch.dtype) -> Iterator[None]:
    """Multiply float32 matrices of factors rounded to a type, where the processor has units for that."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(_MULTIPLIED[dtype])
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _autocast(forward: Callable[..., Any], dtype: torch.dtype) -> Callable[..., Any]:
    def inside(x: Tensor, *arguments: Any, **options: Any) -> Any:
        with torch.autocast(x.device.type, dtype):
            out = forward(x, *arguments, **options)
        for key, value in out.items():
            if isinstance(value, Tensor) and value.dtype == dtype:
                out[key] = value.float()
        return out

    return inside
