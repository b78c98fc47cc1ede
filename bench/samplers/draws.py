"""Codes drawn without training anything: from the prior, a fitted Gaussian or mixture, bits' moments, or a metric."""

import numpy as np
import torch
from torch import Tensor

from bench.samplers import own_sampler
from bench.samplers.trained import Trained
from models.lbae.hyperplane import BIT_SAMPLERS, square_root


def prior(trained: Trained, n: int) -> Tensor:
    """Draw from the model's prior."""
    return trained.view.prior.sample(n, trained.generator("prior"), trained.device)


def mixture(trained: Trained, n: int) -> Tensor:
    """Draw from a Gaussian mixture with full covariances, fitted to one code of each training image."""
    from sklearn.mixture import GaussianMixture

    codes = trained.get("train_codes")  # [M, L]
    components = min(trained.settings.gmm_components, len(codes))
    seed = trained.number("gmm")
    fitted = GaussianMixture(components, random_state=seed, reg_covar=1e-4, tol=1e-2).fit(codes.astype(np.float64))
    drawn, _ = fitted.sample(n)  # component by component
    return torch.from_numpy(np.random.default_rng(seed).permutation(drawn).astype(np.float32))


def gaussian(trained: Trained, n: int) -> Tensor:
    r"""Draw from the one Gaussian that has the moments of a code of each training image.

    .. math:: z = \mu + V \epsilon, \quad \epsilon \sim N(0, I), \quad V V^T = \Sigma

    Source: the columns N(mu, Sigma) of Tables 1 and 4, LBAE.
    """
    codes = trained.get("train_codes").astype(np.float64)  # [M, L]
    factor = square_root(torch.from_numpy(np.atleast_2d(np.cov(codes.T))))
    noise = torch.randn(n, codes.shape[1], generator=trained.generator("gaussian"), device=trained.device)
    return torch.from_numpy(codes.mean(0)).float().to(noise) + noise @ factor.T.to(noise)


def bits(kind: str, trained: Trained, n: int) -> Tensor:
    """Draw bits -1 and +1 that follow the moments of the training images' bits, in the way of `kind`."""
    moments = torch.from_numpy(trained.get("moments")).to(trained.device)
    return BIT_SAMPLERS[kind]().fit_moments(moments).sample(n, trained.generator(kind))


def riemannian(trained: Trained, n: int) -> Tensor:
    """Draw by Hamiltonian Monte Carlo from the volume element of the model's metric."""
    return trained.view.riemannian_metric.sample(n, trained.generator("rhvae"))


def own(trained: Trained, n: int) -> Tensor:
    """Draw as the model's paper does."""
    return own_sampler(trained.view.capabilities).draw(trained, n)
