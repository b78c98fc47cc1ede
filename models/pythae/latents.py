"""Pythae's models with a posterior or a prior of their own, on the suite's networks, and their bidirectional forms."""

from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic.dataclasses import dataclass
from pythae import models as pythae
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.models.normalizing_flows import PlanarFlow
from pythae.models.rhvae.rhvae_utils import create_inverse_metric, create_metric
from torch import Tensor, nn

from models.bidirectional import Decoder, Encoder
from models.capabilities import GaussianLatent, LastEpoch, PointLatent, SampledLatent
from models.distributions.densities import Bernoulli, Gaussian
from models.distributions.flows import FlowPosterior, pushed
from models.distributions.poincare_ball import RADIUS, BallPrior, WrappedNormal
from models.distributions.priors import Prior
from models.distributions.riemannian import Metric
from models.distributions.vamp_prior import PythaeVampPrior
from models.distributions.von_mises_fisher import UniformSphere, VonMisesFisher
from models.forms import Family, forms
from models.training import as_float

_CENTROIDS = 500
Law = Callable[[Tensor], Tensor]


class BallEncoder(Encoder):
    r"""A network seen as an encoder into the ball: the mean head is a tangent vector at the origin.

    .. math:: \mu = \exp_0(W h) = \tanh(||W h||) \frac{W h}{||W h||}

    Source: Mathieu et al. 2019, Section 3. Pythae takes the location of its wrapped normal as the encoder gives it, and
    a location outside the ball makes its loss NaN.
    """

    def forward(self, x: Tensor) -> ModelOutput:
        """Return `embedding` in the ball and `log_covariance`: [B, C, H, W] -> [B, L]."""
        tangent, log_variance = self.network(x)
        length = tangent.norm(dim=1, keepdim=True).clamp_min(1e-15)
        return ModelOutput(embedding=RADIUS * length.tanh() * tangent / length, log_covariance=log_variance)


class VAMP(SampledLatent, pythae.VAMP):
    """VAMP: a VAE whose prior is the mean of the posteriors of learned pseudo-inputs; drawn from as Pythae draws."""

    @property
    def prior(self) -> Prior:
        """The prior p(z)."""
        return PythaeVampPrior(self.components)

    @property
    def components(self) -> Gaussian:
        """The posteriors of the pseudo-inputs: parameters [C, L]."""
        images = self.pseudo_inputs(self.idle_input.to(next(self.parameters()).device))
        return self.gaussian(images.unflatten(1, self.model_config.input_dim))


def slope_of_tanh(x: Tensor) -> Tensor:
    """Return the derivative of tanh."""
    return 1 - torch.tanh(x) ** 2


def with_plain_slopes(flows: nn.ModuleList) -> nn.ModuleList:
    """Return the flows, the lambdas of Pythae's planar ones replaced by a function, so that they can be pickled."""
    for flow in flows:
        if isinstance(flow, PlanarFlow):
            flow.activation_derivative = slope_of_tanh
    return flows


class LinNF(LastEpoch, PointLatent, GaussianLatent, pythae.VAE_LinNF):  # type: ignore[misc]
    """A VAE with planar or radial flows after its posterior, as Pythae has them.

    Its planar flows may fold space, so that the density that they give the posterior is none: it is declared without
    one, is measured at the image of the Gaussian's mean, and keeps its last epoch.
    """

    capabilities = PointLatent.capabilities | {"prior", "likelihood"}

    def __init__(self, model_config: pythae.VAE_LinNF_Config, encoder: BaseEncoder, decoder: BaseDecoder):
        super().__init__(model_config, encoder, decoder)
        with_plain_slopes(self.net)

    def embed(self, inputs: Tensor) -> Tensor:
        """Return the image of the Gaussian's mean: [N, C, H, W] -> [N, L]."""
        return pushed(self.net, self.encoder(inputs).embedding)[0]


class IAF(SampledLatent, pythae.VAE_IAF):
    """A VAE with inverse autoregressive flows after its posterior."""

    def posterior(self, x: Tensor) -> FlowPosterior:
        """Return q(z|x) for x [N, C, H, W] in [0, 1]; its density is exact, and slow where it did not draw."""

        def push(z: Tensor) -> tuple[Tensor, Tensor]:
            out = self.iaf_flow.inverse(z)
            return out.out, out.log_abs_det_jac

        def pull(z: Tensor) -> tuple[Tensor, Tensor]:
            out = self.iaf_flow(z)
            return out.out, out.log_abs_det_jac

        return FlowPosterior(self.gaussian(x), push, pull)


class SphereEncoder(Encoder):
    """A network seen as an encoder to the sphere: a direction, and one concentration, the mean of the other head."""

    def forward(self, x: Tensor) -> ModelOutput:
        """Return `embedding` [B, L], not yet of unit length, and `log_concentration` [B, 1]."""
        direction, spread = self.network(x)
        return ModelOutput(embedding=direction, log_concentration=spread.mean(1, keepdim=True))


class SVAE(SampledLatent, pythae.SVAE):
    """Hyperspherical VAE: a von Mises-Fisher posterior and a uniform prior on the unit sphere of R^latent_dim."""

    @property
    def prior(self) -> UniformSphere:
        """The prior p(z)."""
        return UniformSphere(self.model_config.latent_dim)

    def posterior(self, x: Tensor) -> VonMisesFisher:
        """Return q(z|x) for x [N, C, H, W] in [0, 1]."""
        out = self.encoder(x)
        return VonMisesFisher(F.normalize(out.embedding, dim=1), F.softplus(out.log_concentration) + 1)


