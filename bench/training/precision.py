"""The number type that networks compute in while they train; everything outside them is float32."""

import time
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from pythae.models import BaseAE
from torch import Tensor, nn

from models.networks.two_way import Autocast

SLOWER = 1.1  # more than what a measurement is out by
_NAMES = {"float32": None, "bfloat16": torch.bfloat16}


def chosen(precision: str, device: str) -> torch.dtype | None:
    """Return the type for a setting: "auto" is bfloat16 on an accelerator; None is float32, without any casts.

    Warns where bfloat16 is slower: on a processor without units for it.
    """
    if precision == "bfloat16" and device == "cpu" and (ratio := times_as_long()) > SLOWER:
        warnings.warn(
            f"precision bfloat16: a convolution takes {ratio:.1f} times as long as in float32 on this processor; "
            "set float32",
            stacklevel=2,
        )
    return _NAMES["bfloat16" if precision == "auto" and device == "cuda" else precision.replace("auto", "float32")]


@cache
def times_as_long() -> float:
    """Return how many times as long in bfloat16 as in float32 a convolution and its gradients take, measured here."""
    with torch.random.fork_rng(devices=[]):
        layer, x = nn.Conv2d(32, 32, 3, padding=1), torch.randn(32, 32, 16, 16)
    seconds: dict[torch.dtype, list[float]] = {torch.float32: [], torch.bfloat16: []}
    for dtype in [*seconds] * 4:
        part, images = layer.to(dtype), x.to(dtype)
        started = time.perf_counter()
        part(images).sum().backward()
        seconds[dtype].append(time.perf_counter() - started)
    return min(seconds[torch.bfloat16]) / min(seconds[torch.float32])


def set_precision(model: BaseAE, dtype: torch.dtype | None) -> None:
    """Have a model's networks compute in a type, from and to float32 outside; None ends that.

    The suite's networks do it themselves, by torch's autocast; of other Pythae models the encoder and the decoder are
    wrapped, so that their likelihoods and divergences are float32 too.
    """
    networks = [module for module in model.modules() if isinstance(module, Autocast)]
    for network in networks:
        network.precision = dtype
    found = () if networks else (getattr(model, "encoder", None), getattr(model, "decoder", None))
    for part in found:
        if isinstance(part, nn.Module):
            part.__dict__.pop("forward", None)
            if dtype is not None:
                part.forward = _autocast(part.forward, dtype)


def _autocast(forward: Callable[..., Any], dtype: torch.dtype) -> Callable[..., Any]:
    def inside(x: Tensor, *arguments: Any, **options: Any) -> Any:
        with torch.autocast(x.device.type, dtype):
            out = forward(x, *arguments, **options)
        for key, value in out.items():
            if isinstance(value, Tensor) and value.dtype == dtype:
                out[key] = value.float()
        return out

    return inside
