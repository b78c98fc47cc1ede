"""Arrays of a model as a density: its likelihood and bound, what 8-bit pixels cost, how long samples take."""

import time

import numpy as np
import torch

from bench.data.types import Images
from bench.evaluation.arrays.encodings import Posteriors, encoded, encoded_by_name
from bench.evaluation.arrays.evaluation import Evaluation
from bench.likelihood import nll
from bench.metrics.types import Blank
from models.distributions.likelihoods import LIKELIHOODS

WARM_UP, TIMED = 5, 100


def nll_nats(evaluation: Evaluation, test_images: Images) -> np.ndarray:
    """Return `bench.likelihood.nll` of the first test images, as many as are asked for."""
    images = torch.from_numpy(test_images[: evaluation.settings.nll_images]).to(evaluation.device)
    generator = evaluation.generator("nll")
    return nll(evaluation.model, images, evaluation.settings.nll_samples, generator=generator).cpu().numpy()


def neg_elbo_nats(evaluation: Evaluation, test_images: Images, test_posteriors: Posteriors) -> np.ndarray:
    view, generator = evaluation.view, evaluation.generator("elbo")
    return encoded(evaluation, lambda x, q: view.neg_elbo(x, generator, q).double(), test_images, test_posteriors)


def bound_terms(evaluation: Evaluation, test_images: Images, test_posteriors: Posteriors) -> dict[str, np.ndarray]:
    """Return the terms of -ELBO of the posterior samples that `neg_elbo_nats` has.

    A model of several levels has a distortion for each image and a KL for each latent.
    """
    view, generator = evaluation.view, evaluation.generator("elbo")
    terms = view.level_terms if "levels" in view.capabilities else view.elbo_terms
    return encoded_by_name(evaluation, lambda x, q: terms(x, generator, q), test_images, test_posteriors)


def reconstruction_nats(bound_terms: dict[str, np.ndarray]) -> np.ndarray:
    return bound_terms["distortion_x" if "distortion_x" in bound_terms else "distortion"]


def kl_nats(bound_terms: dict[str, np.ndarray]) -> np.ndarray:
    return np.sum([term for name, term in bound_terms.items() if name.startswith("kl")], axis=0)


def discrete_nll_nats(evaluation: Evaluation, test_images: Images) -> np.ndarray:
    """Return the NLL where p(x) is a distribution over the values that pixels have; raises Blank elsewhere."""
    entry = LIKELIHOODS[evaluation.view.model_config.reconstruction_loss]
    if entry.pixels == "real":
        raise Blank("p(x|z) is a density of real pixels, which gives 8-bit ones no probability")
    if entry.pixels == "binary" and not np.isin(test_images, (0, 255)).all():
        raise Blank("Bernoulli of grey levels, which is not a density of 8-bit pixels")
    return evaluation.get("nll_nats")


@torch.no_grad()
def generation_seconds(evaluation: Evaluation, images: str) -> np.ndarray:
    """Return the seconds of each of 100 runs that draw so many codes of the prior and decode them.

    Five runs go before; an accelerator is waited for. What a prior is made of (a VampPrior's components) is taken
    as computed before.
    """
    view, device = evaluation.view, evaluation.device
    prior, generator, n = view.prior, evaluation.generator("time"), int(images)
    seconds = []
    for _ in range(WARM_UP + TIMED):
        started = time.perf_counter()
        for z in prior.sample(n, generator, device).split(evaluation.rows):
            view.decode(z)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return np.array(seconds[WARM_UP:])
