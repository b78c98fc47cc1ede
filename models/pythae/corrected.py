"""Pythae's models with an error, corrected: each a small change of the stock class, with the equation it follows.

Those of several importance samples are in `models/pythae/corrected_importance.py`. The evidence is
`tests/models/test_corrected.py` and `tests/models/test_corrected_values.py`, whose tests fail on the stock classes.
"""

from typing import Literal

import torch
from pydantic.dataclasses import dataclass
from pythae import models as pythae
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.models.normalizing_flows import PlanarFlowConfig
from torch import Tensor, nn

from models.bvae import _BetaTCVAE
from models.capabilities import Posterior, SampledLatent
from models.distributions.densities import Gaussian, standard_normal_log_prob
from models.distributions.flows import ConstrainedPlanarFlow, FlowPosterior, pulled, pushed
from models.distributions.vamp_prior import VampPrior
from models.forms import Family, forms
from models.interface.routes import Route, owned
from models.noise import Noise, normal
from models.pythae.latents import HVAE, VAMP, with_plain_slopes
from models.pythae.several_optimisers import VAEGAN, FactorVAE


class _FactorVAE(FactorVAE):
    r"""FactorVAE: encoder and decoder follow their own loss alone, the discriminator its own.

    .. math:: \nabla_{E, D} [-ELBO + \gamma (\ln d - \ln (1 - d))], \quad \nabla_d [-\tfrac12 \ln d(z) - \tfrac12
        \ln (1 - d(z_{perm}))]

    Source: Algorithm 2 of Kim and Mnih 2018. In Pythae the second also moves the encoder.
    """

    def routes(self, out: ModelOutput) -> list[Route]:
        return [
            Route(owned(self.encoder, self.decoder), out.autoencoder_loss, "autoencoder_loss"),
            Route(owned(self.discriminator), out.discriminator_loss, "discriminator_loss"),
        ]


class _VAEGAN(VAEGAN):
    r"""VAE-GAN: the decoder deceives the discriminator, and each network follows its own loss alone.

    .. math:: \nabla_E [KL + L_{rec}], \quad \nabla_D [(1 - \lambda) L_{rec} - \lambda L_{GAN}], \quad \nabla_d L_{GAN}

    Source: Algorithm 1 of Larsen et al. 2016, in Pythae's convex form.
    """

    def routes(self, out: ModelOutput) -> list[Route]:
        return self.updated(out, out.encoder_loss, out.decoder_loss)


class _VAMP(VAMP):
    """VAMP: drawn from its own prior. Its loss is Pythae's."""

    @property
    def prior(self) -> VampPrior:
        """The prior p(z)."""
        return VampPrior(self.components)


@dataclass
class _LinNFConfig(pythae.VAE_LinNF_Config):
    """A VAE with planar flows after its posterior."""

    flows: tuple[Literal["Planar"], ...] = ("Planar", "Planar")


class _LinNF(SampledLatent, pythae.VAE_LinNF):
    """A VAE with planar flows that cannot fold space, so that its posterior has a density."""

    def __init__(self, model_config: _LinNFConfig, encoder: BaseEncoder, decoder: BaseDecoder):
        super().__init__(model_config, encoder, decoder)
        flow = PlanarFlowConfig(input_dim=(model_config.latent_dim,), activation="tanh")
        self.net = with_plain_slopes(nn.ModuleList([ConstrainedPlanarFlow(flow) for _ in model_config.flows]))

    def posterior(self, x: Tensor) -> FlowPosterior:
        """Return q(z|x) for x [N, C, H, W] in [0, 1]."""
        return FlowPosterior(self.gaussian(x), lambda z: pushed(self.net, z), lambda z: pulled(list(self.net), z))


class _HVAE(HVAE):
    r"""Hamiltonian VAE: K leapfrog steps that preserve volume, each followed by tempering, and their bound.

    .. math::
        \rho' &= \rho - \tfrac\epsilon2 \nabla U(z), \quad z \leftarrow z + \epsilon \rho', \quad
        \rho \leftarrow \frac{\sqrt{\beta_{k-1}}}{\sqrt{\beta_k}} [\rho' - \tfrac\epsilon2 \nabla U(z)], \quad
        U(z) = -\ln p(x|z) p(z) \\
        -L(x) &= -\ln p(x|z_K) p(z_K) + \tfrac12 ||\rho_K||^2 - \tfrac12 ||\gamma||^2 + \ln q(z_0|x), \quad
        \rho_0 = \gamma / \sqrt{\beta_0}, \ \gamma \sim N(0, I)

    Source: Algorithms 1-2 of Caterini et al. 2018; tempering's determinant and the density of :math:`\rho_0` cancel.
    Pythae moves z by rho in the place of rho', overwrites the tempered rho, draws z_0 with a deviation of
    softplus(log-variance) and counts it as exp(log-variance / 2); it also leaves out how the gradient of U moves with
    the parameters, which the bound's own gradient has.
    """

    def posterior(self, x: Tensor) -> Gaussian:
        """Return q(z_0|x), of deviation exp(log-variance / 2)."""
        return self.gaussian(x)

    def forward(self, inputs: dict[str, Tensor], **kwargs: int) -> ModelOutput:
        """Pythae's interface: loss, codes and images of a batch `{"data": x}`."""
        loss, z, log_p_x = self.bound(inputs["data"])
        return ModelOutput(loss=loss.mean(), recon_loss=-log_p_x.mean(), recon_x=self.decode(z), z=z)

    def neg_elbo(self, x: Tensor, generator: Noise = None, q: Posterior | None = None) -> Tensor:
        """Return the negative bound of each image [N], with one draw of z_0 and rho_0."""
        with torch.enable_grad():
            return self.bound(x, generator, q)[0].detach()

    def bound(self, x: Tensor, generator: Noise = None, q: Posterior | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the negative bound of each image [B], where it ends, z_K [B, L], and ln p(x|z_K) [B]."""
        q = self.posterior(x) if q is None else q
        z_0 = q.rsample(1, generator)  # [B, 1, L]
        log_q = q.log_prob(z_0)[:, 0]
        z, gamma = z_0[:, 0], normal(z_0[:, 0].shape, generator, z_0.device)
        z = z if z.requires_grad else z.requires_grad_()
        rho, before = gamma / self.beta_zero_sqrt, self.beta_zero_sqrt
        for k in range(1, self.n_lf + 1):
            half = rho - 0.5 * self.eps_lf * self._slope(z, x)
            z = z + self.eps_lf * half
            now = self._tempering(k, self.n_lf)
            rho, before = before / now * (half - 0.5 * self.eps_lf * self._slope(z, x)), now
        log_p_x = self.log_likelihood(x, z)
        log_joint = log_p_x + standard_normal_log_prob(z)
        kinetic = 0.5 * (rho.square() - gamma.square()).sum(1)
        return log_q + kinetic - log_joint, z, log_p_x

    def _slope(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the gradient of U at z, which moves with the parameters in training: [B, L]."""
        log_p_x = self.log_likelihood(x, z).sum()
        return z - torch.autograd.grad(log_p_x, z, create_graph=self.training)[0]


__getattr__ = forms(
    __name__,
    BetaTCVAE=Family(_BetaTCVAE, pythae.BetaTCVAEConfig),
    FactorVAE=Family(_FactorVAE, pythae.FactorVAEConfig),
    VAEGAN=Family(_VAEGAN, pythae.VAEGANConfig),
    VAMP=Family(_VAMP, pythae.VAMPConfig),
    LinNF=Family(_LinNF, _LinNFConfig),
    HVAE=Family(_HVAE, pythae.HVAEConfig),
)
