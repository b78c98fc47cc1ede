"""Arrays of what the encoder gives, and of what is decoded of it. Each image is encoded once."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bench.data.types import Images
from bench.evaluation.arrays.evaluation import Evaluation
from bench.likelihood import Posterior
from bench.metrics.types import Blank

Posteriors = list[Posterior | None]  # of each batch, None where the model has none


@torch.no_grad()
def encoded(
    evaluation: Evaluation, function: Callable[[Tensor, Posterior | None], Tensor], images: Images, q: Posteriors
) -> np.ndarray:
    """Apply a function of images [B, C, H, W] and their posterior in batches; return the results as one."""
    pairs = zip(evaluation.batches(images), q, strict=True)
    return np.concatenate([function(*pair).cpu().numpy() for pair in pairs])


def encoded_by_name(
    evaluation: Evaluation,
    function: Callable[[Tensor, Posterior | None], dict[str, Tensor]],
    images: Images,
    q: Posteriors,
) -> dict[str, np.ndarray]:
    """Do the same with a function of named tensors [B], the same names each time; return float64 arrays [N]."""
    names: list[str] = []

    def table(x: Tensor, q: Posterior | None) -> Tensor:
        found = function(x, q)
        names[:] = found
        return torch.stack(list(found.values()), 1).double()

    columns = encoded(evaluation, table, images, q).T  # which fills `names`
    return dict(zip(names, columns, strict=True))


def test_posteriors(evaluation: Evaluation, test_images: Images) -> Posteriors:
    return _posteriors(evaluation, test_images)


def fit_posteriors(evaluation: Evaluation, fit_images: Images) -> Posteriors:
    return _posteriors(evaluation, fit_images)


@torch.no_grad()
def _posteriors(evaluation: Evaluation, images: Images) -> Posteriors:
    has = "posterior" in evaluation.view.capabilities
    return [evaluation.view.posterior(x) if has else None for x in evaluation.batches(images)]


def _mean(evaluation: Evaluation) -> Callable[[Tensor, Posterior | None], Tensor]:
    """Return the function of images and their posterior that gives the codes that a model is judged by."""
    view = evaluation.view
    if "levels" in view.capabilities:
        return lambda x, q: view.latent_means(x)  # its codes hold images too
    return lambda x, q: view.embed(x) if q is None else q.mean


def test_mean(evaluation: Evaluation, test_images: Images, test_posteriors: Posteriors) -> np.ndarray:
    return encoded(evaluation, _mean(evaluation), test_images, test_posteriors)


def train_mean(evaluation: Evaluation, fit_images: Images, fit_posteriors: Posteriors) -> np.ndarray:
    """Return the same of each training image; the first ones are encoded already."""
    mean, others = _mean(evaluation), evaluation.data.train.images[len(fit_images) :]
    first = encoded(evaluation, mean, fit_images, fit_posteriors)
    return np.concatenate([first, evaluation.run(lambda x: mean(x, None), others)]) if len(others) else first


def train_codes(evaluation: Evaluation, fit_images: Images, fit_posteriors: Posteriors) -> np.ndarray:
    generator = evaluation.generator("gmm")

    def code(x: Tensor, q: Posterior | None) -> Tensor:
        return evaluation.view.embed(x) if q is None else q.rsample(1, generator)[:, 0]

    return encoded(evaluation, code, fit_images, fit_posteriors)


def fit_indices(evaluation: Evaluation, fit_images: Images) -> np.ndarray:
    return evaluation.run(evaluation.view.indices, fit_images)


def reconstructions(
    evaluation: Evaluation, test_images: Images, test_posteriors: Posteriors, reconstruction: str
) -> np.ndarray:
    """Return what the mean of q(z|x) decodes to, or one posterior sample."""
    generator = evaluation.generator("recon")

    def decoded(x: Tensor, q: Posterior | None) -> Tensor:
        return evaluation.view.reconstruct(x, reconstruction, generator, *(() if q is None else (q,)))

    return encoded(evaluation, decoded, test_images, test_posteriors)


def drawn_reconstructions(evaluation: Evaluation) -> np.ndarray:
    return evaluation.get("reconstructions", {"reconstruction": "sample"})


def backwards(evaluation: Evaluation, test_mean: np.ndarray) -> np.ndarray:
    """Return what the encoder's network gives, run from the code to the image; raises Blank where it cannot."""
    network = getattr(evaluation.model.encoder, "network", None)
    if network is None or not hasattr(network, "reverse"):
        raise Blank("the encoder is not a network that can run backwards")
    images = evaluation.run(lambda z: network.reverse(z).sigmoid(), test_mean)
    if images.shape[1] != evaluation.data.shape[0]:
        raise Blank("run backwards, the network gives parameters of p(x|z) and no image")
    return images
