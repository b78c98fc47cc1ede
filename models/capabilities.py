"""What a model can do for an evaluation: encode, posterior, likelihood, prior, reconstruct, generate; bits; labels."""

from typing import Any, Literal, Protocol

import torch
from pythae import models as pythae
from pythae.models import BaseAE, BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor

from models.distributions.densities import (
    BernoulliMeans,
    Gaussian,
    StandardNormal,
    UnitGaussian,
    kl_to_standard_normal,
)
from models.distributions.labelled import LabelledPosterior, LabelledPrior
from models.distributions.likelihoods import LIKELIHOODS, Likelihood
from models.distributions.priors import Prior
from models.distributions.uniform_box import BoxedGaussian, UniformBox
from models.noise import Noise

_GAUSSIAN = frozenset({"encode", "posterior", "likelihood", "prior", "reconstruct", "generate"})
CAPABILITIES = _GAUSSIAN | {
    "bits",
    "classify",
    "class_codes",
    "codebook",
    "critic",
    "levels",
    "metric",
    "noise",
    "points",
}

# Pythae subclasses of VAE whose posterior, prior or likelihood is another than VAE's.
_NOT_GAUSSIAN = (
    pythae.VAMP,
    pythae.SVAE,
    pythae.PoincareVAE,
    pythae.HVAE,
    pythae.RHVAE,
    pythae.VAE_LinNF,
    pythae.VAE_IAF,
    pythae.MSSSIM_VAE,
    pythae.VAEGAN,
    pythae.Adversarial_AE,
)


class Posterior(Protocol):
    """A law q(z|x) of the codes of N images."""

    @property
    def mean(self) -> Tensor:
        """The deterministic codes: [N, L]."""

    def rsample(self, k: int = 1, generator: Noise = None) -> Tensor:
        """Draw k codes an image: [N, k, L]."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln q(z|x): [N, k, L] -> [N, k]."""


class LastEpoch:
    """Of a model that has no criterion to choose an epoch by. Mixed in before other capabilities."""

    def selection_loss(self, x: Tensor, generator: Noise = None) -> None:
        """Return None: the last epoch is kept."""


