"""The study of codes of bits, on codes counted by hand and on distributions known in full."""

import math

import numpy as np
import pytest
import torch

from bench.evaluation.arrays.codes import PROTOCOLS
from bench.metrics import METRICS
from bench.metrics import bits as metrics
from bench.metrics.bit_codes import INVERSIONS, bit_sums, hamming_curves, inverted, paths, random_pairs
from bench.metrics.types import Blank, Measured
from models.lbae.hyperplane import HyperplaneSampler, second_moments


def measure(function, *arrays) -> Measured:
    return function(*(np.asarray(a) for a in arrays))


def coins(k: int, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (k, n)).astype(np.int8) * 2 - 1


def correlated(k: int, n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loadings = np.random.default_rng(99).normal(size=(4, n))
    hidden = rng.normal(size=(k, 4)) @ loadings + 0.6 * rng.normal(size=(k, n))
    return np.where(hidden >= 0, 1, -1).astype(np.int8)


def test_bit_sums_are_counts_of_positive_bits() -> None:
    codes = np.array([[1, 1, -1], [-1, -1, -1], [1, 1, 1], [-1, 1, 1]])
    assert bit_sums(codes).tolist() == [0.25, 0, 0.5, 0.25]


def test_bit_sum_distance_by_hand() -> None:
    codes = [[1, 1], [-1, -1], [1, -1], [-1, 1]]  # sums 2, 0, 1, 1
    assert measure(metrics.bit_sum_tv, codes, codes).value == 0
    assert measure(metrics.bit_sum_tv, codes, [[1, 1]]).value == pytest.approx(0.75)
    assert measure(metrics.bit_sum_tv, [[1, 1]], [[-1, -1], [-1, -1]]).value == 1


def test_the_floor_is_the_mean_distance_of_two_sets_of_one_distribution() -> None:
    floor = measure(metrics.bit_sum_floor, coins(4000, 40), coins(2000, 40)).value
    found = [measure(metrics.bit_sum_tv, coins(4000, 40, 2 * s), coins(2000, 40, 2 * s + 1)).value for s in range(50)]
    assert np.mean(found) == pytest.approx(floor, rel=0.05)


def test_moment_error_by_hand_and_of_coins() -> None:
    moments = np.array([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]])
    assert measure(metrics.moment_error, moments, [[1, 1], [1, -1]]).value == 0.5
    n = 20_000
    found = measure(metrics.moment_error, np.eye(61), coins(n, 60)).value
    assert found == pytest.approx(math.sqrt(2 / (math.pi * n)), rel=0.1)
    with pytest.raises(Blank, match="no pair"):
        measure(metrics.moment_error, np.eye(2), [[1], [-1]])


def test_moment_error_of_hyperplane_samples_is_small() -> None:
    moments = second_moments(torch.from_numpy(correlated(5000, 30)))
    drawn = HyperplaneSampler().fit_moments(moments).sample(50_000, torch.Generator().manual_seed(0))
    assert measure(metrics.moment_error, moments.numpy(), drawn.numpy()).value < 0.02
    assert measure(metrics.moment_error, moments.numpy(), coins(50_000, 30)).value > 0.2


@pytest.mark.parametrize("n", [3, 4, 10])
def test_codes_of_one_positive_bit_need_an_indefinite_gram_matrix(n: int) -> None:
    codes = 2 * np.eye(n, dtype=np.int8) - 1
    moments = second_moments(torch.from_numpy(codes)).numpy()
    # Bits and the boundary: moments 1 - 4/n of two bits, 2/n - 1 of a bit and the boundary. H is (1 - a) I + a J of
    # the n bits, bordered by b; J's space and the boundary give a matrix of two rows, the rest the eigenvalue 1 - a.
    a, b = math.sin(math.pi / 2 * (1 - 4 / n)), math.sin(math.pi / 2 * (2 / n - 1))
    block = np.array([[1 + (n - 1) * a, math.sqrt(n) * b], [math.sqrt(n) * b, 1]])
    least = min(1 - a, (np.trace(block) - math.hypot(block[0, 0] - block[1, 1], 2 * block[0, 1])) / 2)
    assert least < 0
    assert measure(metrics.least_eigenvalue, moments).value == pytest.approx(least, rel=1e-9)


def test_the_error_of_the_repair_by_hand_and_of_many_samples() -> None:
    codes = 2 * np.eye(3, dtype=np.int8) - 1
    moments = second_moments(torch.from_numpy(codes)).numpy()
    # every moment is -1/3, H = 1.5 I - 0.5 J of four rows; nearest to it is 1.5 (I - J / 4), of cosines -1/3
    expected = 1 / 3 - 2 / math.pi * math.asin(1 / 3)
    assert measure(metrics.least_eigenvalue, moments).value == pytest.approx(-0.5)
    assert measure(metrics.repair_error, moments).value == pytest.approx(expected)
    drawn = HyperplaneSampler().fit_moments(torch.from_numpy(moments)).sample(200_000, torch.Generator().manual_seed(0))
    assert measure(metrics.moment_error, moments, drawn.numpy()).value == pytest.approx(expected, abs=0.005)


