"""SAMPLERS: the ways of drawing codes that a trained model is sampled by; what they compute with is imported on use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from bench.arrays import Evaluation


@dataclass(frozen=True)
class Sampler:
    """How a sampler is called in text, what it needs of a model, which capability rules it out, and its function.

    draw(evaluation, n) returns n codes [n, L]. It takes the model's prior or its codes of the training images from
    the evaluation, and a generator of its own.
    """

    label: str
    needs: frozenset[str]
    draw: Callable[[Evaluation, int], Tensor]
    unless: str | None = None

    def obstacle(self, capabilities: frozenset[str]) -> str | None:
        """Return why a model with these capabilities cannot be sampled so, or None where it can."""
        if missing := sorted(self.needs - capabilities):
            return f"the model has no {missing[0]}"
        return f"the model's codes are {self.unless}" if self.unless in capabilities else None


def _prior(evaluation: Evaluation, n: int) -> Tensor:
    """Draw from the model's prior."""
    return evaluation.view.prior.sample(n, evaluation.generator("prior"), evaluation.device)


def _mixture(evaluation: Evaluation, n: int) -> Tensor:
    """Draw from a Gaussian mixture with full covariances, fitted to one code of each training image."""
    import numpy as np
    import torch
    from sklearn.mixture import GaussianMixture

    codes = evaluation.get("train_codes")  # [M, L]
    components = min(evaluation.settings["gmm_components"], len(codes))
    seed = evaluation.number("gmm")
    mixture = GaussianMixture(components, random_state=seed, reg_covar=1e-4, tol=1e-2)
    drawn, _ = mixture.fit(codes.astype(np.float64)).sample(n)  # component by component
    return torch.from_numpy(np.random.default_rng(seed).permutation(drawn).astype(np.float32))


def _bits(kind: str, evaluation: Evaluation, n: int) -> Tensor:
    """Draw bits -1 and +1 that follow the moments of the training images' bits, in the way of `kind`."""
    import torch

    from models.hyperplane import BIT_SAMPLERS

    moments = torch.from_numpy(evaluation.get("moments")).to(evaluation.device)
    return BIT_SAMPLERS[kind]().fit_moments(moments).sample(n, evaluation.generator(kind))


def _second_stage(evaluation: Evaluation, n: int) -> Tensor:
    """Draw from the prior of a second VAE, trained on one code of each training image."""
    from bench.two_stage import second_stage

    return second_stage(evaluation, n)


def _flow(kind: str, evaluation: Evaluation, n: int) -> Tensor:
    """Draw from a normalising flow, trained on one code of each training image."""
    from bench.flow_samplers import flow_codes

    return flow_codes(kind, evaluation, n)


def _pixelcnn(evaluation: Evaluation, n: int) -> Tensor:
    """Draw vectors of the model's codebook by a PixelCNN, trained on those of the training images."""
    from bench.flow_samplers import pixelcnn_codes

    return pixelcnn_codes(evaluation, n)


def _riemannian(evaluation: Evaluation, n: int) -> Tensor:
    """Draw by Hamiltonian Monte Carlo from the volume element of the model's metric."""
    return evaluation.view.riemannian_metric.sample(n, evaluation.generator("rhvae"))


OWN = ("hyperplane", "rhvae", "pixelcnn", "normal", "gmm")  # the first that serves a model is its papers' own


def _own(evaluation: Evaluation, n: int) -> Tensor:
    """Draw as the papers do: bits by hyperplanes, by a metric, a codebook or the prior, without one from a mixture."""
    can = evaluation.view.capabilities
    return next(SAMPLERS[name] for name in OWN if not SAMPLERS[name].obstacle(can)).draw(evaluation, n)


SAMPLERS: dict[str, Sampler] = {
    "normal": Sampler("prior", frozenset({"prior"}), _prior),
    "gmm": Sampler("Gaussian mixture", frozenset({"encode"}), _mixture, unless="bits"),
    "two-stage": Sampler("second VAE", frozenset({"posterior", "prior"}), _second_stage),
    "hyperplane": Sampler("hyperplane sampling", frozenset({"bits"}), partial(_bits, "hyperplane")),
    "rounding": Sampler("rounded Gaussian", frozenset({"bits"}), partial(_bits, "rounding")),
    "coins": Sampler("fair coins", frozenset({"bits"}), partial(_bits, "coins")),
    "maf": Sampler("masked autoregressive flow", frozenset({"encode"}), partial(_flow, "maf"), unless="bits"),
    "iaf": Sampler("inverse autoregressive flow", frozenset({"encode"}), partial(_flow, "iaf"), unless="bits"),
    "pixelcnn": Sampler("PixelCNN", frozenset({"codebook"}), _pixelcnn),
    "rhvae": Sampler("metric", frozenset({"metric"}), _riemannian),
    "own": Sampler("the paper's own", frozenset({"encode"}), _own),
}
