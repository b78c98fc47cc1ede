"""Intervals against values worked out by hand."""

import math

import numpy as np
import pytest

from report.statistics import (
    bootstrap_interval,
    holm_levels,
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
    ("p_values", "levels"),
    [
        ([], []),
        ([0.9], [0.05]),
        ([0.04, 0.001, 0.02], [0.05, 0.05 / 3, 0.025]),  # all rejected
        ([0.04, 0.001, 0.03], [0.025, 0.05 / 3, 0.025]),  # stops at the second
        ([0.04, 0.02, 0.03], [0.05 / 3] * 3),  # stops at the first, though 0.04 < 0.05
    ],
)
def test_holms_levels(p_values: list[float], levels: list[float]) -> None:
    assert holm_levels(p_values) == pytest.approx(levels)


def test_holm_rejects_as_its_textbook_form_does() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        p = np.sort(rng.uniform(0, 0.08, rng.integers(1, 6)))
        rejected = 0
        while rejected < len(p) and p[rejected] < 0.05 / (len(p) - rejected):
            rejected += 1
        assert [x < level for x, level in zip(p, holm_levels(p), strict=True)] == [i < rejected for i in range(len(p))]


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


def test_bootstrap_of_two_values_has_three_means() -> None:
    """Of 0 and 1 the resampled means are 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4."""
    assert bootstrap_interval([0.0, 1.0], 0.95) == (0.0, 1.0)
    assert bootstrap_interval([0.0, 1.0], 0.4) == (0.5, 0.5)


def test_bootstrap_covers_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        low, high = bootstrap_interval(rng.normal(7.0, 2.0, 20).tolist(), 0.95, resamples=400)
        hits += low < 7.0 < high
    assert 0.88 < hits / 300 < 0.98  # a little below 0.95: the percentile bootstrap has no t in it