@dataclass
class PoincareConfig(pythae.PoincareVAEConfig):
    """Poincare VAE with wrapped normal laws on the ball of curvature -1."""

    prior_distribution: Literal["wrapped_normal"] = "wrapped_normal"
    posterior_distribution: Literal["wrapped_normal"] = "wrapped_normal"
    curvature: Literal[1] = 1


class PoincareVAE(SampledLatent, pythae.PoincareVAE):
    """Poincare VAE: wrapped normal posterior and prior on the Poincare ball."""

    prior: Any = None

    def __init__(self, model_config: PoincareConfig, encoder: BaseEncoder, decoder: BaseDecoder):
        super().__init__(model_config, encoder, decoder)
        self._kind = self.__dict__.pop("posterior")  # the class that Pythae keeps under the name of our method
        self.prior = BallPrior(model_config.latent_dim, self._kind)

    def posterior(self, x: Tensor | None = None, **arguments: Any) -> Any:
        """Return q(z|x) for x [N, C, H, W] in [0, 1]; without x, Pythae's own law, which its loss asks for."""
        if x is None:
            return self._kind(**arguments)
        out = self.encoder(x)
        return WrappedNormal(out.embedding, out.log_covariance)


class LogitDecoder(Decoder):
    """A decoder whose `reconstruction` is the pixel logits, which is what Pythae's HVAE takes for "bce"."""

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.logits(z))


class HVAE(GaussianLatent, pythae.HVAE):
    r"""Hamiltonian VAE as Pythae trains it.

    Its "bce" is that of grey pixels too, which torch's own Bernoulli, that Pythae takes it from, now refuses. It is
    measured at the law of its start, :math:`q(z_0|x) = N(\mu, softplus(\ln \sigma^2)^2)`, a proposal whose
    density is known; :math:`\ln p(x)` is that of decoder and prior and does not depend on the proposal.
    """

    def __init__(self, model_config: pythae.HVAEConfig, encoder: BaseEncoder, decoder: BaseDecoder):
        logits = model_config.reconstruction_loss == "bce" and isinstance(decoder, Decoder)
        super().__init__(model_config, encoder, LogitDecoder(decoder.network) if logits else decoder)

    def _log_p_x_given_z(self, recon_x: Tensor, x: Tensor) -> Tensor:
        if self.model_config.reconstruction_loss == "bce":
            return Bernoulli(recon_x).log_prob(x)
        return super()._log_p_x_given_z(recon_x, x)

    def posterior(self, x: Tensor) -> Gaussian:
        """Return q(z_0|x) for x [N, C, H, W] in [0, 1]."""
        out = self.encoder(x)
        return Gaussian(out.embedding, 2 * F.softplus(out.log_covariance).log())

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean image E[x|z]: [N, L] -> [N, C, H, W]."""
        return self.likelihood(z).mean


class RHVAE(GaussianLatent, pythae.RHVAE):
    """Riemannian Hamiltonian VAE, measured at the law of its start q(z_0|x), whose density is known.

    Its metric is made of the codes and matrices of training images, for which Pythae takes the last 100 batches met in
    training, and this class the first 500 images as the stored model encodes them. `G` and its inverse, functions
    of one object in Pythae, are those of the object that has them, so that a copy has its own.
    """

    capabilities = GaussianLatent.capabilities | {"metric"}
    fitted = False  # whether the metric is that of training images, and no longer that of the start

    def _set_law(self, law: Law) -> None:
        self.fitted = ".__init__." not in law.__qualname__

    def _inverse(self) -> Law:
        return create_inverse_metric(self) if self.fitted else self._start

    def _metric(self) -> Law:
        return create_metric(self) if self.fitted else lambda z: torch.inverse(self._start(z))

    def _start(self, z: Tensor) -> Tensor:
        """Return the inverse metric before any image was seen: [B, L] -> [B, L, L]."""
        eye = torch.eye(self.latent_dim, device=z.device)
        return eye * torch.exp(-(z.norm(dim=1) ** 2))[:, None, None] + self.lbd * eye

    G, G_inv = property(_metric, _set_law), property(_inverse, _set_law)

    @property
    def riemannian_metric(self) -> Metric:
        """The metric on codes, whose volume element the model is sampled from."""
        device = next(self.parameters()).device
        scales = float(self.temperature), float(self.lbd)
        return Metric(self.centroids_tens.to(device), self.M_tens.to(device), *scales)

    @torch.no_grad()
    def fit_sampler(self, images: Tensor) -> "RHVAE":
        """Take the metric's centroids and matrices from training images [K, C, H, W], [0, 1] or uint8."""
        was_training, device = self.training, next(self.parameters()).device
        self.eval()
        parts = [as_float(part.to(device)) for part in images[:_CENTROIDS].split(500)]
        factors = torch.cat([self.metric(x)["L"] for x in parts])  # [K, L, L]
        self.M_tens = factors @ factors.transpose(1, 2)
        self.centroids_tens = torch.cat([self.embed(x) for x in parts])  # [K, L]
        self.train(was_training)
        return self


__getattr__ = forms(
    __name__,
    VAMP=Family(VAMP, pythae.VAMPConfig),
    LinNF=Family(LinNF, pythae.VAE_LinNF_Config),
    HVAE=Family(HVAE, pythae.HVAEConfig),
    IAF=Family(IAF, pythae.VAE_IAF_Config),
    SVAE=Family(SVAE, pythae.SVAEConfig, view=SphereEncoder),
    PoincareVAE=Family(PoincareVAE, PoincareConfig, view=BallEncoder),
    RHVAE=Family(RHVAE, pythae.RHVAEConfig),
)
