"""Annealed importance sampling of ln p(x), and chains that run the other way for a bound from above (BDMC)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.likelihood import Density
from models.distributions.densities import Bernoulli, BernoulliMeans, UnitGaussian

RADIUS = 4.0  # of the sigmoid schedule
LEAST_STEP, MOST_STEP = 1e-4, 0.5  # of the leapfrog integrator
ACCEPTANCE, SLOWNESS, FASTER, SLOWER = 0.65, 0.9, 1.02, 0.98  # what step sizes are adapted to, and how


@dataclass(frozen=True)
class Schedule:
    """Distributions from prior to posterior, both counted, chains an image, leapfrog steps of each transition, and the
    size that they start from.

    The defaults are those of Wu et al. 2016, whose step sizes and sigmoid spacing are taken too.
    """

    distributions: int = 10_000
    chains: int = 16
    leapfrog: int = 10
    first_step: float = 0.01

    def temperatures(self) -> Tensor:
        """Return 0 = b_1 < ... < b_T = 1, a sigmoid on [-4, 4] scaled to that: [T] float64."""
        if self.distributions < 2:
            raise ValueError("annealing needs at least two distributions, the prior and the posterior")
        t = torch.linspace(-RADIUS, RADIUS, self.distributions, dtype=torch.float64).sigmoid()
        return (t - t[0]) / (t[-1] - t[0])


class _Chains:
    r"""Chains z [N * K, L] of N images, K each, moved by Hamiltonian transitions that leave a tempered posterior as it
    is: :math:`p_b(z) \propto p(z) p(x|z)^b`."""

    def __init__(self, view: Density, x: Tensor, z: Tensor, schedule: Schedule, generator: torch.Generator | None):
        self.view, self.x, self.leapfrog, self.generator = view, x, schedule.leapfrog, generator
        self.step = torch.full((len(z), 1), schedule.first_step, device=z.device)
        self.accepted = torch.full((len(z), 1), ACCEPTANCE, device=z.device)
        self.z = z
        self.log_prior, self.log_likelihood, self.to_prior, self.to_likelihood = self._look(z)

    def _look(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return ln p(z) and ln p(x|z) [N * K], and their gradients in z."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            log_prior, log_likelihood = self.view.prior.log_prob(z), self.view.log_likelihood(self.x, z)
            (to_prior,) = torch.autograd.grad(log_prior.sum(), z)
            (to_likelihood,) = torch.autograd.grad(log_likelihood.sum(), z)
        return log_prior.detach(), log_likelihood.detach(), to_prior, to_likelihood

    def _normal(self) -> Tensor:
        return torch.randn(self.z.shape, generator=self.generator, device=self.z.device)

    def move(self, b: float) -> None:
        """Make one transition that leaves the posterior at temperature b as it is, and adapt the step sizes."""
        momentum = self._normal()
        z, now = self.z, (self.log_prior, self.log_likelihood, self.to_prior, self.to_likelihood)
        energy = 0.5 * momentum.square().sum(1) - now[0] - b * now[1]
        for _ in range(self.leapfrog):
            momentum = momentum + 0.5 * self.step * (now[2] + b * now[3])
            z = z + self.step * momentum
            now = self._look(z)
            momentum = momentum + 0.5 * self.step * (now[2] + b * now[3])
        change = energy - (0.5 * momentum.square().sum(1) - now[0] - b * now[1])
        drawn = torch.rand(len(z), generator=self.generator, device=z.device)
        accept = drawn.log() < change  # no for NaN
        kept = (self.z, self.log_prior, self.log_likelihood, self.to_prior, self.to_likelihood)
        pairs = zip((z, *now), kept, strict=True)
        chosen = [torch.where(accept if new.ndim == 1 else accept[:, None], new, old) for new, old in pairs]
        self.z, self.log_prior, self.log_likelihood, self.to_prior, self.to_likelihood = chosen
        self.accepted = SLOWNESS * self.accepted + (1 - SLOWNESS) * accept[:, None]
        factor = torch.where(self.accepted > ACCEPTANCE, FASTER, SLOWER)
        self.step = (self.step * factor).clamp(LEAST_STEP, MOST_STEP)


def lower_bound(
    view: Density, x: Tensor, schedule: Schedule, *, generator: torch.Generator | None = None, rows: int = 10**9
) -> Tensor:
    r"""Return a stochastic lower bound of ln p(x) of each image in nats [N] (float64).

    .. math::
        \ln \hat p(x) = \ln \frac1K \sum_k \exp \sum_{t=2}^T (b_t - b_{t-1}) \ln p(x|z^{(k)}_{t-1}), \quad
        z_1 \sim p(z), z_t \sim T_{b_t}(\cdot | z_{t-1})

    Source: Neal 2001; Wu et al. 2016. Its exponential has the mean p(x). x is [N, C, H, W] in [0, 1]; `view` is a model
    in evaluation mode with `prior` and `log_likelihood`, of code and noise together where the decoder takes noise. All
    chains of as many images as make `rows` codes go together.
    """
    return _in_parts(_lower, view, x, None, schedule, generator, rows)


def upper_bound(
    view: Density,
    x: Tensor,
    z: Tensor,
    schedule: Schedule,
    *,
    generator: torch.Generator | None = None,
    rows: int = 10**9,
) -> Tensor:
    r"""Return a stochastic upper bound of ln p(x) of images whose codes z are draws of their posterior, nats [N].

    .. math:: -\ln \frac1K \sum_k \exp \sum_{t=2}^T (b_{t-1} - b_t) \ln p(x|z_{t-1}^{(k)})

    with the chains of `lower_bound` backwards: :math:`z_T = z`, and :math:`z_{t-1} \sim T_{b_t}(\cdot | z_t)`. Its
    exponential's inverse has the mean 1 / p(x). Source: Grosse et al. 2015. x [N, C, H, W] and z [N, L] must be drawn
    of p(z) p(x|z), as `simulated` does.
    """
    return _in_parts(_upper, view, x, z, schedule, generator, rows)


def simulated(
    view: Density, n: int, generator: torch.Generator | None, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Return images and codes x [n, C, H, W], z [n, L] of p(z) p(x|z); raises TypeError for another law than
    Bernoulli's or a Gaussian of unit variance."""
    z = view.prior.sample(n, generator, device)
    law = view.likelihood(z)
    if isinstance(law, Bernoulli | BernoulliMeans):
        return torch.bernoulli(law.mean, generator=generator), z
    if isinstance(law, UnitGaussian):
        return law.mean + torch.randn(law.mean.shape, generator=generator, device=z.device), z
    raise TypeError(f"no draws of a {type(law).__name__}")


