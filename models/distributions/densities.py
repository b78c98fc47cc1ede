"""Densities, divergences and log-mean-exp; sums run over the event, results are [B] or [B, K], in nats."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from models.kernels.bernoulli import log_prob_of_means
from models.noise import Noise, normal

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


def _beside(parameters: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return parameters [N * K, ...] and images [N, ...] as [N, K, D] and a view of that shape: no image is copied."""
    rows = parameters.flatten(1).unflatten(0, (len(x), -1))  # [N, K, D]
    return rows, x.flatten(1)[:, None].expand_as(rows)


class Bernoulli(NamedTuple):
    r"""A Bernoulli p(x|z) given by its logits [N, ...].

    .. math:: \ln p(x|z) = \sum_i x_i \ln p_i + (1 - x_i) \ln (1 - p_i), \quad p = \sigma(logits)

    This is the negative summed binary cross-entropy. For binary x it is a log-probability; for grey x in [0, 1] it
    is not a density (it does not integrate to one), which is how the tables of the BVAE paper use it.
    """

    logits: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return ln p(x|z): [N, ...] -> [N * K], for logits [N * K, ...] with K consecutive rows an image."""
        logits, images = _beside(self.logits, x)
        return -F.binary_cross_entropy_with_logits(logits, images, reduction="none").sum(-1).flatten()

    def entropy(self) -> Tensor:
        r"""Return :math:`H[p(x|z)] = \sum_i \ln(1 + e^{l_i}) - \sigma(l_i) l_i` of the logits l: [N]."""
        return (F.softplus(self.logits) - self.logits.sigmoid() * self.logits).flatten(1).sum(-1)

    @property
    def mean(self) -> Tensor:
        """The pixel probabilities."""
        return self.logits.sigmoid()


class BernoulliMeans(NamedTuple):
    """The same, given by its probabilities [N, ...], as Pythae's decoders do; logs are clamped at -100."""

    mean: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return ln p(x|z): [N, ...] -> [N * K], for means [N * K, ...] with K consecutive rows an image."""
        p, images = _beside(self.mean, x)
        return log_prob_of_means(p, images).flatten()


class UnitGaussian(NamedTuple):
    r"""The density :math:`N(x; mean, I)`, its constant included: what Pythae's "mse" stands for."""

    mean: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return ln p(x|z): [N, ...] -> [N * K], for means [N * K, ...] with K consecutive rows an image."""
        mean, images = _beside(self.mean, x)
        return -0.5 * (LOG_2PI * mean.shape[-1] + (images - mean).square().sum(-1)).flatten()


class StandardNormal(NamedTuple):
    """The prior N(0, I) over `dim` latent variables."""

    dim: int

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln p(z): [..., L] -> [...]."""
        return standard_normal_log_prob(z)

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n codes: [n, L]."""
        return normal((n, self.dim), generator, device)


class Gaussian(NamedTuple):
    """A diagonal Gaussian posterior q(z|x); mean and log_variance are [N, L]."""

    mean: Tensor
    log_variance: Tensor

    def rsample(self, k: int = 1, generator: Noise = None) -> Tensor:
        """Draw k reparametrised samples a row: [N, k, L]."""
        noise = normal((self.mean.shape[0], k, self.mean.shape[1]), generator, self.mean.device)
        return self.mean[:, None] + noise * torch.exp(0.5 * self.log_variance)[:, None]

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln q(z|x): [N, k, L] -> [N, k]."""
        return gaussian_log_prob(z, self.mean[:, None], self.log_variance[:, None])


def log_mean_exp(log_w: Tensor, dim: int) -> Tensor:
    r"""Return :math:`\ln \frac1K \sum_k e^{\log w_k}` along `dim`, without overflow."""
    return torch.logsumexp(log_w, dim) - math.log(log_w.shape[dim])
