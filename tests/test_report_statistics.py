"""Intervals against values worked out by hand."""

import math

import pytest

from report.statistics import paired_interval, t_interval


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


def test_equal_differences_leave_t_nothing_to_measure() -> None:
    interval = paired_interval({0: 0.1, 1: 0.2, 2: 0.3}, {0: 1.1, 1: 1.2, 2: 1.3})
    assert interval is not None
    assert interval.half_width == 0.0
    assert not interval.resolved
