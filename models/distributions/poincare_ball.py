"""The wrapped normal law on the Poincare ball of curvature -1."""

from typing import NamedTuple

import torch
from pythae.models.pvae.pvae_utils import PoincareBall
from torch import Tensor

from models.distributions.densities import gaussian_log_prob
from models.noise import Noise, normal

RADIUS = 1 - 4e-3  # of the ball that codes are kept in, as Pythae projects single-precision points


class WrappedNormal(NamedTuple):
    r"""The law of :math:`\exp_\mu(v)`, v a Gaussian tangent vector moved from the origin to :math:`\mu`.

    .. math::
        \ln q(z) = \ln N(u; 0, \sigma^2) - (L - 1) \ln \frac{\sinh d(\mu, z)}{d(\mu, z)}, \quad
        u = \lambda_0 \, PT_{\mu \to 0}(\log_\mu z)

    Source: Eqs. 4 and 15 of Mathieu et al. 2019; the density is with respect to the ball's own volume. `mean` is
    :math:`\mu` [N, L], log_variance [N, L].
    """

    mean: Tensor
    log_variance: Tensor

    def rsample(self, k: int = 1, generator: Noise = None) -> Tensor:
        """Draw k reparametrised samples a row: [N, k, L]."""
        n, dim = self.mean.shape
        u = normal((n, k, dim), generator, self.mean.device) * (0.5 * self.log_variance).exp()[:, None]
        ball, mean = PoincareBall(dim), self.mean[:, None]
        return ball.expmap(mean, ball.transp(torch.zeros_like(mean), mean, u / 2))

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln q(z|x): [..., k, L] -> [..., k] with the leading axes of `mean`, [N]."""
        ball, mean = PoincareBall(z.shape[-1]), self.mean[:, None]
        u = 2 * ball.transp(mean, torch.zeros_like(mean), ball.logmap(mean, z))
        distance = ball.dist(mean, z).clamp_min(1e-4)  # below, sinh(d) / d is 1 in single precision
        log_ratio = distance + torch.log(-torch.expm1(-2 * distance) / (2 * distance))
        return gaussian_log_prob(u, torch.zeros_like(u), self.log_variance[:, None]) - (z.shape[-1] - 1) * log_ratio


class BallPrior(NamedTuple):
    """The prior: the wrapped normal of unit deviation at the origin of the ball of `dim` coordinates.

    Pythae's loss calls the attribute `prior` of its class as a constructor, which this still is.
    """

    dim: int
    kind: type  # Pythae's own

    def __call__(self, **arguments: object) -> object:
        return self.kind(**arguments)

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln p(z): [..., L] -> [...]."""
        zeros = z.new_zeros(1, self.dim)
        return WrappedNormal(zeros, zeros).log_prob(z.reshape(1, -1, self.dim)).reshape(z.shape[:-1])

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n codes: [n, L]."""
        zeros = torch.zeros(1, self.dim, device=device)
        return WrappedNormal(zeros, zeros).rsample(n, generator)[0]