class SampledLatent:
    """The capabilities of a Pythae model without a closed form of its posterior's divergence from its prior.

    As they stand here, the posterior is Gaussian, the prior standard normal, and the likelihood one of LIKELIHOODS (of
    networks without logits Bernoulli, "bce", or Gaussian of unit variance, "mse"). Reads only `encoder`, `decoder` and
    `model_config`.
    """

    capabilities = _GAUSSIAN
    encoder: BaseEncoder
    decoder: BaseDecoder
    model_config: BaseAEConfig

    @property
    def prior(self) -> Prior:
        """The prior p(z)."""
        return StandardNormal(self.model_config.latent_dim)

    def gaussian(self, x: Tensor) -> Gaussian:
        """Return the Gaussian that the encoder gives for x [N, C, H, W] in [0, 1]."""
        out = self.encoder(x)
        return Gaussian(out.embedding, out.log_covariance)

    def posterior(self, x: Tensor) -> Posterior:
        """Return q(z|x) for x [N, C, H, W] in [0, 1]."""
        return self.gaussian(x)

    def likelihood(self, z: Tensor) -> Likelihood:
        """Return p(x|z) for codes z [N, L]; its `mean` is [N, C, H, W]."""
        name = self.model_config.reconstruction_loss
        if hasattr(self.decoder, "logits"):
            return LIKELIHOODS[name].law(self.decoder.logits(z))
        if name not in ("bce", "mse"):
            raise ValueError(f"{name!r} needs a decoder with `logits`, which gives its numbers: [N, L] -> [N, P, H, W]")
        return (UnitGaussian if name == "mse" else BernoulliMeans)(self.decoder(z).reconstruction)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return ln p(x|z) in nats [N * K]: x [N, C, H, W], z [N * K, L] with K consecutive rows an image.

        With "bce" on grey pixels this is not a density.
        """
        return self.likelihood(z).log_prob(x)

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean image E[x|z]: [N, L] -> [N, C, H, W]."""
        return self.decoder(z).reconstruction

    def embed(self, inputs: Tensor) -> Tensor:
        """Return the deterministic code, the posterior mean: [N, C, H, W] -> [N, L]."""
        return self.posterior(inputs).mean

    def reconstruct(
        self,
        inputs: Tensor,
        how: Literal["mean", "sample"] = "mean",
        generator: Noise = None,
        q: Posterior | None = None,
    ) -> Tensor:
        """Decode the posterior mean, or one posterior sample: [N, C, H, W] -> [N, C, H, W].

        `q` is the posterior of the inputs, for a caller that has it.
        """
        q = self.posterior(inputs) if q is None else q
        return self.decode(q.mean if how == "mean" else q.rsample(1, generator)[:, 0])

    def sample(self, n: int, generator: Noise = None) -> Tensor:
        """Decode n draws of the prior: [n, C, H, W]."""
        device = next(self.decoder.parameters()).device
        return self.decode(self.prior.sample(n, generator, device))

    def selection_loss(self, x: Tensor, generator: Noise = None) -> Tensor | None:
        """Return what the best epoch is chosen by, per image [N]: the negative ELBO.

        A model that has no such criterion returns None and keeps its last epoch.
        """
        return self.neg_elbo(x, generator)

    def neg_elbo(self, x: Tensor, generator: Noise = None, q: Posterior | None = None) -> Tensor:
        r"""Return the negative ELBO of each image in nats [N], with one posterior sample and the KL of `divergence`.

        `q` is the posterior of the images, for a caller that has it.

        .. math:: -L(x) = -\ln p(x|z) + D_{KL}(q(z|x) || p(z)), \quad z \sim q(z|x)

        Source: Eq. 23, BVAE.
        """
        terms = self.elbo_terms(x, generator, q)
        return terms["kl"] + terms["distortion"]

    def elbo_terms(self, x: Tensor, generator: Noise = None, q: Posterior | None = None) -> dict[str, Tensor]:
        """Return the two terms of the negative ELBO in nats, each [N]: "kl" and "distortion", which is -ln p(x|z)."""
        q = self.posterior(x) if q is None else q
        z = q.rsample(1, generator)  # [N, 1, L]
        return {"kl": self.divergence(q, z)[:, 0], "distortion": -self.log_likelihood(x, z[:, 0])}

    def divergence(self, q: Posterior, z: Tensor) -> Tensor:
        r"""Return :math:`\ln q(z|x) - \ln p(z)` of samples z [N, k, L] of the posterior in nats: [N, k]."""
        return q.log_prob(z) - self.prior.log_prob(z)


class GaussianLatent(SampledLatent):
    """The capabilities of a Pythae model with a Gaussian posterior, as its VAE has."""

    def posterior(self, x: Tensor) -> Gaussian:
        """Return q(z|x) for x [N, C, H, W] in [0, 1]."""
        return self.gaussian(x)

    def divergence(self, q: Posterior, z: Tensor) -> Tensor:
        r"""Return the posterior's divergence from the prior for its samples z [N, k, L] in nats: [N, k].

        Exact where the prior is N(0, I), so that samples do not matter; else :math:`\ln q(z|x) - \ln p(z)`, whose
        expectation it is.
        """
        if isinstance(q, Gaussian) and isinstance(self.prior, StandardNormal):
            return kl_to_standard_normal(*q)[:, None].expand(z.shape[:2])
        return super().divergence(q, z)


class ImplicitLatent(LastEpoch, GaussianLatent):
    """The capabilities of a model with a Gaussian posterior and prior, but a loss that is no density of pixels.

    There is no criterion to choose an epoch by: the last is kept.
    """

    capabilities = _GAUSSIAN - {"likelihood"}


