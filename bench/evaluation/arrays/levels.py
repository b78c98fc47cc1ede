"""Arrays of models that make an image from a compressed one: terms level by level, what a kind of reconstruction sends
and shows."""

import numpy as np
import torch
import torch.nn.functional as F

from bench.data.types import Images
from bench.evaluation.arrays.encodings import Posteriors, encoded, encoded_by_name
from bench.evaluation.arrays.evaluation import Evaluation
from bench.metrics.types import Blank


def level_nats(bound_terms: dict[str, np.ndarray], term: str) -> np.ndarray:
    """Return one term of -ELBO; raises Blank where the model has no such level."""
    if term not in bound_terms:
        raise Blank(f"the model has no {term.rpartition('_')[2]}")
    return bound_terms[term]


def information(evaluation: Evaluation, test_images: Images, test_posteriors: Posteriors) -> dict[str, np.ndarray]:
    view, generator = evaluation.view, evaluation.generator("information")
    return encoded_by_name(evaluation, lambda x, q: view.information(x, generator), test_images, test_posteriors)


def sent_bits(information: dict[str, np.ndarray], mode: str) -> np.ndarray:
    return information[mode]


def shown(evaluation: Evaluation, test_images: Images, test_posteriors: Posteriors, mode: str) -> np.ndarray:
    """Return what a kind of reconstruction shows, as large as the test images."""
    generator, shape = evaluation.generator(f"shown:{mode}"), evaluation.data.shape

    def images(x: torch.Tensor, q: object) -> torch.Tensor:
        return enlarged(evaluation.view.reconstruct_as(x, mode, generator), shape, "bilinear")

    return encoded(evaluation, images, test_images, test_posteriors)


def compressed(evaluation: Evaluation, test_images: Images, test_posteriors: Posteriors) -> np.ndarray:
    return encoded(evaluation, lambda x, q: evaluation.view.levels(x)[-1], test_images, test_posteriors)


def compressed_from_u(evaluation: Evaluation, test_images: Images, test_posteriors: Posteriors) -> np.ndarray:
    view, generator = evaluation.view, evaluation.generator("compressed")
    return encoded(evaluation, lambda x, q: view.compressed_from_u(x, generator), test_images, test_posteriors)


def enlarged(images: torch.Tensor, shape: tuple[int, ...], how: str) -> torch.Tensor:
    """Return images [N, C', H', W'] as [N, C, H, W], pixels interpolated as `how` says, grey ones in every channel."""
    channels, *size = shape
    if list(images.shape[2:]) != size:
        fitted = {} if how == "nearest" else {"align_corners": False}
        images = F.interpolate(images, size, mode=how, **fitted)
    return images.expand(-1, channels, -1, -1)
