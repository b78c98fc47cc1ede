"""Arrays of the symmetric VAE's study: what a classifier makes of samples."""

import numpy as np
import torch

from bench.data.eight_bit import to_uint8
from bench.data.types import Images
from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.features.score_classifier import score_classifier
from bench.metrics.types import Blank


@torch.no_grad()
def own_samples(evaluation: Evaluation, test_images: Images) -> Images:
    """Return as many samples of the model's own as there are test images; points as they are."""
    view, n, rows = evaluation.view, len(test_images), evaluation.rows
    if "given" in view.capabilities:
        return view.given(n, evaluation.number("given"))
    if not hasattr(view, "sample"):
        raise Blank("the model draws no samples of its own")
    generator = evaluation.generator("score")
    counts = [min(rows, n - start) for start in range(0, n, rows)]
    kept = to_uint8 if evaluation.data.class_probabilities is None else np.asarray
    return np.concatenate([kept(view.sample(count, generator).cpu().numpy()) for count in counts])


def score_probabilities(evaluation: Evaluation, own_samples: Images) -> np.ndarray:
    return _class_probabilities(evaluation, own_samples)


def test_probabilities(evaluation: Evaluation, test_images: Images) -> np.ndarray:
    return _class_probabilities(evaluation, test_images)


def inception_probabilities(evaluation: Evaluation, own_samples: Images) -> np.ndarray:
    return evaluation.features.probabilities(own_samples)


def _class_probabilities(evaluation: Evaluation, images: Images) -> np.ndarray:
    if evaluation.data.class_probabilities is not None:
        return evaluation.data.class_probabilities(images)
    recipe = evaluation.settings.score_classifier
    return score_classifier(evaluation.data, recipe, str(evaluation.device)).probabilities(to_uint8(images))