def test_a_positive_definite_gram_matrix_costs_nothing() -> None:
    gram = np.full((6, 6), 0.4) + 0.6 * np.eye(6)
    moments = 2 / math.pi * np.arcsin(gram)
    assert measure(metrics.least_eigenvalue, moments).value == pytest.approx(0.6)
    assert measure(metrics.repair_error, moments).value == pytest.approx(0, abs=1e-12)
    assert measure(metrics.least_eigenvalue, np.eye(6)).value == pytest.approx(1)
    with pytest.raises(Blank, match="no pair"):
        measure(metrics.repair_error, np.eye(2))


def test_inversion_share_is_the_mean_percentage_with_its_error() -> None:
    codes = np.ones((2, 4), np.int8)
    back = np.array([[1, 1, 1, 1], [1, 1, -1, -1]])
    found = measure(metrics.inversion_share, codes, back)
    assert (found.value, found.n) == (75, 2)
    assert found.se == pytest.approx(25)


def test_a_path_that_changes_one_bit_a_step_is_linear() -> None:
    source, target = np.full((1, 9), -1), np.ones((1, 9))
    path = np.where(np.arange(9)[None, :] < np.arange(10)[:, None], 1, -1)[None]  # [1, 10, 9]
    assert np.allclose(hamming_curves(source, target, path), np.linspace(0, 1, 10))
    assert measure(metrics.slerp_deviation, source, target, path).value == pytest.approx(0)
    assert measure(metrics.slerp_spread, source, target, path).value == 0


def test_a_path_that_jumps_is_a_quarter_from_linear() -> None:
    source, target = np.full((3, 8), -1), np.ones((3, 8))
    path = np.concatenate([np.repeat(source[:, None], 5, 1), np.repeat(target[:, None], 5, 1)], axis=1)
    expected = np.abs(np.repeat([0, 1], 5) - np.linspace(0, 1, 10)).mean()
    assert measure(metrics.slerp_deviation, source, target, path).value == pytest.approx(expected)
    assert expected == pytest.approx(2 / 9)


def test_pairs_of_equal_codes_are_left_out() -> None:
    source, target = coins(2, 6), coins(2, 6)
    target[1] = -source[1]
    path = np.stack([source, target], axis=1)
    assert measure(metrics.slerp_deviation, source, target, path).n == 1
    with pytest.raises(Blank, match="different codes"):
        measure(metrics.slerp_deviation, source[:1], source[:1], path[:1])


def test_code_bits_is_the_number_it_is_given() -> None:
    assert measure(METRICS["code_bits"].function(), [512]).value == 512


def test_pairs_are_of_different_images_and_follow_the_generator() -> None:
    codes = np.arange(21)[:, None]
    a, b = random_pairs(codes, 1000, np.random.default_rng(0))
    assert len(a) == len(b) == 10
    assert len(np.unique(np.concatenate([a, b]))) == 20
    assert np.array_equal(random_pairs(codes, 4, np.random.default_rng(1))[0], codes[_chosen(1)])


def _chosen(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).choice(21, 8, replace=False)[:4]


@pytest.mark.parametrize("how", INVERSIONS)
def test_the_study_of_correlated_codes(how: str) -> None:
    codes = correlated(6000, 50)
    moments = second_moments(torch.from_numpy(codes)).numpy()
    source, target = random_pairs(codes, 1200, np.random.default_rng(0))  # more than one batch
    back = inverted(moments, source, how)
    path = paths(moments, source, target, how)
    assert back.shape == source.shape and path.shape == (1200, 10, 50)
    assert np.array_equal(path[:, 0], back)
    assert measure(metrics.inversion_share, source, back).value > 95
    deviation = measure(metrics.slerp_deviation, source, target, path).value
    if how == "inverse":  # every bit comes back, but the way between is not even
        assert deviation > 0.05
    else:
        assert deviation < 0.05
        assert measure(metrics.slerp_deviation, path[:, 0], path[:, -1], path).value < 0.02


def test_the_settings_are_the_inversions_and_the_protocols() -> None:
    assert [s["inversion"] for s in METRICS["inversion_share"].settings] == list(INVERSIONS)
    assert [s["protocol"] for s in METRICS["ifd_classifier"].settings] == list(PROTOCOLS)
    assert {inversion for _, inversion, _ in PROTOCOLS.values()} <= set(INVERSIONS)
