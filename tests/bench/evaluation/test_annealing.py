"""Annealed importance sampling against the exact evidence of a linear-Gaussian model."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.evaluation.annealing import Schedule, _Chains, lower_bound, simulated, upper_bound
from models.distributions.densities import Bernoulli, StandardNormal, UnitGaussian

D, L = 6, 2
WEIGHT = torch.randn(D, L, generator=torch.Generator().manual_seed(0)) * 1.5


class LinearGaussian:
    """p(z) = N(0, I), p(x|z) = N(W z, I): p(x) = N(0, W W^T + I)."""

    prior = StandardNormal(L)

    def likelihood(self, z: Tensor) -> Any:
        return UnitGaussian((z @ WEIGHT.T)[:, None, None])

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        return self.likelihood(z).log_prob(x)


def exact(x: Tensor) -> Tensor:
    covariance = WEIGHT @ WEIGHT.T + torch.eye(D)
    return torch.distributions.MultivariateNormal(torch.zeros(D), covariance).log_prob(x.flatten(1)).double()


def bounds(distributions: int, n: int = 64, chains: int = 1, **more: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    view, schedule = LinearGaussian(), Schedule(distributions, chains, leapfrog=5, first_step=0.2)
    x, z = simulated(view, n, generator)
    low = lower_bound(view, x, schedule, generator=generator, **more)
    return low, exact(x), upper_bound(view, x, z, schedule, generator=generator, **more)


def error(values: Tensor) -> float:
    return float(values.std()) / math.sqrt(len(values))


def test_the_two_bounds_bracket_the_exact_evidence_and_close_in_on_it() -> None:
    gaps = []
    for distributions in (4, 16, 64):
        low, middle, high = bounds(distributions)
        assert float((low - middle).mean()) < 3 * error(low - middle)
        assert float((middle - high).mean()) < 3 * error(middle - high)
        gaps.append(float((high - low).mean()))
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2] > 0


def test_one_step_from_prior_to_posterior_is_importance_sampling_of_the_prior() -> None:
    # exp of the bound has the mean p(x): one image, many independent estimates
    x = torch.full((1, 1, 1, D), 0.3)
    estimates = lower_bound(LinearGaussian(), x.expand(4000, -1, -1, -1), Schedule(2, 4)).exp()
    assert abs(float(estimates.mean() - exact(x).exp()[0])) < 4 * error(estimates)


def test_estimates_are_unbiased_with_transitions_too() -> None:
    x = torch.full((1, 1, 1, D), 0.3)
    generator = torch.Generator().manual_seed(0)
    estimates = lower_bound(
        LinearGaussian(), x.expand(2000, -1, -1, -1), Schedule(8, 1, leapfrog=3, first_step=0.2), generator=generator
    )
    assert abs(float(estimates.exp().mean() - exact(x).exp()[0])) < 4 * error(estimates.exp())


def test_transitions_leave_the_posterior_as_it_is() -> None:
    precision = WEIGHT.T @ WEIGHT + torch.eye(L)
    x = torch.full((1, 1, 1, D), 0.5)
    mean, covariance = torch.linalg.solve(precision, WEIGHT.T @ x.flatten()), torch.linalg.inv(precision)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(4000, L, generator=generator)
    z = mean + noise @ torch.linalg.cholesky(covariance).T
    chains = _Chains(LinearGaussian(), x.expand(4000, -1, -1, -1), z, Schedule(leapfrog=5, first_step=0.2), generator)
    for _ in range(20):
        chains.move(1.0)
    assert not torch.equal(chains.z, z)
    torch.testing.assert_close(chains.z.mean(0), mean, rtol=0, atol=0.03)
    torch.testing.assert_close(torch.cov(chains.z.T), covariance, rtol=0.1, atol=0.01)


def test_images_in_parts_are_all_there_and_more_chains_tighten() -> None:
    low, middle, high = bounds(4, chains=8, rows=50)
    low_of_one, same, high_of_one = bounds(4)
    assert low.shape == high.shape == low_of_one.shape
    torch.testing.assert_close(middle, same)
    assert float(low_of_one.mean()) < float(low.mean()) and float(high.mean()) < float(high_of_one.mean())
    assert float((low - middle).mean()) < 3 * error(low - middle)
    assert float((middle - high).mean()) < 3 * error(middle - high)


def test_every_chain_of_an_image_starts_from_its_own_code() -> None:
    # two distributions make no move: the bound is ln p(x|z) of the code itself, however many chains there are
    view, generator = LinearGaussian(), torch.Generator().manual_seed(0)
    x, z = simulated(view, 5, generator)
    torch.testing.assert_close(upper_bound(view, x, z, Schedule(2, 4)), view.log_likelihood(x, z).double())


class NoisyDecoder(LinearGaussian):
    """The same decoder with a noise input e ~ N(0, I) of its own, x ~ N(W z + V e, I): a code is (z, e)."""

    prior = StandardNormal(L + 1)

    def likelihood(self, z: Tensor) -> Any:
        return UnitGaussian((z @ torch.cat([WEIGHT, torch.ones(D, 1)], 1).T)[:, None, None])


def test_noise_of_the_decoders_own_is_integrated_over() -> None:
    generator = torch.Generator().manual_seed(0)
    view, schedule = NoisyDecoder(), Schedule(128, 1, leapfrog=5, first_step=0.2)
    x, z = simulated(view, 64, generator)
    low = lower_bound(view, x, schedule, generator=generator)
    high = upper_bound(view, x, z, schedule, generator=generator)
    covariance = WEIGHT @ WEIGHT.T + torch.ones(D, D) + torch.eye(D)
    middle = torch.distributions.MultivariateNormal(torch.zeros(D), covariance).log_prob(x.flatten(1)).double()
    assert float((low - middle).mean()) < 3 * error(low - middle)
    assert float((middle - high).mean()) < 3 * error(middle - high)
    assert float((high - low).mean()) < 1


def test_the_schedule_runs_from_the_prior_to_the_posterior_and_is_symmetric() -> None:
    b = Schedule(11).temperatures()
    assert b[0] == 0 and b[-1] == 1 and bool((b.diff() > 0).all())
    torch.testing.assert_close(b + b.flip(0), torch.ones(11, dtype=torch.float64))
    with pytest.raises(ValueError, match="at least two"):
        Schedule(1).temperatures()


def test_simulated_images_are_draws_of_their_law() -> None:
    class Coins(LinearGaussian):
        def likelihood(self, z: Tensor) -> Any:
            return Bernoulli(torch.zeros(len(z), 1, 1, 500))

    x, z = simulated(Coins(), 20, torch.Generator().manual_seed(0))
    assert set(x.unique().tolist()) == {0.0, 1.0} and z.shape == (20, L)
    assert abs(float(x.mean()) - 0.5) < 0.02
