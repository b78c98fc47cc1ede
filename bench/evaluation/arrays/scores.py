"""Arrays of the symmetric VAE's study: what a classifier makes of samples. A part of the evaluation's arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bench.data.eight_bit import to_uint8
from bench.evaluation.features.networks import FeatureNetworks
from bench.evaluation.features.score_classifier import score_classifier
from bench.metrics.types import Blank


class ScoreArrays:
    """The methods' names and arguments are those of `Evaluation`, which mixes them in."""

    view: Any
    data: Any
    settings: Any
    features: FeatureNetworks
    device: Any
    rows: int
    get: Callable[..., Any]
    generator: Callable[[str], torch.Generator]

    def _own_samples(self) -> np.ndarray:
        """Return as many samples of the model's own as there are test images; points as they are."""
        if not hasattr(self.view, "sample"):
            raise Blank("the model draws no samples of its own")
        n, generator = len(self.get("test_images")), self.generator("score")
        counts = [min(self.rows, n - start) for start in range(0, n, self.rows)]
        kept = to_uint8 if self.data.class_probabilities is None else np.asarray
        with torch.no_grad():
            return np.concatenate([kept(self.view.sample(count, generator).cpu().numpy()) for count in counts])

    def _score_probabilities(self) -> np.ndarray:
        """Return p(class | sample) of the model's own samples: [N, k]."""
        return self._class_probabilities(self.get("own_samples"))

    def _test_probabilities(self) -> np.ndarray:
        return self._class_probabilities(self.get("test_images"))

    def _inception_probabilities(self) -> np.ndarray:
        """Return p(class | sample) of the same samples as Inception reads them: [N, 1008]."""
        return self.features.probabilities(self.get("own_samples"))

    def _class_probabilities(self, images: np.ndarray) -> np.ndarray:
        if self.data.class_probabilities is not None:
            return self.data.class_probabilities(images)
        recipe = self.settings.get("score_classifier", "small")
        return score_classifier(self.data, recipe, str(self.device)).probabilities(to_uint8(images))

    def _drawn_reconstructions(self) -> np.ndarray:
        return self.get("reconstructions", {"reconstruction": "sample"})
