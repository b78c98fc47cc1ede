"""Densities, divergences and log-mean-exp; sums run over the event, results are [B] or [B, K], in nats."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


def gaussian_log_prob(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    r"""Return :math:`\log N(z; \mu, diag(\sigma^2))`, summed over the last axis: [..., L] -> [...]."""
    return -0.5 * (LOG_2PI + log_variance + (z - mean) ** 2 * torch.exp(-log_variance)).sum(-1)


def standard_normal_log_prob(z: Tensor) -> Tensor:
    r"""Return :math:`\log N(z; 0, I)`, summed over the last axis: [..., L] -> [...]."""
    return -0.5 * (LOG_2PI + z**2).sum(-1)


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    r"""Return :math:`D_{KL}(N(\mu, diag(\sigma^2)) || N(0, I)) = \frac12 \sum_d (\mu_d^2 + \sigma_d^2 - 1 - \ln
    \sigma_d^2)`: [B, L] -> [B]."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(-1)


class Bernoulli(NamedTuple):
    r"""A Bernoulli p(x|z) given by its logits [N, ...].

    .. math:: \ln p(x|z) = \sum_i x_i \ln p_i + (1 - x_i) \ln (1 - p_i), \quad p = \sigma(logits)

    This is the negative summed binary cross-entropy. For binary x it is a log-probability; for grey x in [0, 1] it
    is not a density (it does not integrate to one), which is how the tables of the BVAE paper use it.
    """

    logits: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return ln p(x|z): [N, ...] -> [N]."""
        return -F.binary_cross_entropy_with_logits(self.logits, x, reduction="none").flatten(1).sum(1)

    @property
    def mean(self) -> Tensor:
        """The pixel probabilities."""
        return self.logits.sigmoid()


class BernoulliMeans(NamedTuple):
    """The same, given by its probabilities [N, ...], as Pythae's decoders do; logs are clamped at -100."""

    mean: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return ln p(x|z): [N, ...] -> [N]."""
        return -F.binary_cross_entropy(self.mean, x, reduction="none").flatten(1).sum(1)


class UnitGaussian(NamedTuple):
    r"""The density :math:`N(x; mean, I)`, its constant included: what Pythae's "mse" stands for."""

    mean: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return ln p(x|z): [N, ...] -> [N]."""
        return -0.5 * (LOG_2PI + (x - self.mean) ** 2).flatten(1).sum(1)


Likelihood = Bernoulli | BernoulliMeans | UnitGaussian


class StandardNormal(NamedTuple):
    """The prior N(0, I) over `dim` latent variables."""

    dim: int

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln p(z): [..., L] -> [...]."""
        return standard_normal_log_prob(z)

    def sample(self, n: int, generator: torch.Generator | None = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n codes: [n, L]."""
        return torch.randn(n, self.dim, generator=generator, device=device)


class Gaussian(NamedTuple):
    """A diagonal Gaussian posterior q(z|x); mean and log_variance are [N, L]."""

    mean: Tensor
    log_variance: Tensor

    def rsample(self, k: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Draw k reparametrised samples a row: [N, k, L]."""
        shape = (self.mean.shape[0], k, self.mean.shape[1])
        noise = torch.randn(shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype)
        return self.mean[:, None] + noise * torch.exp(0.5 * self.log_variance)[:, None]

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln q(z|x): [N, k, L] -> [N, k]."""
        return gaussian_log_prob(z, self.mean[:, None], self.log_variance[:, None])


def log_mean_exp(log_w: Tensor, dim: int) -> Tensor:
    r"""Return :math:`\ln \frac1K \sum_k e^{\log w_k}` along `dim`, without overflow."""
    return torch.logsumexp(log_w, dim) - math.log(log_w.shape[dim])
