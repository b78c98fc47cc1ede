"""Hyperplane rounding against exact orthant probabilities, PSD repair, inversion, paths and attribute edits."""

import itertools
import math
import time

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import Tensor

from models.lbae.hyperplane import (
    BIT_SAMPLERS,
    CoinSampler,
    HyperplaneSampler,
    RoundingSampler,
    cut,
    gram_matrix,
    second_moments,
    sign,
    square_root,
)
from models.lbae.paths import edit_attribute, interpolate, inversion_steps, invert, invert_exactly, slerp

DRAWS = 200_000
EVERY_SAMPLER = pytest.mark.parametrize("sampler", BIT_SAMPLERS.values())


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def correlated(k: int, n: int, seed: int = 0, noise: float = 0.7) -> Tensor:
    """Codes [k, n] of a probit model with five factors and uneven means."""
    g = generator(seed)
    loadings, means = torch.randn(5, n, generator=g), torch.randn(n, generator=g)
    return sign(torch.randn(k, 5, generator=g) @ loadings + noise * torch.randn(k, n, generator=g) + 0.5 * means)


def codes(d: int) -> Tensor:
    return torch.tensor(list(itertools.product([-1.0, 1.0], repeat=d)))


def frequencies(bits: Tensor) -> np.ndarray:
    """The share of every code, in the order of `codes`."""
    d = bits.shape[1]
    index = ((bits > 0).long() * 2 ** torch.arange(d - 1, -1, -1)).sum(1)
    return (torch.bincount(index, minlength=2**d) / len(bits)).numpy()


def assert_shares(found: np.ndarray, expected: np.ndarray, n: int) -> None:
    """Every share within five standard deviations of a multinomial's."""
    assert expected.sum() == pytest.approx(1, abs=1e-3)
    assert (np.abs(found - expected) <= 5 * np.sqrt(expected * (1 - expected) / n) + 1e-3 * expected.max()).all()


def test_moments_are_means_and_mean_products() -> None:
    bits = correlated(10_000, 7)
    moments = second_moments(bits.to(torch.int8))
    assert torch.equal(moments[:-1, :-1], (bits.double().T @ bits.double()) / len(bits))
    assert torch.equal(moments[-1, :-1], bits.double().mean(0))
    assert torch.equal(moments, moments.T)
    assert torch.equal(moments.diagonal(), torch.ones(8).double())


@pytest.mark.parametrize("bad", [torch.zeros(3, 2), torch.full((3, 2), 0.5), torch.ones(0, 4), torch.ones(4)])
def test_what_is_not_bits_has_no_moments(bad: Tensor) -> None:
    with pytest.raises(ValueError, match="bits must be|at least one code"):
        second_moments(bad)


@pytest.mark.parametrize("weights", [[1, 1, 1, 1], [5, 1, 2, 6], [1, 9, 7, 3], [40, 1, 1, 1], [1, 1, 30, 30]])
def test_two_bits_come_back_with_their_own_joint_distribution(weights: list[int]) -> None:
    """With two bits the arcsine law makes hyperplane rounding exact."""
    bits = codes(2).repeat_interleave(torch.tensor(weights), dim=0)
    gram = gram_matrix(second_moments(bits))
    a, b, c = (gram[0, 1].item(), gram[0, 2].item(), gram[1, 2].item())
    orthant = np.array(
        [
            0.25 + (s * t * math.asin(a) + s * math.asin(b) + t * math.asin(c)) / (2 * math.pi)
            for s, t in codes(2).tolist()
        ]
    )
    assert orthant == pytest.approx(np.array(weights) / sum(weights), abs=1e-6)
    assert torch.linalg.eigvalsh(gram).min() > 0
    drawn = HyperplaneSampler().fit(bits).sample(DRAWS, generator())
    assert_shares(frequencies(drawn), np.array(weights) / sum(weights), DRAWS)


