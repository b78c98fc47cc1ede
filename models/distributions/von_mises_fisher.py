"""Distributions on the unit sphere of R^L: von Mises-Fisher, and the uniform one."""

import math
from typing import NamedTuple

import numpy as np
import scipy.special
import torch
from torch import Tensor

from models.noise import Noise, normal, uniform

_MOST_ROUNDS = 1000  # of rejection; a draw is accepted with a probability of a half or more


class UniformSphere(NamedTuple):
    """The prior: the uniform law on the sphere of `dim` coordinates, density with respect to its surface."""

    dim: int

    def log_prob(self, z: Tensor) -> Tensor:
        r"""Return :math:`-\ln (2 \pi^{L/2} / \Gamma(L/2))`: [..., L] -> [...], a constant."""
        half = self.dim / 2
        return z.new_full(z.shape[:-1], math.lgamma(half) - math.log(2) - half * math.log(math.pi))

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n points: [n, L]."""
        return _direction((n, self.dim), generator, device)


class VonMisesFisher(NamedTuple):
    r"""The posterior :math:`q(z|x) = C_L(\kappa) e^{\kappa \mu^T z}`, density with respect to the surface.

    .. math:: C_L(\kappa) = \frac{\kappa^{L/2 - 1}}{(2 \pi)^{L/2} I_{L/2 - 1}(\kappa)}

    Source: Eqs. 1-2 of Davidson et al. 2018. `mean` is the direction :math:`\mu` [N, L], concentration [N, 1].
    It draws by the rejection of Wood 1994, for evaluation: without a gradient.
    """

    mean: Tensor
    concentration: Tensor

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln q(z|x): [N, k, L] -> [N, k]."""
        half, k = self.mean.shape[1] / 2, self.concentration.detach().cpu().double().numpy()
        log_bessel = np.log(scipy.special.ive(half - 1, k)) + k
        constant = (half - 1) * np.log(k) - half * math.log(2 * math.pi) - log_bessel
        return torch.from_numpy(constant).to(z) + self.concentration * (z * self.mean[:, None]).sum(-1)

    @torch.no_grad()
    def rsample(self, k: int = 1, generator: Noise = None) -> Tensor:
        """Draw k samples a row: [N, k, L]."""
        n, dim = self.mean.shape
        along = self._along(k, generator)  # [N, k, 1]
        across = _direction((n, k, dim - 1), generator, self.mean.device)
        z = torch.cat([along, (1 - along.square()).clamp_min(0).sqrt() * across], -1)
        first = torch.zeros_like(self.mean)
        first[:, 0] = 1
        mirror = torch.nn.functional.normalize(first - self.mean, dim=1)[:, None]  # takes the first axis to the mean
        return z - 2 * mirror * (z * mirror).sum(-1, keepdim=True)

    def _along(self, k: int, generator: Noise) -> Tensor:
        """Draw the samples' coordinate along the mean: [N, k, 1]."""
        m, device = self.mean.shape[1] - 1, self.mean.device
        kappa = self.concentration[:, None].expand(-1, k, 1)
        c = (4 * kappa.square() + m**2).sqrt()
        a, b = (m + 2 * kappa + c) / 4, m / (2 * kappa + c)
        d = 4 * a * b / (1 + b) - m * math.log(m)
        found, open_ = torch.zeros_like(kappa), torch.ones_like(kappa, dtype=torch.bool)
        for _ in range(_MOST_ROUNDS):
            # Beta(m/2, m/2) is (1 + x) / 2 for a coordinate x of a uniform point on the sphere
            beta = (1 + _direction((*kappa.shape[:2], m + 1), generator, device)[..., :1]) / 2
            t = 2 * a * b / (1 - (1 - b) * beta)
            log_u = uniform(kappa.shape, generator, device).clamp_min(1e-30).log()
            taken = open_ & (m * t.log() - t + d >= log_u)
            found = torch.where(taken, (1 - (1 + b) * beta) / (1 - (1 - b) * beta), found)
            open_ &= ~taken
            if not bool(open_.any()):
                break
        return found


def _direction(shape: tuple[int, ...], generator: Noise, device: str | torch.device) -> Tensor:
    return torch.nn.functional.normalize(normal(shape, generator, device), dim=-1)
