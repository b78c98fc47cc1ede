"""Distributions on a box: the uniform one, and a diagonal Gaussian pushed into it by a scaled sigmoid."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from models.distributions.densities import gaussian_log_prob
from models.noise import Noise, normal, uniform

_EDGE = 1e-6  # the share of the box's width that a point is kept from its faces when the flow is undone


def to_box(z_tilde: Tensor, half_width: float) -> Tensor:
    r"""Return the scaled sigmoid :math:`n(\tilde z) = -h + 2h \, \sigma(\tilde z)` (Eq. 10, Untapped), element-wise."""
    return half_width * (2 * z_tilde.sigmoid() - 1)


def from_box(z: Tensor, half_width: float) -> Tensor:
    r"""Return :math:`n^{-1}(z) = \ln \frac{\hat z}{1 - \hat z}, \ \hat z = (z + h) / 2h` (Eqs. 12-13, Untapped).

    Points nearer to a face than 1e-6 of the width are taken as that far from it.
    """
    return torch.logit((z + half_width) / (2 * half_width), eps=_EDGE)


def log_det(z_tilde: Tensor, half_width: float) -> Tensor:
    r"""Return the log-determinant of the flow's Jacobian, over the last axis: [..., d] -> [...].

    .. math:: \ln |\partial n / \partial \tilde z| = d \ln 2h + \sum_i \ln \sigma(\tilde z_i) + \ln \sigma(-\tilde z_i)

    Source: Appendix A, Untapped, whose Eqs. 14-16 print :math:`\sigma(1 - \hat z) \sigma(\hat z)` where the derivative
    is :math:`\hat z (1 - \hat z)`.
    """
    return (math.log(2 * half_width) + F.logsigmoid(z_tilde) + F.logsigmoid(-z_tilde)).sum(-1)


class UniformBox(NamedTuple):
    """The prior p(z) = U(-h, h)^d."""

    dim: int
    half_width: float

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln p(z) of points in the box: [..., d] -> [...], a constant."""
        return z.new_full(z.shape[:-1], -self.dim * math.log(2 * self.half_width))

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n points: [n, d]."""
        return self.half_width * (2 * uniform((n, self.dim), generator, device) - 1)


class BoxedGaussian(NamedTuple):
    r"""The law of :math:`n(\tilde z), \ \tilde z \sim N(\mu, diag(\sigma^2))`; location and scale are [..., d]."""

    location: Tensor
    scale: Tensor
    half_width: float

    @property
    def mean(self) -> Tensor:
        r"""The flow of the Gaussian's mean, :math:`n(\mu)`, which is the median of the law, not its expectation."""
        return to_box(self.location, self.half_width)

    def rsample(self, generator: Noise = None) -> tuple[Tensor, Tensor]:
        """Draw one reparametrised sample a row: z and its log-density, [..., d] and [...]."""
        z_tilde = self.location + self.scale * normal(self.location.shape, generator, self.location.device)
        return to_box(z_tilde, self.half_width), self._log_prob(z_tilde)

    def log_prob(self, z: Tensor) -> Tensor:
        r"""Return :math:`\ln q(z) = \ln N(\tilde z; \mu, \sigma^2) - \ln |\partial n / \partial \tilde z|`:
        [..., d] -> [...]."""
        return self._log_prob(from_box(z, self.half_width))

    def _log_prob(self, z_tilde: Tensor) -> Tensor:
        log_variance = 2 * self.scale.log()
        return gaussian_log_prob(z_tilde, self.location, log_variance) - log_det(z_tilde, self.half_width)
