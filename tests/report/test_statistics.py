"""Intervals against values worked out by hand."""

import math

import numpy as np
import pytest

from report.statistics import (
    fdr_level,
    paired_interval,
    seeds_to_resolve,
    t_interval,
    t_p_value,
)


def test_interval_of_three_values() -> None:
    mean, half_width = t_interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)  # t(0.975, 2) = 4.302653, s = 1


def test_one_value_has_no_interval() -> None:
    assert t_interval([5.0]) == (5.0, None)
    assert not t_interval([5.0]).resolved


def test_nothing_cannot_be_averaged() -> None:
    with pytest.raises(ValueError, match="no values"):
        t_interval([])


@pytest.mark.parametrize(("shift", "resolved"), [(2.49, True), (2.48, False), (-2.49, True), (-2.48, False)])
def test_difference_is_resolved_just_beyond_its_half_width(shift: float, resolved: bool) -> None:
    a = {0: 0.0, 1: 0.0, 2: 0.0}
    b = {0: shift - 1, 1: shift, 2: shift + 1}  # half-width 4.302653 / sqrt(3) = 2.4841
    interval = paired_interval(a, b)
    assert interval is not None
    assert interval.resolved is resolved


def test_pairing_removes_what_seeds_share() -> None:
    a = {0: 10.0, 1: 20.0, 2: 30.0}
    b = {0: 11.0, 1: 21.1, 2: 30.9}
    interval = paired_interval(a, b)
    assert interval is not None
    assert interval.resolved
    assert interval.mean == pytest.approx(1.0)


def test_only_shared_seeds_are_paired() -> None:
    assert paired_interval({0: 1.0, 1: 2.0}, {1: 3.0, 2: 9.0}) is None
    interval = paired_interval({0: 1.0, 1: 2.0, 7: 100.0}, {0: 2.0, 1: 5.0, 8: -100.0})
    assert interval is not None
    assert interval.mean == 2.0


def test_values_that_are_equal_up_to_rounding_have_no_spread() -> None:
    assert 0.1 + 0.2 != 0.3
    assert t_interval([0.3, 0.1 + 0.2, 0.3]) == (pytest.approx(0.3), 0.0)
    assert t_interval([-0.3, -(0.1 + 0.2), -0.3]).half_width == 0.0
    assert t_p_value([0.3, 0.1 + 0.2, 0.3], 0.3) == 1.0
    small = t_interval([1e-9, 2e-9, 3e-9]).half_width
    assert small == pytest.approx(1e-9 * 4.302653 / math.sqrt(3), rel=1e-6)  # the rule is about the mean's own size


def test_equal_differences_leave_t_nothing_to_measure() -> None:
    first, second = {0: 0.1, 1: 0.2, 2: 0.3}, {0: 0.4, 1: 0.5, 2: 0.6}
    assert len({second[seed] - first[seed] for seed in first}) > 1  # equal but for their rounding
    interval = paired_interval(first, second)
    assert interval is not None
    assert interval.half_width == 0.0
    assert not interval.resolved


@pytest.mark.parametrize("distance", [0.0, 0.5, 2.0, 30.0])
def test_p_value_over_three_seeds_is_its_closed_form(distance: float) -> None:
    x = distance * math.sqrt(3)  # s = 1; with two degrees of freedom P(|T| > x) = 1 - x / sqrt(2 + x²)
    assert t_p_value([4.0, 5.0, 6.0], distance) == pytest.approx(1 - x / math.sqrt(2 + x * x), abs=1e-12)


def test_interval_reaches_a_value_just_as_its_p_value_reaches_the_level() -> None:
    values, p = [4.0, 5.0, 6.5, 7.0], t_p_value([4.0, 5.0, 6.5, 7.0], 2.0)
    assert t_interval(values, 1 - p).half_width == pytest.approx(2.0)


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0, 5.0]])
def test_without_a_spread_nothing_is_significant(values: list[float]) -> None:
    assert t_p_value(values, 100.0) == 1.0


@pytest.mark.parametrize(
    ("p_values", "level"),
    [
        ([0.9], 0.05),
        ([0.04, 0.001, 0.02], 0.05),  # all accepted
        ([0.06, 0.001, 0.03], 0.05 * 2 / 3),  # the third is above its 0.05
        ([0.06, 0.04, 0.035], 0.05 / 3),  # none: as strict as for one
        ([0.012, 0.03, 0.035, 0.9], 0.05 * 3 / 4),  # the second is above its own 0.025, the third below its 0.0375
    ],
)
def test_level_of_a_family_at_the_false_discovery_rate(p_values: list[float], level: float) -> None:
    assert fdr_level(np.array(p_values)) == pytest.approx(level)


def test_the_familys_level_accepts_what_the_textbook_form_does() -> None:
    rng = np.random.default_rng(0)
    p = np.sort(rng.uniform(0, 0.12, (500, 5)), axis=1)
    below = p <= 0.05 * np.arange(1, 6) / 5
    accepted = np.where(below.any(axis=1), 5 - below[:, ::-1].argmax(axis=1), 0)
    np.testing.assert_array_equal((p <= fdr_level(p)).sum(axis=1), accepted)


@pytest.mark.parametrize(
    ("spread", "distance", "alpha", "seeds"),
    [
        (1.0, 2.49, 0.05, 3),  # t(0.975, 2) / sqrt(3) = 2.484
        (1.0, 2.48, 0.05, 4),
        (1.0, 1.0, 0.05, 7),  # t(0.975, 6) / sqrt(7) = 0.925, t(0.975, 5) / sqrt(6) = 1.049
        (2.0, 2.0, 0.05, 7),  # only their ratio counts
        (1.0, 0.1, 0.05, 387),  # (1.96 / 0.1)² = 384 and a little for the degrees of freedom
        (1.0, 0.0, 0.05, None),
    ],
)
def test_seeds_that_would_resolve(spread: float, distance: float, alpha: float, seeds: int | None) -> None:
    assert seeds_to_resolve(spread, distance, alpha) == seeds
