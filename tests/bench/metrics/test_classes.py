"""How evenly samples are spread, on histograms counted by hand."""

import numpy as np
import pytest

from bench.metrics.classes import agreement, class_tv


def tv(reference: list[int], samples: list[int]) -> float:
    return class_tv(np.array(reference), np.array(samples)).value


def test_equal_shares_have_no_distance_whatever_the_numbers() -> None:
    assert tv([0, 1, 2, 2], [2, 0, 2, 1, 2, 1, 0, 2]) == 0.0


def test_one_class_of_ten_is_nine_tenths_away_from_all() -> None:
    assert tv(list(range(10)), [3] * 5) == pytest.approx(0.9)


def test_no_class_in_common_is_one() -> None:
    assert tv([0, 0, 1], [2, 7]) == 1.0


def test_half_the_sum_of_differences() -> None:
    assert tv([0, 0, 1, 2], [0, 1, 1, 1]) == pytest.approx((0.25 + 0.5 + 0.25) / 2)
    assert class_tv(np.zeros(3, int), np.zeros(8, int)).n == 8


def test_agreement_is_a_percentage_with_the_error_of_a_proportion() -> None:
    found = agreement(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 0]))
    assert (found.value, found.n) == (75, 4)
    assert found.se == pytest.approx(100 * (0.75 * 0.25 / 4) ** 0.5)
