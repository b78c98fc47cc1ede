"""What a sampler takes: a trained model with its training images' codes, and a generator for each draw."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from pythae.models import BaseAE
from torch import Tensor


class Trained(Protocol):
    """A trained model as samplers see it; `bench.evaluation.arrays.evaluation.Evaluation` is one.

    model    the model; `view` is the same with its capabilities (`models/capabilities.py`)
    device   where it computes
    settings evaluation settings, such as `gmm_components`
    """

    model: BaseAE
    view: Any
    device: torch.device
    settings: Mapping[str, Any]

    def get(self, name: str, setting: Mapping[str, str] | None = None) -> Any:
        """Return an array: `fit_images` [M, C, H, W], `train_codes` [M, L] or `moments` [L + 1, L + 1]."""

    def run(self, function: Callable[[Tensor], Tensor], array: np.ndarray) -> np.ndarray:
        """Apply a function of images or codes in batches; return the results as one."""

    def generator(self, name: str) -> torch.Generator:
        """Return the generator of the named draw."""

    def number(self, name: str) -> int:
        """Return the seed of the named draw."""