@pytest.mark.parametrize("d", [3, 4, 5])
def test_samples_have_the_orthant_probabilities_of_their_gram_matrix(d: int) -> None:
    """P(b) = 2 P(z in the orthant of [b, 1]), z ~ N(0, H): the flip joins each orthant with its opposite."""
    sampler = HyperplaneSampler().fit(correlated(5000, d, seed=d))
    gram = (sampler.factor @ sampler.factor.T).double().numpy()
    signs = np.concatenate([codes(d).numpy(), np.ones((2**d, 1))], axis=1)
    exact = [2 * multivariate_normal.cdf(np.zeros(d + 1), cov=gram * np.outer(s, s), rng=0) for s in signs]
    assert_shares(frequencies(sampler.sample(DRAWS, generator())), np.array(exact), DRAWS)


def test_direct_rounding_has_other_moments_and_hyperplanes_have_the_right_ones() -> None:
    bits = correlated(20_000, 30)
    moments = second_moments(bits)

    def error(sampler: HyperplaneSampler | RoundingSampler) -> float:
        drawn = sampler.fit(bits).sample(50_000, generator())
        return float((second_moments(drawn) - moments).abs().mean())

    assert error(HyperplaneSampler()) < 0.01
    assert error(RoundingSampler()) > 0.05


def test_moments_of_samples_are_exact_where_the_gram_matrix_is_positive() -> None:
    bits = sign(torch.randn(50_000, 6, generator=generator()) @ (torch.eye(6) + 0.2) + 0.1)
    sampler = HyperplaneSampler().fit(bits)
    assert sampler.moments is not None
    assert torch.linalg.eigvalsh(gram_matrix(sampler.moments)).min() > 0
    drawn = second_moments(sampler.sample(DRAWS, generator()))
    assert (drawn - sampler.moments).abs().max() < 5 / math.sqrt(DRAWS)


def test_rounding_follows_its_formula() -> None:
    """Eq. 3 for one bit: P(b = 1) = Phi(m / sqrt(1 - m^2)), which is not (1 + m) / 2."""
    bits = torch.ones(10, 1)
    bits[:3] = -1
    drawn = RoundingSampler().fit(bits).sample(DRAWS, generator())
    mean = 0.4
    expected = 0.5 * (1 + math.erf(mean / math.sqrt(1 - mean**2) / math.sqrt(2)))
    assert float((drawn > 0).float().mean()) == pytest.approx(expected, abs=5 * 0.5 / math.sqrt(DRAWS))


def test_coins_are_fair_and_independent() -> None:
    drawn = CoinSampler().fit(correlated(100, 4)).sample(DRAWS, generator())
    assert_shares(frequencies(drawn), np.full(16, 1 / 16), DRAWS)


@EVERY_SAMPLER
def test_a_bit_that_never_changes_breaks_nothing(sampler: type[HyperplaneSampler]) -> None:
    bits = correlated(2000, 6)
    bits[:, 2], bits[:, 4], bits[:, 5] = 1, -1, bits[:, 0]
    drawn = sampler().fit(bits).sample(20_000, generator())
    assert torch.equal(drawn.abs(), torch.ones_like(drawn))
    if sampler is not CoinSampler:
        assert bool((drawn[:, 2] == 1).all()) and bool((drawn[:, 4] == -1).all())


@EVERY_SAMPLER
def test_one_interface(sampler: type[HyperplaneSampler]) -> None:
    with pytest.raises(ValueError, match="call fit"):
        sampler().sample(1)
    bits = correlated(500, 9)
    fitted = sampler().fit(bits.to(torch.int8))
    one, same, other = (fitted.sample(50, generator(seed)) for seed in (0, 0, 1))
    assert one.shape == (50, 9) and one.dtype == torch.float32
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert torch.equal(sampler().fit_moments(second_moments(bits)).sample(50, generator()), one)
    assert fitted.sample(0).shape == (0, 9)


def test_a_positive_matrix_is_not_repaired() -> None:
    a = torch.randn(6, 6, generator=generator(), dtype=torch.float64)
    gram = a @ a.T
    factor = square_root(gram)
    assert torch.allclose(factor @ factor.T, gram)
    assert torch.equal(factor, factor.tril())


def test_repair_gives_the_nearest_matrix_of_a_known_case() -> None:
    factor = square_root(torch.tensor([[1.0, 2.0], [2.0, 1.0]], dtype=torch.float64))  # eigenvalues 3 and -1
    assert torch.allclose(factor @ factor.T, torch.full((2, 2), 1.5).double())