class LabelledLatent(LastEpoch, SampledLatent):
    """The capabilities of a model whose code is a label y of k classes, then a point z of a box: a row [k + d].

    "classify" is q(y|x), "class_codes" are z and images of a given label. The encoder is a
    `models.untapped.networks.LabelledEncoder`; the decoder takes a code. A label is a row of k that sums to one.
    `neg_elbo` is the bound of y and z both (Eq. 4, Untapped, with y a one-hot). The last epoch is kept, as in Untapped.
    """

    capabilities = _GAUSSIAN | {"classify", "class_codes"}

    def label_log_probs(self, x: Tensor) -> Tensor:
        """Return ln q(y|x): [N, C, H, W] -> [N, k]."""
        return self.encoder.label_log_probs(self.encoder.look(x))

    def predict(self, inputs: Tensor) -> ModelOutput:
        """Return `embedding`, the code [N, k + d], and `recon_x`, its image: [N, C, H, W] -> Pythae's output."""
        z = self.embed(inputs)
        return ModelOutput(recon_x=self.decode(z), embedding=z)

    def predict_label(self, x: Tensor) -> Tensor:
        """Return the likeliest label of each image: [N, C, H, W] -> [N] int64."""
        return self.label_log_probs(x).argmax(1)

    def latent_given(self, x: Tensor, y: Tensor) -> Tensor:
        """Return z of images [N, C, H, W] with labels y [N, k], in the box: [N, d].

        It is the flow of the Gaussian's mean, n(mu), which is the median of q(z|x, y).
        """
        return self.latent_posterior(self.encoder.look(x), y).mean

    def decode_given(self, y: Tensor, z: Tensor) -> Tensor:
        """Return the pixel probabilities of labels [N, k] and points [N, d]: [N, C, H, W]."""
        return self.decode(torch.cat([y, z], -1))

    def latent_posterior(self, seen: object, y: Tensor) -> BoxedGaussian:
        """Return q(z|x, y) for what `encoder.look(x)` gave and labels [N, k]."""
        location, scale = self.encoder.latent(seen, y)
        return BoxedGaussian(location, scale, self.model_config.half_width)

    def latent_posteriors(self, seen: object) -> BoxedGaussian:
        """Return q(z|x, y) of every label, with parameters [N, k, d]."""
        location, scale = self.encoder.latents(seen, self.model_config.classes)
        return BoxedGaussian(location, scale, self.model_config.half_width)

    @property
    def prior(self) -> LabelledPrior:
        """The prior p(y) p(z) of codes."""
        config = self.model_config
        return LabelledPrior(config.classes, UniformBox(config.latent_dim, config.half_width))

    def posterior(self, x: Tensor) -> LabelledPosterior:
        """Return q(y|x) q(z|x, y) for x [N, C, H, W] in [0, 1]."""
        seen = self.encoder.look(x)
        return LabelledPosterior(self.encoder.label_log_probs(seen), self.latent_posteriors(seen))


class PointLatent:
    """The capabilities of a Pythae autoencoder without a posterior: an image has one code, and is decoded from it.

    Such a model generates only from codes that a sampler draws. Reads `encoder`, `decoder` and `model_config`.
    """

    capabilities = frozenset({"encode", "reconstruct", "generate"})
    encoder: BaseEncoder
    decoder: BaseDecoder
    model_config: BaseAEConfig

    def decode(self, z: Tensor) -> Tensor:
        """Return the image of a code: [N, L] -> [N, C, H, W]."""
        return self.decoder(z).reconstruction

    def embed(self, inputs: Tensor) -> Tensor:
        """Return the code: [N, C, H, W] -> [N, L]."""
        return self.encoder(inputs).embedding

    def reconstruct(self, inputs: Tensor, how: Literal["mean", "sample"] = "mean", generator: Noise = None) -> Tensor:
        """Decode the code, which is the same for both values of `how`: [N, C, H, W] -> [N, C, H, W]."""
        return self.decode(self.embed(inputs))

    def selection_loss(self, x: Tensor, generator: Noise = None) -> Tensor | None:
        """Return what the best epoch is chosen by, per image [N]: the summed squared error of the reconstruction."""
        return (x - self.reconstruct(x)).square().flatten(1).sum(1)


class _View(GaussianLatent):
    """The capabilities of a Pythae model that was built elsewhere."""

    def __init__(self, model: BaseAE):
        self.encoder, self.decoder, self.model_config = model.encoder, model.decoder, model.model_config


def capable(model: BaseAE) -> Any:
    """Return the model itself if it states its capabilities, else a view of it for Pythae's Gaussian VAEs.

    Raises TypeError for a model whose posterior, prior and likelihood are not known.
    """
    if hasattr(model, "capabilities"):
        return model
    if isinstance(model, pythae.VAE) and not isinstance(model, _NOT_GAUSSIAN):
        return _View(model)
    raise TypeError(f"{type(model).__name__} does not say what it can do: give it `capabilities`, as GaussianLatent")
