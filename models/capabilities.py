"""What a model can do for an evaluation: encode, posterior, likelihood, prior, reconstruct, generate, bits."""

from typing import Any, Literal

from pythae import models as pythae
from pythae.models import BaseAE
from torch import Tensor

from models.distributions import (
    Bernoulli,
    BernoulliMeans,
    Gaussian,
    Likelihood,
    StandardNormal,
    UnitGaussian,
    kl_to_standard_normal,
)
from models.noise import Noise

_GAUSSIAN = frozenset({"encode", "posterior", "likelihood", "prior", "reconstruct", "generate"})
CAPABILITIES = _GAUSSIAN | {"bits"}

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


class GaussianLatent:
    """The capabilities of a Pythae model with a Gaussian posterior, a standard normal prior and a Bernoulli ("bce")
    or unit-variance Gaussian ("mse") likelihood. Reads only `encoder`, `decoder` and `model_config`."""

    capabilities = _GAUSSIAN
    encoder: Any
    decoder: Any
    model_config: Any

    @property
    def prior(self) -> StandardNormal:
        """The prior p(z)."""
        return StandardNormal(self.model_config.latent_dim)

    def posterior(self, x: Tensor) -> Gaussian:
        """Return q(z|x) for x [N, C, H, W] in [0, 1]."""
        out = self.encoder(x)
        return Gaussian(out.embedding, out.log_covariance)

    def likelihood(self, z: Tensor) -> Likelihood:
        """Return p(x|z) for codes z [N, L]; its `mean` is [N, C, H, W]."""
        if self.model_config.reconstruction_loss == "mse":
            return UnitGaussian(self.decoder(z).reconstruction)
        if hasattr(self.decoder, "logits"):
            return Bernoulli(self.decoder.logits(z))
        return BernoulliMeans(self.decoder(z).reconstruction)

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
        q: Gaussian | None = None,
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

    def neg_elbo(self, x: Tensor, generator: Noise = None, q: Gaussian | None = None) -> Tensor:
        r"""Return the negative ELBO of each image in nats [N], with one posterior sample and the exact KL.

        `q` is the posterior of the images, for a caller that has it.

        .. math:: -L(x) = -\ln p(x|z) + D_{KL}(q(z|x) || p(z)), \quad z \sim q(z|x)

        Source: Eq. 23, BVAE.
        """
        q = self.posterior(x) if q is None else q
        return kl_to_standard_normal(*q) - self.log_likelihood(x, q.rsample(1, generator)[:, 0])


class PointLatent:
    """The capabilities of a Pythae autoencoder without a posterior: an image has one code, and is decoded from it.

    Such a model generates only from codes that a sampler draws. Reads `encoder`, `decoder` and `model_config`.
    """

    capabilities = frozenset({"encode", "reconstruct", "generate"})
    encoder: Any
    decoder: Any
    model_config: Any

    def decode(self, z: Tensor) -> Tensor:
        """Return the image of a code: [N, L] -> [N, C, H, W]."""
        return self.decoder(z).reconstruction

    def embed(self, inputs: Tensor) -> Tensor:
        """Return the code: [N, C, H, W] -> [N, L]."""
        return self.encoder(inputs).embedding

    def reconstruct(self, inputs: Tensor, how: Literal["mean", "sample"] = "mean", generator: Noise = None) -> Tensor:
        """Decode the code, which is the same for both values of `how`: [N, C, H, W] -> [N, C, H, W]."""
        return self.decode(self.embed(inputs))

    def selection_loss(self, x: Tensor, generator: Noise = None) -> Tensor:
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