@pytest.mark.parametrize("seed", range(10))
def test_repair_meets_the_conditions_of_the_nearest_matrix(seed: int) -> None:
    """P is the projection on the positive semidefinite cone iff P >= 0, P - H >= 0 and <P, P - H> = 0."""
    a = torch.randn(5, 5, generator=generator(seed), dtype=torch.float64)
    symmetric = a + a.T
    factor = square_root(symmetric)
    repaired = factor @ factor.T
    assert torch.linalg.eigvalsh(repaired - symmetric).min() > -1e-9
    assert abs(float((repaired * (repaired - symmetric)).sum())) < 1e-9


@pytest.mark.parametrize("flip", [True, False])
def test_inversion_cuts_nearly_the_same_code(flip: bool) -> None:
    bits = correlated(5000, 60, noise=0.3)
    factor = HyperplaneSampler().fit(bits).factor
    normals = invert(factor, bits[:500], flip=flip)
    assert torch.allclose(normals.norm(dim=1), torch.ones(500), atol=1e-5)
    assert float((cut(factor, normals, flip=flip) == bits[:500]).float().mean()) > 0.9
    if flip:
        assert bool((normals @ factor[-1] >= -1e-6).all())


def test_inversion_is_exact_where_rows_are_orthogonal() -> None:
    factor = torch.eye(9)
    assert torch.equal(cut(factor, invert(factor, correlated(50, 8), flip=False), flip=False), correlated(50, 8))
    assert torch.equal(cut(factor, invert(factor, correlated(50, 8), flip=True), flip=True), correlated(50, 8))


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_a_code_of_one_sign_can_be_inverted(value: float) -> None:
    factor = HyperplaneSampler().fit(correlated(500, 12)).factor
    normals = invert(factor, torch.full((1, 12), value), flip=False)
    assert torch.isfinite(normals).all()
    assert float(normals.norm()) == pytest.approx(1, abs=1e-5)


def test_rows_on_the_wrong_side_are_counted_again() -> None:
    """Three rows at 0 degrees outvote one at 110: the plain mean leaves it behind, counting it again does not."""
    angles = torch.tensor([0.0, 0.0, 0.0, 110.0, 0.0]).deg2rad()  # the last row is the boundary
    factor = torch.stack([angles.cos(), angles.sin()], dim=1)
    bits = torch.ones(1, 4)
    plain = factor[:4].sum(0, keepdim=True)
    assert not torch.equal(cut(factor, plain, flip=False), bits)
    assert torch.equal(cut(factor, invert(factor, bits, flip=False), flip=False), bits)


@pytest.mark.parametrize(
    ("degrees", "steps"),
    [
        ([0, 90], 0),  # right at once
        ([0, 0, 0, 110], 1),  # the fourth is at 90.5 from the mean, and inside once it counts twice
        ([0, 0, 0, 180], 1),  # one tilt, which does not help
        ([0] * 10 + [102, 140], 2),  # one tilt mends the first, a second does not mend the other
    ],
)
def test_tilts_are_counted_to_the_first_that_does_not_help(degrees: list[int], steps: int) -> None:
    angles = torch.tensor([*map(float, degrees), 0.0]).deg2rad()  # the last row is the boundary
    factor = torch.stack([angles.cos(), angles.sin()], dim=1)
    bits = torch.ones(2, len(degrees))
    bits[1, 1:] = -1
    found = inversion_steps(factor, bits, flip=False)
    assert found.dtype == torch.int64 and int(found[0]) == steps


def test_orthogonal_rows_need_no_tilt_and_others_nine_at_most() -> None:
    codes = correlated(50, 8)
    assert inversion_steps(torch.eye(9), codes, flip=True).tolist() == [0] * 50
    bits = correlated(5000, 60, noise=0.7)
    steps = inversion_steps(HyperplaneSampler().fit(bits).factor, bits[:500], flip=True)
    assert 0 <= int(steps.min()) < int(steps.max()) <= 9


