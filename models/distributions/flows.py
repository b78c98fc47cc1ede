"""Posteriors pushed through a flow, and the planar flow that can be undone."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from pythae.models.base.base_utils import ModelOutput
from pythae.models.normalizing_flows import PlanarFlow
from torch import Tensor, nn

from models.distributions.densities import Gaussian
from models.noise import Noise

Map = Callable[[Tensor], tuple[Tensor, Tensor]]  # points [M, L] -> their images and ln |det J| [M]
_HALVINGS = 60


class FlowPosterior:
    r"""The law of :math:`z = f(z_0)` for a Gaussian :math:`z_0`.

    .. math:: \ln q(z|x) = \ln q_0(z_0|x) - \ln |\det \partial f / \partial z_0|

    Source: Eq. 5 of Rezende and Mohamed 2015. `push` is f, `pull` its inverse with the inverse's log-determinant;
    points that `rsample` has just drawn are not pulled back again.
    """

    def __init__(self, base: Gaussian, push: Map, pull: Map):
        self.base, self.push, self.pull = base, push, pull
        self._drawn: tuple[Tensor, Tensor] | None = None

    @property
    def mean(self) -> Tensor:
        """The image of the Gaussian's mean, f(mu), which is not the law's expectation: [N, L]."""
        return self.push(self.base.mean)[0]

    def rsample(self, k: int = 1, generator: Noise = None) -> Tensor:
        """Draw k reparametrised samples a row: [N, k, L]."""
        z_0 = self.base.rsample(k, generator)
        flat, log_det = self.push(z_0.flatten(0, 1))
        z = flat.unflatten(0, z_0.shape[:2])
        self._drawn = z, self.base.log_prob(z_0) - log_det.reshape(z_0.shape[:2])
        return z

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln q(z|x): [N, k, L] -> [N, k]."""
        if self._drawn is not None and z is self._drawn[0]:
            return self._drawn[1]
        z_0, log_det = self.pull(z.flatten(0, 1))
        return self.base.log_prob(z_0.unflatten(0, z.shape[:2])) + log_det.reshape(z.shape[:2])


def pushed(layers: Iterable[nn.Module], z: Tensor) -> tuple[Tensor, Tensor]:
    """Return points [M, L] after all layers, which are Pythae's flows, and the sum of their log-determinants [M]."""
    log_det = z.new_zeros(len(z))
    for layer in layers:
        out = layer(z)
        z, log_det = out.out, log_det + out.log_abs_det_jac.reshape(-1)
    return z, log_det


def pulled(layers: Sequence[nn.Module], z: Tensor) -> tuple[Tensor, Tensor]:
    """Return the points that `pushed` takes to z [M, L], and the log-determinants of that inverse [M]."""
    start = z
    for layer in reversed(layers):
        assert isinstance(layer, ConstrainedPlanarFlow)
        start = layer.undo(start)
    return start, -pushed(layers, start)[1]


class ConstrainedPlanarFlow(PlanarFlow):
    r"""The planar flow, with u replaced by the nearest vector along w for which the flow is one-to-one.

    .. math::
        f(z) = z + \hat u \tanh(w^T z + b), \quad \hat u = u + [m(w^T u) - w^T u] \frac{w}{||w||^2}, \quad
        m(x) = \ln(1 + e^x) - 1

    Source: Eq. 10 and Appendix A.1 of Rezende and Mohamed 2015. Then :math:`w^T \hat u > -1`, which Pythae does not
    ask for: where it fails, f folds space, and its log-determinant is that of no density. Pythae also adds 1e-4 inside
    that logarithm.
    """

    @property
    def u_hat(self) -> Tensor:
        """The constrained direction [1, L]."""
        along = (self.w * self.u).sum()
        return self.u + (F.softplus(along) - 1 - along) * self.w / self.w.square().sum()

    def forward(self, x: Tensor, **kwargs: Any) -> ModelOutput:
        """Return `out` [B, L] and `log_abs_det_jac` [B] of points [B, L]."""
        height = (x @ self.w.T + self.b).tanh()  # [B, 1]
        slope = (1 - height.square()) * (self.w @ self.u_hat.T)
        return ModelOutput(out=x + self.u_hat * height, log_abs_det_jac=torch.log1p(slope).squeeze(1))

    def undo(self, z: Tensor) -> Tensor:
        r"""Return the points that the flow takes to z [M, L].

        Their coordinate :math:`a = w^T x` solves :math:`a + w^T \hat u \tanh(a + b) = w^T z`, found by bisection.
        """
        target, steep = z @ self.w.T, self.w @ self.u_hat.T  # [M, 1], [1, 1]
        low, high = target - steep.abs(), target + steep.abs()
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = middle + steep * (middle + self.b).tanh() < target
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return z - self.u_hat * (low + self.b).tanh()
