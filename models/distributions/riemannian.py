"""Codes drawn by the metric of a Riemannian Hamiltonian VAE: from the density that its volume element is."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.noise import Noise, normal, uniform

CHAIN, LEAPS, STEP = 20, 15, 0.03  # moves of the chain (Pythae: 100), leapfrog steps in each, their size


class Metric(NamedTuple):
    r"""The metric of an RHVAE.

    .. math:: G^{-1}(z) = \sum_i M_i \, e^{-||c_i - z||^2 / T^2} + \lambda I

    Source: Eq. 8 of Chadebec et al. 2022. centroids [K, L], matrices [K, L, L].
    """

    centroids: Tensor
    matrices: Tensor
    temperature: float
    regularisation: float

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the inverse metric [n, L, L] at points [n, L], and the weights of the centroids [n, K]."""
        weights = torch.exp(-torch.cdist(z, self.centroids).square() / self.temperature**2)
        eye = torch.eye(z.shape[1], device=z.device)
        return (weights @ self.matrices.flatten(1)).unflatten(1, eye.shape) + self.regularisation * eye, weights

    def log_density(self, z: Tensor) -> tuple[Tensor, Tensor]:
        r"""Return :math:`\ln \sqrt{\det G^{-1}(z)}` up to a constant [n], and its gradient [n, L], at points [n, L].

        .. math:: \nabla = \frac1{T^2} \sum_i w_i(z) \, tr(G(z) M_i) \, (c_i - z)
        """
        inverse, weights = self.inverse(z)
        factor = torch.linalg.cholesky(inverse)
        traces = torch.cholesky_inverse(factor).flatten(1) @ self.matrices.flatten(1).T  # [n, K]
        pull = weights * traces / self.temperature**2
        gradient = pull @ self.centroids - pull.sum(1, keepdim=True) * z
        return factor.diagonal(dim1=1, dim2=2).log().sum(1), gradient

    @torch.no_grad()
    def sample(self, n: int, generator: Noise = None) -> Tensor:
        """Draw n points [n, L] by Hamiltonian Monte Carlo from centroids.

        As Pythae's RHVAESampler, which moves by another field than the density's gradient and so accepts less.
        """
        device = self.centroids.device
        z = self.centroids[(uniform((n,), generator, device) * len(self.centroids)).long()]
        density, slope = self.log_density(z)
        for _ in range(CHAIN):
            rho = normal(z.shape, generator, device)
            energy = 0.5 * rho.square().sum(1) - density
            moved, now, pull = z, density, slope
            for _ in range(LEAPS):
                rho = rho + 0.5 * STEP * pull
                moved = moved + STEP * rho
                now, pull = self.log_density(moved)
                rho = rho + 0.5 * STEP * pull
            taken = uniform((n,), generator, device).log() < energy - (0.5 * rho.square().sum(1) - now)
            z, slope = (torch.where(taken[:, None], new, old) for new, old in ((moved, z), (pull, slope)))
            density = torch.where(taken, now, density)
        return z
