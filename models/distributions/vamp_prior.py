"""The VampPrior, and the law that Pythae's sampler for it draws from."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.distributions.densities import Gaussian, gaussian_log_prob, log_mean_exp
from models.noise import Noise, normal, uniform


class VampPrior(NamedTuple):
    r"""The mean of the posteriors of C pseudo-inputs.

    .. math:: p(z) = \frac1C \sum_c q(z|u_c)

    Source: Eq. 9 of Tomczak and Welling 2018. `components` are :math:`q(z|u_c)`, parameters [C, L].
    """

    components: Gaussian

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln p(z): [..., L] -> [...]."""
        return log_mean_exp(gaussian_log_prob(z[..., None, :], *self.components), -1)

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n codes: [n, L]."""
        mean, log_variance = self.components
        chosen = (uniform((n,), generator, device) * len(mean)).long()
        noise = normal((n, mean.shape[1]), generator, device)
        return mean[chosen] + noise * (0.5 * log_variance[chosen]).exp()


class PythaeVampPrior(VampPrior):
    r"""The same density, drawn from as Pythae's VAMPSampler does: the components in turn, with other variances.

    .. math:: z = \mu_c + e^{\frac12 \tanh(\ln \sigma_c^2)} \epsilon, \quad c = 1, 2, \ldots, C, 1, \ldots
    """

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n codes: [n, L]."""
        mean, log_variance = self.components
        chosen = torch.arange(n, device=device) % len(mean)
        noise = normal((n, mean.shape[1]), generator, device)
        return mean[chosen] + noise * (0.5 * log_variance[chosen].tanh()).exp()
