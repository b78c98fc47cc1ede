"""Arrays of models that make an image from a compressed one: terms level by level, what a kind of reconstruction sends
and shows. A part of the evaluation's arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from bench.metrics.types import Blank


class LevelArrays:
    """The methods' names and arguments are those of `Evaluation`, which mixes them in."""

    view: Any
    data: Any
    get: Callable[..., Any]
    generator: Callable[[str], torch.Generator]
    _encoded: Callable[..., np.ndarray]
    _encoded_by_name: Callable[..., dict[str, np.ndarray]]

    def _level_nats(self, term: str) -> np.ndarray:
        """Return one term of -ELBO [N] in nats; raises Blank where the model has no such level."""
        found = self.get("bound_terms")
        if term not in found:
            raise Blank(f"the model has no {term.rpartition('_')[2]}")
        return found[term]

    def _information(self) -> dict[str, np.ndarray]:
        """Return the bits [N] that each kind of reconstruction sends."""
        generator = self.generator("information")
        return self._encoded_by_name(lambda x, q: self.view.information(x, generator), "test_images")

    def _sent_bits(self, mode: str) -> np.ndarray:
        return self.get("information")[mode]

    def _shown(self, mode: str) -> np.ndarray:
        """Return what a kind of reconstruction shows, as large as the test images: [N, C, H, W] in [0, 1]."""
        generator, shape = self.generator(f"shown:{mode}"), self.data.shape

        def images(x: torch.Tensor, q: Any) -> torch.Tensor:
            return enlarged(self.view.reconstruct_as(x, mode, generator), shape, "bilinear")

        return self._encoded(images, "test_images")


def enlarged(images: torch.Tensor, shape: tuple[int, ...], how: str) -> torch.Tensor:
    """Return images [N, C', H', W'] as [N, C, H, W], pixels interpolated as `how` says, grey ones in every channel."""
    channels, *size = shape
    if list(images.shape[2:]) != size:
        fitted = {} if how == "nearest" else {"align_corners": False}
        images = F.interpolate(images, size, mode=how, **fitted)
    return images.expand(-1, channels, -1, -1)
