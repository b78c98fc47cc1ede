"""PRIORS: the priors that a VAE can take, by the `kind` in its configuration; each has `log_prob` and `sample`."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from models.distributions.densities import Gaussian, StandardNormal
from models.distributions.realnvp import RealNVP, convolutions, dense
from models.distributions.vamp_prior import VampPrior
from models.networks.kinds import Size
from models.noise import Noise, normal, uniform


class Prior(Protocol):
    """A density of codes."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln p(z): [..., L] -> [...]."""

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n codes: [n, L]."""


class MixturePrior(nn.Module):
    r"""A mixture of K diagonal Gaussians, all of it trained.

    .. math:: p(z) = \sum_k \pi_k N(z; \mu_k, diag(\sigma_k^2))

    Source: Section A.1.2, selfVAE. It starts with equal weights, means from :math:`N(0, \frac12 I)` and variances of
    1/2, so that it has about the first moments of N(0, I); our choice, selfVAE's code starts all K at almost one place.
    """

    def __init__(self, components: int, latent_dim: int):
        super().__init__()
        self.mean = nn.Parameter(torch.randn(components, latent_dim) * math.sqrt(0.5))
        self.log_variance = nn.Parameter(torch.full((components, latent_dim), math.log(0.5)))
        self.logits = nn.Parameter(torch.zeros(components))

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln p(z): [..., L] -> [...].

        The squares are expanded, so that K components cost two matrix products; in float64, as large parts cancel.
        """
        precise, mean, log_variance = z.double(), self.mean.double(), self.log_variance.double()
        precision = torch.exp(-log_variance)  # [K, L]
        squares = precise.square() @ precision.T - 2 * precise @ (mean * precision).T  # [..., K]
        constant = (mean.square() * precision + log_variance + math.log(2 * math.pi)).sum(1)
        log_weights = self.logits.double().log_softmax(0)
        return torch.logsumexp(log_weights - 0.5 * (squares + constant), -1).to(z.dtype)

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n codes: [n, L]."""
        shares = self.logits.softmax(0).cumsum(0)
        chosen = torch.searchsorted(shares, uniform((n,), generator, device)).clamp(max=len(shares) - 1)
        noise = normal((n, self.mean.shape[1]), generator, device)
        return self.mean[chosen] + noise * (0.5 * self.log_variance[chosen]).exp()


class PseudoInputs(nn.Module):
    """The trained images [C, ...] that a VampPrior takes the posteriors of; a sigmoid of N(0, I) at the start."""

    def __init__(self, components: int, input_dim: tuple[int, ...]):
        super().__init__()
        self.logits = nn.Parameter(torch.randn(components, *input_dim))

    def prior(self, posterior: Callable[[Tensor], Gaussian]) -> VampPrior:
        """Return the mean of the pseudo-inputs' posteriors."""
        return VampPrior(posterior(self.logits.sigmoid()))


class PriorSizes(Protocol):
    """What of a model's configuration a prior's size depends on."""

    input_dim: tuple[int, ...]
    latent_dim: int
    prior: "PriorConfig"


Trained = Prior | PseudoInputs


def _mixture(config: PriorSizes) -> MixturePrior:
    return MixturePrior(config.prior.components, config.latent_dim)


def _realnvp(config: PriorSizes) -> RealNVP:
    of = config.prior
    return RealNVP(config.latent_dim, convolutions(of.hidden) if of.dense is None else dense(*of.dense))


def _vamp(config: PriorSizes) -> PseudoInputs:
    return PseudoInputs(config.prior.components, config.input_dim)


# What is trained for a prior, from a model's configuration; the standard normal has nothing to train.
PRIORS: dict[str, Callable[[PriorSizes], Trained] | None] = {
    "standard": None,
    "mixture": _mixture,
    "realnvp": _realnvp,
    "vamp": _vamp,
}
if TYPE_CHECKING:
    PriorKind = str
else:
    PriorKind = Literal[tuple(PRIORS)]


@dataclass(config=ConfigDict(extra="forbid"), frozen=True)
class PriorConfig:
    """Which prior p(z), and its size.

    kind          "standard": N(0, I); "mixture": of Gaussians; "realnvp": a flow; "vamp": the mean of the posteriors of
                  pseudo-inputs
    components    of the mixture; pseudo-inputs
    hidden        channels inside the couplings' networks (realnvp)
    dense         growth and steps of those networks where they are densely connected, as in selfVAE's code (64, 5)
    """

    kind: PriorKind = "standard"
    components: int = Field(default=10, ge=1, le=10**6)
    hidden: int = Field(default=64, ge=1, le=10**5)
    dense: tuple[Size, Size] | None = None


class TrainedPrior:
    """Of a VAE with a Gaussian posterior: the prior that its configuration's field `prior` names.

    It is built after the networks, which a seed gives the same weights under every prior. Reads `model_config` and
    `posterior`.
    """

    model_config: Any
    posterior: Callable[[Tensor], Gaussian]
    trained_prior: Trained | None

    def build_prior(self) -> None:
        """Make what the prior trains."""
        build = PRIORS[self.model_config.prior.kind]
        self.trained_prior = None if build is None else build(self.model_config)

    @property
    def prior(self) -> Prior:
        """The prior p(z)."""
        trained = self.trained_prior
        if trained is None:
            return StandardNormal(self.model_config.latent_dim)
        if isinstance(trained, PseudoInputs):
            return trained.prior(self.posterior)
        return trained
