"""The importance-weighted models, corrected: values that are the bounds themselves, over the axis of the K samples."""

from collections.abc import Mapping

from pythae import models as pythae
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models.bvae import _IWAE, _VAE
from models.distributions.densities import gaussian_log_prob, log_mean_exp
from models.distributions.likelihoods import Likelihood
from models.forms import Family, forms
from models.interface.routes import Route, owned
from models.noise import Noise
from models.pythae.several_optimisers import PIWAE
from models.training import Batch, Terms


class _Weighted(_VAE):
    """What the losses of several importance samples have in common: their log-weights."""

    family = ""

    def log_weights(self, x: Tensor, k: int, generator: Noise = None) -> tuple[Tensor, Tensor, Likelihood]:
        r"""Return :math:`\ln w_j = \ln p(x|z_j) + \ln p(z_j) - \ln q(z_j|x)` [B, k], the first codes [B, L] and the
        likelihoods at those."""
        q = self.posterior(x)
        z = q.rsample(k, generator)  # [B, k, L]
        p_x = self.likelihood(z.flatten(0, 1))
        log_p_x = p_x.log_prob(x).unflatten(0, (len(x), k))
        log_ratio = gaussian_log_prob(z, q.mean[:, None], q.log_variance[:, None]) - self.prior.log_prob(z)
        return log_p_x - log_ratio, z[:, 0], type(p_x)(p_x[0][::k])


class _CIWAE(_Weighted):
    r"""CIWAE: minimise a convex combination of the two bounds, each as a value and not as a surrogate.

    .. math:: -\beta \frac1K \sum_k \ln w_k - (1 - \beta) \ln \frac1K \sum_k w_k

    Source: Eq. 9 of Rainforth et al. 2018. In the place of the second term Pythae has :math:`\sum_k \tilde w_k \ln
    w_k`, which has its gradient, but is larger by :math:`D_{KL}(\tilde w || 1/K)`, up to ln K.
    """

    weight_options = frozenset({"beta"})

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        log_w, z, p_x = self.log_weights(batch.x, self.model_config.number_samples, generator)
        return Terms({"neg_elbo": -log_w.mean(1), "negative_bound": -log_mean_exp(log_w, 1)}, z, p_x)

    def weights(self, epoch: int) -> dict[str, float]:
        beta = self.model_config.beta
        return {"neg_elbo": beta, "negative_bound": 1 - beta}


def _multiply_weighted(log_w: Tensor, m: int) -> Tensor:
    r"""Return :math:`-\frac1M \sum_m \ln \frac1K \sum_k w_{mk}`: [B, M K] -> [B]."""
    return -log_mean_exp(log_w.unflatten(1, (m, -1)), 2).mean(1)


class _MIWAE(_Weighted):
    r"""MIWAE: minimise the mean of M importance-weighted bounds of K samples each.

    .. math:: -\frac1M \sum_m \ln \frac1K \sum_k w_{mk}

    Source: Eq. 8 of Rainforth et al. 2018. Pythae normalises over m and averages over k, so that M = `number_gradient
    _estimates` and K = `number_samples` change places, and gives the value of a surrogate.
    """

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        m, k = self.model_config.number_gradient_estimates, self.model_config.number_samples
        log_w, z, p_x = self.log_weights(batch.x, m * k, generator)
        return Terms({"negative_bound": _multiply_weighted(log_w, m)}, z, p_x)


class _PIWAE(PIWAE):
    r"""PIWAE: the encoder minimises MIWAE's bound of M times K samples, the decoder IWAE's of M K.

    .. math::
        L_\phi = -\frac1M \sum_m \ln \frac1K \sum_k w_{mk}, \quad L_\theta = -\ln \frac1{M K} \sum_{m, k} w_{mk}

    Source: Section 4 of Rainforth et al. 2018. In Pythae M and K change places in the first, both are values of
    surrogates, and the encoder follows the second as well.
    """

    def passed(self, inputs: Mapping[str, Tensor | None], **kwargs: int) -> ModelOutput:
        """Return Pythae's output, with the losses of both networks."""
        x, m = inputs["data"], self.model_config.number_gradient_estimates
        assert x is not None
        log_w, z, p_x = _Weighted.log_weights(self, x, m * self.model_config.number_samples)
        encoder_loss = _multiply_weighted(log_w, m).mean()
        decoder_loss = -log_mean_exp(log_w, 1).mean()
        loss, recon_loss = encoder_loss + decoder_loss, -p_x.log_prob(x).mean()
        losses = {"encoder_loss": encoder_loss, "decoder_loss": decoder_loss, "recon_loss": recon_loss}
        updates = {"update_encoder": True, "update_decoder": True}
        return ModelOutput(loss=loss, recon_x=p_x.mean, z=z, **losses, **updates)

    def routes(self, out: ModelOutput) -> list[Route]:
        return [
            Route(owned(self.encoder), out.encoder_loss, "encoder_loss"),
            Route(owned(self.decoder), out.decoder_loss, "decoder_loss"),
        ]


__getattr__ = forms(
    __name__,
    IWAE=Family(_IWAE, pythae.IWAEConfig),
    CIWAE=Family(_CIWAE, pythae.CIWAEConfig),
    MIWAE=Family(_MIWAE, pythae.MIWAEConfig),
    PIWAE=Family(_PIWAE, pythae.PIWAEConfig),
)
