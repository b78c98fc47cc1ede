"""The training objectives as named, unreduced per-sample terms [B] in nats, to be minimised."""

import math

import torch
from torch import Tensor

from models.distributions.densities import (
    gaussian_log_prob,
    kl_to_standard_normal,
    log_mean_exp,
    standard_normal_log_prob,
)


def elbo_terms(
    log_p_x: Tensor, mean: Tensor, log_variance: Tensor, divergence: Tensor | None = None
) -> dict[str, Tensor]:
    r"""Negative evidence lower bound, as distortion and rate.

    .. math:: -L(x) = -E_q \ln p(x|z) + D_{KL}(q(z|x) || p(z))

    Source: Eq. 23, BVAE; the beta-VAE multiplies `kl` by beta. `log_p_x` is ln p(x|z) [B] at one z ~ q(z|x); mean
    and log_variance are [B, L]. `divergence` [B] is the second term where p(z) is not N(0, I).
    """
    exact = kl_to_standard_normal(mean, log_variance) if divergence is None else divergence
    return {"distortion": -log_p_x, "kl": exact}


def total_correlation_terms(
    log_p_x: Tensor,
    z: Tensor,
    mean: Tensor,
    log_variance: Tensor,
    dataset_size: int,
    log_p_z: Tensor | None = None,
) -> dict[str, Tensor]:
    r"""Negative ELBO with the KL split in three, by minibatch stratified sampling.

    .. math::
        E_x D_{KL}(q(z|x) || p(z)) = I(x; z) + D_{KL}(q(z) || \prod_d q(z_d)) + \sum_d D_{KL}(q(z_d) || p(z_d))

    Source: Eq. 2 and Appendix C.2 of Chen et al. 2018 (beta-TCVAE); beta weights `total_correlation`. z is [B, L],
    one sample of each posterior. The last two terms are one-sample estimates and may be negative for a sample.
    `log_p_z` is ln p(z) [B], of N(0, I) where it is not given.
    Raises ValueError for a batch of one sample, which has no other sample to estimate q(z) from.
    """
    log_q_z, log_q_z_product = aggregated_posterior(z, mean, log_variance, dataset_size)
    return {
        "distortion": -log_p_x,
        "mutual_information": gaussian_log_prob(z, mean, log_variance) - log_q_z,
        "total_correlation": log_q_z - log_q_z_product,
        "dimension_kl": log_q_z_product - (standard_normal_log_prob(z) if log_p_z is None else log_p_z),
    }


def aggregated_posterior(z: Tensor, mean: Tensor, log_variance: Tensor, dataset_size: int) -> tuple[Tensor, Tensor]:
    r"""Estimates of :math:`\ln q(z)` and :math:`\ln \prod_d q(z_d)`, each [B], from one minibatch.

    .. math:: q(z_i) \approx \sum_j W_{ij} q(z_i | x_j), \quad \sum_j W_{ij} = 1
    """
    log_w = stratified_log_weights(len(z), dataset_size, z.device)  # [B, B]
    # log q(z_i,d | x_j): [B, B, L]
    inverse_deviation = torch.exp(-0.5 * log_variance)
    scaled = (z[:, None] - mean[None]) * inverse_deviation[None]
    log_q = -0.5 * (scaled**2 + log_variance[None] + math.log(2 * math.pi))
    log_q_z = torch.logsumexp(log_w + log_q.sum(-1), dim=1)
    log_q_z_product = torch.logsumexp(log_w[:, :, None] + log_q, dim=1).sum(-1)
    return log_q_z, log_q_z_product


def stratified_log_weights(batch_size: int, dataset_size: int, device: torch.device | str = "cpu") -> Tensor:
    r"""Log-weights of minibatch stratified sampling, [B, B]: rows sum to one.

    With N samples in all and M = B - 1 others in the batch: the sample's own posterior weighs 1/N, one other
    (N - M)/(N M), the remaining 1/M. Source: Appendix C.2 of Chen et al. 2018; the widely copied code puts 1/N in
    the first column instead of on the diagonal.
    """
    others = batch_size - 1
    if others < 1:
        raise ValueError("the total correlation needs batches of at least 2 samples")
    n = max(dataset_size, batch_size)
    weights = torch.full((batch_size, batch_size), 1 / others, device=device)
    own = torch.arange(batch_size, device=device)
    weights[own, own] = 1 / n
    weights[own, (own + 1) % batch_size] = (n - others) / (n * others)
    return weights.log()


def importance_weighted_terms(
    log_p_x: Tensor,
    z: Tensor,
    mean: Tensor,
    log_variance: Tensor,
    beta: float = 1.0,
    log_p_z: Tensor | None = None,
) -> dict[str, Tensor]:
    r"""Negative importance-weighted bound; the value is the bound itself, not a surrogate with its gradient.

    .. math:: -\ln \frac1K \sum_k w_k, \quad \ln w_k = \ln p(x|z_k) - \beta [\ln q(z_k|x) - \ln p(z_k)]

    Source: Eq. 8 of Burda et al. 2016 at beta = 1, a lower bound on ln p(x); the beta of BVAE's Table IV is not
    defined there, this form is our reading. `log_p_x` is [B, K], z is [B, K, L], mean and log_variance [B, L];
    `log_p_z` is ln p(z) [B, K], of N(0, I) where it is not given.
    """
    log_p_z = standard_normal_log_prob(z) if log_p_z is None else log_p_z
    log_ratio = gaussian_log_prob(z, mean[:, None], log_variance[:, None]) - log_p_z  # [B, K]
    return {"negative_bound": -log_mean_exp(log_p_x - beta * log_ratio, dim=1)}