def test_inversion_is_no_worse_than_the_first_centroids() -> None:
    bits = correlated(5000, 60, noise=0.7)
    factor = HyperplaneSampler().fit(bits).factor
    source, rows = bits[:500], factor[:-1]
    p, n = ((mine.float() @ rows) for mine in (source > 0, source < 0))
    first = torch.nn.functional.normalize(p, dim=1) - torch.nn.functional.normalize(n, dim=1)
    wrong = [(cut(factor, r, flip=False) != source).sum(1) for r in (first, invert(factor, source, flip=False))]
    assert bool((wrong[1] <= wrong[0]).all()) and int(wrong[1].sum()) < int(wrong[0].sum()) / 2


def test_the_exact_solution_is_exact_for_a_regular_factor_and_jumps() -> None:
    bits = sign(torch.randn(5000, 20, generator=generator()) @ (torch.eye(20) + 0.1))
    factor = HyperplaneSampler().fit(bits).factor
    normals = invert_exactly(factor, bits[:100])
    assert torch.equal(cut(factor, normals, flip=True), bits[:100])
    path = slerp(normals[:50], normals[50:], torch.linspace(0, 1, 10))
    cuts = cut(factor, path.flatten(0, 1), flip=True).unflatten(0, (50, 10))
    at_source = (cuts == bits[:50, None]).all(2)
    assert torch.equal(at_source, ~(cuts == bits[50:100, None]).all(2))  # every step is one end or the other
    assert torch.equal(at_source, at_source.cummin(dim=1).values)  # and it changes once


def test_slerp_moves_by_equal_angles_on_the_sphere() -> None:
    a, b = torch.nn.functional.normalize(torch.randn(2, 7, 5, generator=generator()), dim=2)
    path = slerp(a, b, torch.linspace(0, 1, 10))
    assert torch.allclose(path.norm(dim=2), torch.ones(7, 10), atol=1e-5)
    assert torch.allclose(path[:, 0], a, atol=1e-6) and torch.allclose(path[:, -1], b, atol=1e-6)
    angles = (path[:, 1:] * path[:, :-1]).sum(2).clamp(-1, 1).acos()
    assert torch.allclose(angles, (a * b).sum(1).acos()[:, None].expand(7, 9) / 9, atol=1e-3)


def test_slerp_of_a_vector_to_itself_stays() -> None:
    a = torch.nn.functional.normalize(torch.ones(2, 3), dim=1)
    assert torch.allclose(slerp(a, a, torch.linspace(0, 1, 4)), a[:, None].expand(2, 4, 3))


@pytest.mark.parametrize("flip", [True, False])
def test_paths_run_from_one_code_to_the_other_almost_evenly(flip: bool) -> None:
    bits = correlated(5000, 60, noise=0.3)
    factor = HyperplaneSampler().fit(bits).factor
    source, target = bits[:200], bits[200:400]
    path = interpolate(factor, source, target, flip=flip)
    assert path.shape == (200, 10, 60)
    assert torch.equal(path[:, 0], cut(factor, invert(factor, source, flip=flip), flip=flip))
    assert torch.equal(path[:, -1], cut(factor, invert(factor, target, flip=flip), flip=flip))
    moved = (path != path[:, :1]).float().mean((0, 2))
    assert torch.allclose(moved / moved[-1], torch.linspace(0, 1, 10), atol=0.05)


def test_an_edit_sets_exactly_the_bits_beyond_the_threshold() -> None:
    bits = torch.tensor([[1.0, 1.0, -1.0, -1.0, 1.0]])
    mean = torch.tensor([0.5, -0.5, 0.11, 0.1, -0.1])
    assert edit_attribute(bits, mean).tolist() == [[1, -1, 1, -1, 1]]
    assert edit_attribute(bits, mean, threshold=0.12).tolist() == [[1, -1, -1, -1, 1]]


@pytest.mark.slow
def test_speed_of_moments_and_samples() -> None:
    bits = correlated(60_000, 1500).to(torch.int8)
    started = time.perf_counter()
    second_moments(bits)
    assert time.perf_counter() - started < 20
    sampler = HyperplaneSampler().fit(bits[:, :200])
    started = time.perf_counter()
    sampler.sample(100_000, generator())
    assert time.perf_counter() - started < 1
