"""Measures of disentanglement on codes whose scores follow by hand: perfect, rotated, duplicated, worthless."""

import math
from itertools import product

import numpy as np
import pytest

from bench.metrics.disentanglement import (
    attribute_predictability,
    completeness,
    disentanglement,
    factor_vae_score,
    informativeness,
    mutual_information_gap,
)
from bench.metrics.types import Blank


def grid(*counts: int) -> np.ndarray:
    """Every combination of factors of so many values once: [N, F]."""
    return np.array(list(product(*map(range, counts))))


THREE = grid(3, 4, 5)
HIDDEN = grid(3, 4, 5, 2, 2, 2)  # three factors, and three coins that are none
PAIR = grid(2, 2)
ROTATED = np.stack([PAIR.sum(1), PAIR[:, 0] - PAIR[:, 1]], axis=1).astype(float)  # by 45 degrees
AMOUNTS = np.ones(3, bool)


def mig(codes: np.ndarray, factors: np.ndarray) -> float:
    return mutual_information_gap(codes, factors).value


def sap(codes: np.ndarray, factors: np.ndarray, ordered: np.ndarray) -> float:
    return attribute_predictability(codes, factors, ordered).value


def votes(codes: np.ndarray, factors: np.ndarray) -> float:
    return factor_vae_score(codes, factors, rng=np.random.default_rng(0)).value


def test_a_perfect_code_has_full_scores_whatever_its_order_scale_and_sign() -> None:
    codes = THREE[:, [2, 0, 1]] * np.array([-0.1, 40.0, 1.0]) + 3
    assert mig(codes, THREE) == pytest.approx(1)
    assert sap(codes, THREE, AMOUNTS) == pytest.approx(1)
    assert votes(codes, THREE) == 100
    assert disentanglement(np.eye(3)).value == completeness(np.eye(3)).value == pytest.approx(1)
    assert informativeness(np.ones((7, 3), bool)).value == 100


def test_a_perfect_code_turned_by_45_degrees_has_none() -> None:
    assert mig(ROTATED, PAIR) == pytest.approx(0, abs=1e-12)  # each variable tells half a bit of each factor
    assert sap(ROTATED, PAIR, AMOUNTS[:2]) == pytest.approx(0, abs=1e-12)  # and has R² = 1/2 for each
    assert disentanglement(np.full((2, 2), 0.5)).value == pytest.approx(0, abs=1e-12)
    assert completeness(np.full((2, 2), 0.5)).value == pytest.approx(0, abs=1e-12)
    many = np.random.default_rng(1).random((20_000, 2))
    levels = (50 * many).astype(int)
    turned = levels @ np.array([[1.0, 1.0], [1.0, -1.0]])
    assert votes(turned, levels) == pytest.approx(50, abs=3)  # either variable, whichever factor is fixed


def test_a_third_factor_beside_two_that_are_turned_counts_a_third() -> None:
    factors = grid(2, 2, 4)
    codes = np.column_stack([factors[:, 0] + factors[:, 1], factors[:, 0] - factors[:, 1], factors[:, 2]]).astype(float)
    assert mig(codes, factors) == pytest.approx(1 / 3)
    assert sap(codes, factors, AMOUNTS) == pytest.approx(1 / 3)


