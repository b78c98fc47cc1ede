"""The Concrete distribution on the simplex and its binary form: density and reparametrised samples, in log space."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from models.noise import Noise, uniform

_SMALLEST = 1e-10  # of a uniform draw, whose logarithm is taken


def concrete_log_prob(log_y: Tensor, log_probs: Tensor, temperature: float) -> Tensor:
    r"""Return the log-density of the Concrete distribution at a point inside the simplex.

    .. math:: \ln q(y) = \ln \Gamma(k) + (k - 1) \ln \tau + \sum_i [\ln p_i - (\tau + 1) \ln y_i]
        - k \ln \sum_i p_i y_i^{-\tau}

    Source: Eq. 10 of Maddison et al. 2017, with respect to the Lebesgue measure of k - 1 coordinates. log_y [..., k]
    is :math:`\ln y`; log_probs [..., k] need not be normalised; nats [...]. It is singular at the corners.
    """
    k = log_y.shape[-1]
    constant = math.lgamma(k) + (k - 1) * math.log(temperature)
    terms = (log_probs - (temperature + 1) * log_y).sum(-1)
    return constant + terms - k * torch.logsumexp(log_probs - temperature * log_y, -1)


def concrete_rsample(log_probs: Tensor, temperature: float, generator: Noise = None) -> Tensor:
    r"""Draw one reparametrised sample a row: log_probs [B, k] -> :math:`\ln y` [B, k].

    .. math:: y = softmax((\ln p + g) / \tau), \quad g_i = -\ln(-\ln u_i), \quad u_i \sim U(0, 1)

    Source: Section 3.1 of Maddison et al. 2017; Eq. 1 of Jang et al. 2016.
    """
    return F.log_softmax((log_probs + gumbel(log_probs.shape, generator, log_probs.device)) / temperature, dim=-1)


def gumbel(shape: torch.Size, generator: Noise = None, device: torch.device | str = "cpu") -> Tensor:
    """Return standard Gumbel noise of a shape; adding it to log-probabilities makes the largest a categorical draw."""
    return -(-uniform(shape, generator, device).clamp(min=_SMALLEST).log()).log()


def relaxed_bernoulli(logits: Tensor, temperature: float, generator: Noise = None) -> Tensor:
    r"""Draw from the binary Concrete distribution, with a gradient: logits [B, ...] -> (0, 1), of the same shape.

    .. math:: x = \sigma((l + \ln u - \ln(1 - u)) / \tau), \quad u \sim U(0, 1)

    Source: Appendix B of Maddison et al. 2017. It rounds to a Bernoulli draw of the same logits.
    """
    u = uniform(logits.shape, generator, logits.device).clamp(min=_SMALLEST)
    return ((logits + u.log() - torch.log1p(-u)) / temperature).sigmoid()


def straight_through_bernoulli(logits: Tensor, generator: Noise = None) -> Tensor:
    r"""Draw 0 or 1 with probabilities sigmoid(logits), whose gradient is that of the mean: [B, ...] -> the same shape.

    Source: the straight-through estimator of Bengio et al. 2013.
    """
    mean = logits.sigmoid()
    return hard_bernoulli(logits, generator) + (mean - mean.detach())


def hard_bernoulli(logits: Tensor, generator: Noise = None) -> Tensor:
    """Draw 0 or 1 with probabilities sigmoid(logits), without a gradient: [B, ...] -> the same shape."""
    return (uniform(logits.shape, generator, logits.device) < logits.detach().sigmoid()).to(logits.dtype)
