"""Arrays of the symmetric VAE's study: what a classifier makes of samples. A part of the evaluation's arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bench.metrics.images import to_uint8
from bench.metrics.score_classifier import score_classifier
from bench.metrics.types import Blank


class ScoreArrays:
    """The methods' names and arguments are those of `Evaluation`, which mixes them in."""

    view: Any
    data: Any
    settings: Any
    device: Any
    rows: int
    get: Callable[..., Any]
    generator: Callable[[str], torch.Generator]

    def _score_probabilities(self) -> np.ndarray:
        """Return p(class | sample) of as many samples of the model's own as there are test images: [N, k]."""
        if not hasattr(self.view, "sample"):
            raise Blank("the model draws no samples of its own")
        n, generator = len(self.get("test_images")), self.generator("score")
        counts = [min(self.rows, n - start) for start in range(0, n, self.rows)]
        with torch.no_grad():
            drawn = np.concatenate([self.view.sample(count, generator).cpu().numpy() for count in counts])
        return self._judged(drawn)

    def _test_probabilities(self) -> np.ndarray:
        return self._judged(self.get("test_images"))

    def _judged(self, images: np.ndarray) -> np.ndarray:
        if self.data.judge is not None:
            return self.data.judge(images)
        recipe = self.settings.get("score_classifier", "small")
        return score_classifier(self.data, recipe, str(self.device)).probabilities(to_uint8(images))

    def _drawn_reconstructions(self) -> np.ndarray:
        return self.get("reconstructions", {"reconstruction": "sample"})