def test_a_duplicated_variable_takes_the_gap_and_completeness_but_no_disentanglement() -> None:
    codes = THREE[:, [0, 0, 1, 2]].astype(float)
    assert mig(codes, THREE) == pytest.approx(2 / 3)
    assert sap(codes, THREE, AMOUNTS) == pytest.approx(2 / 3)
    assert votes(codes, THREE) == 100
    importances = np.array([[0.5, 0, 0], [0.5, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert disentanglement(importances).value == pytest.approx(1)
    assert completeness(importances).value == pytest.approx((2 + 1 - math.log(2) / math.log(4)) / 3)


def test_a_worthless_code_has_none_and_is_at_chance() -> None:
    factors, coins = HIDDEN[:, :3], HIDDEN[:, 3:].astype(float)
    assert mig(coins, factors) == pytest.approx(0, abs=1e-12)
    assert sap(coins, factors, AMOUNTS) == sap(coins, factors, ~AMOUNTS) == pytest.approx(0, abs=1e-12)
    assert disentanglement(np.full((4, 3), 0.25)).value == pytest.approx(0, abs=1e-12)
    noise = np.random.default_rng(2).normal(size=(len(factors), 4))
    assert votes(noise, factors) == pytest.approx(100 / 3, abs=6)
    with pytest.raises(Blank, match="no latent variable varies"):
        votes(np.ones((60, 2)), THREE)
    with pytest.raises(Blank, match="tells of a factor"):
        disentanglement(np.zeros((4, 3)))
    assert mig(np.ones((60, 2)), THREE) == sap(np.ones((60, 2)), THREE, AMOUNTS) == pytest.approx(0, abs=1e-12)


def test_a_noisy_second_variable_takes_what_it_tells() -> None:
    fair = grid(2, 2)  # a factor v, and a coin u; z_1 = v, z_2 = v and u
    codes, factor = np.column_stack([fair[:, 0], fair[:, 0] * fair[:, 1]]).astype(float), fair[:, :1]
    quarter = -(0.25 * math.log2(0.25) + 0.75 * math.log2(0.75))
    assert mig(codes, factor) == pytest.approx(1 - (quarter - 0.5))  # I(z_2; v) = H(z_2) - H(u) / 2 in bits
    assert sap(codes, factor, AMOUNTS[:1]) == pytest.approx(1 - 1 / 3)  # R² = (1/8)² / (3/16 · 1/4)


def test_the_gap_is_in_units_of_the_factors_entropy() -> None:
    factors = grid(4, 8)  # a variable tells one bit of the first, which has two; another all of the second
    codes = np.column_stack([factors[:, 0] // 2, factors[:, 1]]).astype(float)
    assert mig(codes, factors) == pytest.approx((1 / 2 + 1) / 2)


def test_a_variable_that_varies_least_by_chance_is_right_in_three_of_four() -> None:
    # z_1 is one factor, z_2 none, and another factor has no variable: fixed, it is either that varies least
    rng = np.random.default_rng(3)
    factors = rng.integers(50, size=(20_000, 2))
    codes = np.column_stack([factors[:, 0], rng.integers(50, size=20_000)]).astype(float)
    found = factor_vae_score(codes, factors, rng=rng)
    assert found.value == pytest.approx(75, abs=3) and found.n == 5000
    share = found.value / 100
    assert found.se == pytest.approx(100 * math.sqrt(share * (1 - share) / 5000))


def test_thresholds_tell_categories_apart_in_any_order() -> None:
    factors = grid(3, 5)
    categories = np.array([False, True])
    scrambled = np.column_stack([np.array([5.0, -1.0, 2.0])[factors[:, 0]], factors[:, 1]])
    assert sap(scrambled, factors, categories) == pytest.approx((1 - 1 / 3 + 1) / 2)  # the other variable is at chance
    one = np.column_stack([factors[:, 0] == 0, factors[:, 1]]).astype(float)  # one category of three is told apart
    assert sap(one, factors, categories) == pytest.approx((2 / 3 - 1 / 3 + 1) / 2)


def test_weights_of_dci_are_sums_of_importances() -> None:
    importances = np.array([[0.9, 0.0], [0.05, 0.0], [0.05, 0.0]])  # the second factor is not read at all
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.05)) / math.log(3)
    assert completeness(importances).value == pytest.approx(1 - entropy)
    assert disentanglement(importances).value == pytest.approx(1)
    unequal = np.array([[3.0, 0.0], [0.5, 0.5]])
    assert disentanglement(unequal).value == pytest.approx(3 / 4)  # a variable of weight 1/4 is for both


def test_informativeness_is_the_mean_over_factors_with_an_error_over_images() -> None:
    read = np.array([[True, True], [True, False], [False, False], [True, True]])
    found = informativeness(read)
    assert found.value == 62.5 and found.n == 4
    assert found.se == pytest.approx(np.std([100, 50, 0, 100], ddof=1) / 2)


def test_a_code_of_one_number_has_no_gap_and_no_completeness() -> None:
    one = THREE[:, :1].astype(float)
    for blank in (lambda: mig(one, THREE), lambda: sap(one, THREE, AMOUNTS), lambda: completeness(np.ones((1, 3)))):
        with pytest.raises(Blank, match="a code of one number"):
            blank()


def test_scores_are_those_of_disent() -> None:
    """disent 0.8.0 gives these of the same arrays: its `_compute_mig`, `_compute_sap` (continuous), `_disentanglement`,
    `_completeness`; `metric_factor_vae` of as many votes gives 88.8% of images drawn anew."""
    random = np.random.RandomState(7)
    factors = np.stack([random.randint(0, count, 3000) for count in (3, 4, 5)], axis=1)
    mixed = factors @ random.normal(size=(3, 6))
    codes = mixed + random.normal(size=(3000, 6))
    importances = random.dirichlet(np.full(6, 0.3), 3).T
    assert mig(codes, factors) == pytest.approx(0.17043714530432874, abs=1e-9)
    assert sap(codes, factors, AMOUNTS) == pytest.approx(0.16883102664720484, abs=1e-9)
    assert disentanglement(importances).value == pytest.approx(0.650526716136953, abs=1e-8)
    assert completeness(importances).value == pytest.approx(0.48480547756340353, abs=1e-8)
    assert votes(codes, factors) == pytest.approx(88.8, abs=1.5)
