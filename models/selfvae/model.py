"""Self-supervised VAE: an image is generated from a smaller or simpler one of its own, which a VAE of its own makes."""

from typing import Literal

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae import models as pythae
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models.capabilities import Posterior, SampledLatent
from models.distributions.likelihoods import Likelihood
from models.distributions.priors import Prior, PriorConfig, TrainedPrior
from models.from_config import FromConfig
from models.noise import Noise
from models.selfvae.chain import ChainPosterior, ChainPrior, Walk
from models.selfvae.modes import ChainUses
from models.selfvae.networks import ChainDecoder, ChainEncoder, Geometry, SelfNetworkConfig
from models.selfvae.transformations import TransformationName
from models.training import Batch, Objective, Terms


@dataclass(config=ConfigDict(extra="forbid"))
class SelfVAEConfig(pythae.AEConfig):
    """selfVAE: `latent_dim` is the size of u and of each z; `prior` is p(u), which has no pseudo-inputs.

    `transformations` d_1, ..., d_n are names of TRANSFORMATIONS: one for two levels, two for three. All images have the
    law `reconstruction_loss`, a distribution of 8-bit pixels, as the bound on ln p(x) takes.
    """

    reconstruction_loss: Literal["logistic", "logistic-mixture"] = "logistic"
    transformations: tuple[TransformationName, ...] = ("downscale",)
    prior: PriorConfig = PriorConfig()
    network: SelfNetworkConfig = SelfNetworkConfig()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.transformations:
            raise ValueError("transformations must name at least one; without any it is a VAE")
        if self.prior.kind == "vamp":
            raise ValueError("the prior of u is standard, mixture or realnvp; pseudo-inputs are images, and u has none")


class SelfVAE(FromConfig, Objective, ChainUses, TrainedPrior, SampledLatent, pythae.AE):
    r"""selfVAE: minimise the negative ELBO of an image and its compressed images y_j = d_j(y_{j-1}), y_0 = x.

    .. math::
        ELBO = \sum_{j=1}^n [\ln p(y_{j-1}|y_j, z_j) - KL(z_j)] + \ln p(y_n|u) - KL(u), \\
        KL(z_j) = \ln q(z_j|y_{j-1}) - \ln p(z_j|y_j, z_{j+1}), \quad KL(u) = \ln q(u|y_n) - \ln p(u), \quad z_{n+1} = u

    with one sample of each latent. Source: selfVAE and its code for n = 1 (two levels); for n = 2 the notation of
    Section A.4, of which the conditioning is an inference. As y is discrete and a function of x, it bounds ln p(x, y),
    which is at most ln p(x).

    To the evaluation a code is u, y_n, z_n, ..., y_1, z_1 in a row (`layout`), of which q is a point in the y; so ln w
    = ln p(x|code) + ln p(code) - ln q(code|x) is that of the ELBO. Since the y of a code are discrete, annealing, which
    takes gradients along a code, does not apply.
    """

    capabilities = SampledLatent.capabilities | {"levels"}
    config_class = SelfVAEConfig

    def __init__(self, model_config: SelfVAEConfig, encoder: None = None, decoder: None = None):
        super().__init__(model_config, encoder, decoder)
        self.shapes = Geometry(model_config).shapes
        self.build_prior()

    def networks(self, config: SelfVAEConfig) -> tuple[ChainEncoder, ChainDecoder]:
        """Return the networks of all posteriors, and those that generate."""
        return ChainEncoder(config), ChainDecoder(config)

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        losses, walk = self._named(batch.x, self.posterior(batch.x), generator)
        assert walk.p_x is not None
        return Terms(losses, torch.cat([walk.parts[name].flatten(1) for name in self.names], 1), walk.p_x)

    def level_terms(self, x: Tensor, generator: Noise = None, q: ChainPosterior | None = None) -> dict[str, Tensor]:
        """Return the terms of -ELBO of images [N, C, H, W] in nats, [N] each: "distortion_x", "distortion_y<i>",
        "kl_z<j>", "kl_u", with one sample of the posterior q, which is that of x."""
        return self._named(x, self.posterior(x) if q is None else q, generator)[0]

    def _named(self, x: Tensor, q: ChainPosterior, generator: Noise) -> tuple[dict[str, Tensor], Walk]:
        drawn = q.draw(generator)
        walk = self.walk({"x": x, **q.images, **drawn})
        losses = {f"distortion_{name}": -walk.log_p[name] for name in ("x", *q.images)}
        for name, law in q.latents.items():
            losses[f"kl_{name}"] = law.log_prob(drawn[name][:, None])[:, 0] - walk.log_p[name]
        return losses, walk

    @property
    def prior_of_u(self) -> Prior:  # type: ignore[override]
        """The prior p(u)."""
        return TrainedPrior.prior.fget(self)  # type: ignore[attr-defined]

    @property
    def prior(self) -> ChainPrior:
        """The prior of codes."""
        return ChainPrior(self)

    def posterior(self, x: Tensor) -> ChainPosterior:  # type: ignore[override]
        """Return q(code|x) for x [N, C, H, W] in [0, 1]."""
        return ChainUses.posterior(self, x)

    def latent_means(self, x: Tensor) -> Tensor:
        """Return the means of the latents, a code without its images y: [N, C, H, W] -> [N, (n + 1) latent_dim]."""
        return torch.cat([q.mean for q in self.posterior(x).latents.values()], 1)

    def likelihood(self, z: Tensor) -> Likelihood:
        """Return p(x|y_1, z_1) for codes [N, L]."""
        parts = self.split(z)
        return self.decoder.image(0, parts["y1"], parts["z1"])

    def decode(self, z: Tensor) -> Tensor:
        """Return the image of a code, the mean of p(x|y_1, z_1): [N, L] -> [N, C, H, W]."""
        return self.likelihood(z).mean

    def predict(self, inputs: Tensor) -> ModelOutput:
        """Return `embedding`, the code [N, L], and `recon_x`, its image: [N, C, H, W] -> Pythae's output."""
        code = self.embed(inputs)
        return ModelOutput(recon_x=self.decode(code), embedding=code)

    def interpolate(self, starting_inputs: Tensor, ending_inputs: Tensor, granularity: int = 10) -> Tensor:
        """Return `interpolate_u`, under Pythae's name: [N, C, H, W] twice -> [N, granularity, C, H, W]."""
        return self.interpolate_u(starting_inputs, ending_inputs, granularity)

    def elbo_terms(self, x: Tensor, generator: Noise = None, q: Posterior | None = None) -> dict[str, Tensor]:
        """Return -ELBO in nats as two terms [N]: "distortion", -ln p(x|y, z), and "kl", which is all else."""
        assert q is None or isinstance(q, ChainPosterior)
        terms = self.level_terms(x, generator, q)
        return {"distortion": terms.pop("distortion_x"), "kl": torch.stack(list(terms.values())).sum(0)}

    def importance_log_weights(self, x: Tensor, samples: int, generator: Noise = None) -> Tensor:
        r"""Return ln w of samples of the posterior, of which the log-mean-exp estimates ln p(x, y): nats [N, samples].

        .. math:: \ln w = \ln p(x|code) + \ln p(code) - \ln q(code|x)

        It is -(-ELBO) of that sample. `bench.likelihood.nll` has the same weights, many at once.
        """
        q = self.posterior(x)
        each = (self.level_terms(x, generator, q).values() for _ in range(samples))
        return -torch.stack([torch.stack(list(terms)).sum(0) for terms in each], 1)