@torch.no_grad()
def _in_parts(
    bound: Callable[..., Tensor],
    view: Density,
    x: Tensor,
    z: Tensor | None,
    schedule: Schedule,
    generator: torch.Generator | None,
    rows: int,
) -> Tensor:
    size = max(1, rows // schedule.chains)
    codes = [None] * len(x.split(size)) if z is None else z.split(size)
    return torch.cat([bound(view, a, b, schedule, generator) for a, b in zip(x.split(size), codes, strict=True)])


def _mean_of(log_w: Tensor, schedule: Schedule) -> Tensor:
    return torch.logsumexp(log_w.view(-1, schedule.chains), 1) - math.log(schedule.chains)


def _lower(view: Density, x: Tensor, z: None, schedule: Schedule, generator: torch.Generator | None) -> Tensor:
    start = view.prior.sample(len(x) * schedule.chains, generator, x.device)
    chains = _Chains(view, x, start, schedule, generator)
    b = schedule.temperatures().tolist()
    log_w = torch.zeros(len(start), dtype=torch.float64, device=x.device)
    for before, now in zip(b[:-1], b[1:], strict=True):
        log_w += (now - before) * chains.log_likelihood.double()
        if now < 1:  # where the last transition ends weighs nothing
            chains.move(now)
    return _mean_of(log_w, schedule)


def _upper(view: Density, x: Tensor, z: Tensor, schedule: Schedule, generator: torch.Generator | None) -> Tensor:
    chains = _Chains(view, x, z.repeat_interleave(schedule.chains, 0), schedule, generator)
    b = schedule.temperatures().tolist()
    log_w = torch.zeros(len(chains.z), dtype=torch.float64, device=x.device)
    for before, now in zip(b[-2::-1], b[:0:-1], strict=True):
        if now < 1:  # the first transition would leave a draw of the posterior one
            chains.move(now)
        log_w += (before - now) * chains.log_likelihood.double()
    return -_mean_of(log_w, schedule)
