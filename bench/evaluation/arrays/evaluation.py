"""One pass over a trained model: what metrics and pictures take of it is computed once, at first use, and kept."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from inspect import signature
from typing import Any
from zlib import crc32

import numpy as np
import torch
from pythae.models import BaseAE
from torch import Tensor

from bench.data.types import ImageDataset
from bench.evaluation.arrays.registry import ARRAYS, function_of
from bench.evaluation.features.networks import FeatureNetworks
from bench.likelihood import rows_at_once
from bench.samplers import SAMPLERS
from bench.study.schema import Evaluation as Settings
from models.capabilities import capable
from models.training import as_float


def setting_text(setting: Mapping[str, str]) -> str:
    """Return a setting as sorted "key=value;key=value"."""
    return ";".join(f"{key}={setting[key]}" for key in sorted(setting))


@cache
def keys_of(name: str) -> frozenset[str]:
    """Return the keys of a setting that array `name` depends on, by itself or by an array that it takes."""
    taken = frozenset(signature(function_of(name)).parameters) - {"evaluation"}
    return (taken - ARRAYS.keys()).union(*(keys_of(other) for other in taken & ARRAYS.keys()))


class Evaluation:
    """A trained model on a data set, and those of its ARRAYS that were asked for, each computed at first use.

    Every random draw has a generator of its own, seeded by the run's seed and the draw's name, so that no result
    depends on which others were asked for.
    """

    def __init__(
        self,
        model: BaseAE,
        data: ImageDataset,
        settings: Settings,
        seed: int,
        features: FeatureNetworks,
        seconds_per_epoch: float | None,
    ):
        self.model, self.view = model.eval().to(memory_format=torch.channels_last), capable(model)
        self.data, self.settings, self.seed, self.features = data, settings, seed, features
        self.seconds_per_epoch = seconds_per_epoch
        parameter = next(model.parameters(), None)
        self.device = torch.device("cpu") if parameter is None else parameter.device
        self.rows = rows_at_once(torch.empty(0, *data.shape, device=self.device))
        self._made: dict[tuple[str, str], Any] = {}

    def get(self, name: str, setting: Mapping[str, str] | None = None) -> Any:
        """Return array `name` under a setting; raises Blank with the reason where it cannot be had."""
        keys = {key: value for key, value in (setting or {}).items() if key in keys_of(name)}
        slot = (name, setting_text(keys))
        if slot not in self._made:
            function = function_of(name)
            given: dict[str, Any] = {}
            for taken in signature(function).parameters:
                if taken == "evaluation":
                    given[taken] = self
                elif taken in ARRAYS:
                    given[taken] = self.get(taken, keys)
                elif taken in keys:
                    given[taken] = keys[taken]
            self._made[slot] = function(**given)
        return self._made[slot]

    def already(self, *names: str) -> dict[str, np.ndarray]:
        """Return those of the named arrays that have been computed."""
        return {name: self._made[name, ""] for name in names if (name, "") in self._made}

    def samplers(self) -> list[str]:
        """Return the samplers that the settings ask for and the model can serve."""
        can = self.view.capabilities
        return [s for s in self.settings.samplers if "generate" in can and not SAMPLERS[s].obstacle(can)]

    def generator(self, name: str) -> torch.Generator:
        """Return the generator of the named draw."""
        return torch.Generator(self.device).manual_seed(self.number(name))

    def number(self, name: str) -> int:
        """Return the seed of the named draw."""
        return crc32(f"{name}:{self.seed}".encode())

    def batches(self, array: np.ndarray) -> Iterator[Tensor]:
        """Yield an array in batches on the model's device, uint8 as floats in [0, 1]."""
        for start in range(0, len(array), self.rows):
            yield as_float(torch.from_numpy(array[start : start + self.rows]).to(self.device))

    @torch.no_grad()
    def run(self, function: Callable[..., Tensor], *arrays: np.ndarray) -> np.ndarray:
        """Apply a function of batches of arrays of one length, such as images [B, C, H, W] or codes [B, L]."""
        parts = zip(*map(self.batches, arrays), strict=True)
        return np.concatenate([function(*part).cpu().numpy() for part in parts])
