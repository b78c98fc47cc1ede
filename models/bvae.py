"""The four objectives of the BVAE study as Pythae models, each in a unidirectional and a bidirectional form.

Each takes any prior of PRIORS and any likelihood of LIKELIHOODS.
"""

from pydantic.dataclasses import dataclass
from pythae import models as pythae
from pythae.models.nn import BaseDecoder, BaseEncoder

from models.capabilities import GaussianLatent
from models.distributions.likelihoods import LikelihoodName
from models.distributions.priors import PriorConfig, TrainedPrior
from models.forms import Family, forms
from models.noise import Noise
from models.objectives import elbo_terms, importance_weighted_terms, total_correlation_terms
from models.training import Batch, Objective, Terms


@dataclass
class _Densities:
    """The fields of a configuration that name the likelihood and the prior."""

    reconstruction_loss: LikelihoodName = "mse"
    prior: PriorConfig = PriorConfig()


class _VAE(Objective, TrainedPrior, GaussianLatent, pythae.VAE):
    """VAE: minimise distortion + KL (Eq. 23, BVAE)."""

    mixed_in = (_Densities,)
    family = "beta-VAE"

    def __init__(self, model_config: pythae.VAEConfig, encoder: BaseEncoder, decoder: BaseDecoder):
        super().__init__(model_config, encoder, decoder)
        self.build_prior()

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        q = self.posterior(batch.x)
        codes = q.rsample(1, generator)  # [B, 1, L]
        z = codes[:, 0]
        p_x = self.likelihood(z)
        divergence = self.divergence(q, codes)[:, 0]
        return Terms(elbo_terms(p_x.log_prob(batch.x), *q, divergence=divergence), z, p_x)


class _BetaVAE(_VAE):
    """beta-VAE: minimise distortion + beta KL (Section I, BVAE)."""

    weight_options = frozenset({"beta"})

    def weights(self, epoch: int) -> dict[str, float]:
        return {"kl": self.model_config.beta}


class _BetaTCVAE(_VAE):
    """beta-TCVAE: minimise distortion + alpha I(x; z) + beta TC + gamma dimension-wise KL (Eq. 4, Chen et al. 2018)."""

    weight_options = frozenset({"alpha", "beta", "gamma"})
    family = ""

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        q = self.posterior(batch.x)
        z = q.rsample(1, generator)[:, 0]
        p_x = self.likelihood(z)
        log_p_x, log_p_z = p_x.log_prob(batch.x), self.prior.log_prob(z)
        return Terms(total_correlation_terms(log_p_x, z, *q, batch.dataset_size, log_p_z=log_p_z), z, p_x)

    def weights(self, epoch: int) -> dict[str, float]:
        config = self.model_config
        return {"mutual_information": config.alpha, "total_correlation": config.beta, "dimension_kl": config.gamma}


@dataclass
class _BetaIWAEConfig(pythae.IWAEConfig):
    """IWAE with a weight on log q - log p."""

    beta: float = 1.0


class _BetaIWAE(_VAE):
    """beta-IWAE: minimise the negative importance-weighted bound with K = `number_samples` (papers: BVAE, Table IV)."""

    family = ""

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        k, x = self.model_config.number_samples, batch.x
        q = self.posterior(x)
        z = q.rsample(k, generator)  # [B, K, L]
        p_x = self.likelihood(z.flatten(0, 1))  # over [B * K, C, H, W]
        log_p_x = p_x.log_prob(x.repeat_interleave(k, dim=0)).reshape(len(x), k)
        beta, log_p_z = getattr(self.model_config, "beta", 1.0), self.prior.log_prob(z)
        bound = importance_weighted_terms(log_p_x, z, *q, beta=beta, log_p_z=log_p_z)
        return Terms(bound, z[:, 0], type(p_x)(p_x[0][::k]))


class _IWAE(_BetaIWAE):
    """IWAE: minimise the negative importance-weighted bound with K = `number_samples` (Eq. 8, Burda et al. 2016)."""


__getattr__ = forms(
    __name__,
    VAE=Family(_VAE, pythae.VAEConfig),
    BetaVAE=Family(_BetaVAE, pythae.BetaVAEConfig),
    BetaTCVAE=Family(_BetaTCVAE, pythae.BetaTCVAEConfig),
    IWAE=Family(_IWAE, pythae.IWAEConfig),
    BetaIWAE=Family(_BetaIWAE, _BetaIWAEConfig),
)
