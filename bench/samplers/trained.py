"""What a sampler takes: a trained model with its training images' codes, and a generator for each draw."""

from typing import Any, Protocol

import numpy as np
import torch
from pythae.models import BaseAE


class DrawSettings(Protocol):
    """The settings of an evaluation that samplers read."""

    @property
    def gmm_components(self) -> int:
        """Components of the Gaussian mixture of training codes."""


class Trained(Protocol):
    """A trained model as samplers see it; `bench.evaluation.arrays.evaluation.Evaluation` is one.

    model    the model; `view` is the same with its capabilities (`models/capabilities.py`)
    device   where it computes
    """

    model: BaseAE
    view: Any
    device: torch.device

    @property
    def settings(self) -> DrawSettings:
        """The settings of the evaluation."""

    def get(self, name: str) -> np.ndarray:
        """Return an array: `train_codes` [M, L], `fit_indices` [M, H', W'] or `moments` [L + 1, L + 1]."""

    def generator(self, name: str) -> torch.Generator:
        """Return the generator of the named draw."""

    def number(self, name: str) -> int:
        """Return the seed of the named draw."""
