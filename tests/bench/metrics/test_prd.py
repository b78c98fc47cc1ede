"""Precision and recall for distributions, on histograms and features whose curves are known."""

import numpy as np
import pytest

from bench.metrics.prd import ANGLES, CLUSTERS, curve_of_histograms, f1_8, f8, f_beta, prd_curve
from bench.metrics.types import Blank


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def points(*modes: int, each: int = 20) -> np.ndarray:
    """`each` copies of the corners of a simplex."""
    return np.repeat(10.0 * np.eye(12)[list(modes)], each, axis=0)


def scores(reference: np.ndarray, samples: np.ndarray) -> tuple[float, float]:
    """F8 (recall) and F1/8 (precision)."""
    curve = prd_curve(reference, samples, rng())
    return f8(curve, samples).value, f1_8(curve, samples).value


def f(beta: float, precision: float, recall: float) -> float:
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def test_each_run_has_clusters_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.metrics.prd.RUNS", 2)
    reference, samples = np.random.default_rng(1).normal(size=(2, 60, 2))  # of equal size: nothing is thinned
    one, same, other = (prd_curve(reference, samples, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_disjoint_supports_have_neither() -> None:
    assert scores(points(*range(6)), points(*range(6, 12))) == (0.0, 0.0)


def test_the_same_images_have_both() -> None:
    images = np.random.default_rng(1).normal(size=(200, 5)).astype(np.float32)
    assert scores(images, images) == pytest.approx((1.0, 1.0), abs=1e-9)


def test_samples_of_half_the_modes_lack_recall() -> None:
    recall, precision = scores(points(*range(8), each=10), points(*range(4), each=20))
    # lambda = 2 attains precision 1 and recall 1/2, and no other lambda more of either
    assert recall == pytest.approx(f(8, 1, 0.5), abs=2e-3)
    assert precision == pytest.approx(f(1 / 8, 1, 0.5), abs=2e-3)
    assert recall < 0.51 and precision > 0.98


def test_samples_half_of_which_are_no_data_lack_precision() -> None:
    recall, precision = scores(points(*range(4), each=20), points(*range(8), each=10))
    assert recall == pytest.approx(f(8, 0.5, 1), abs=2e-3)
    assert precision == pytest.approx(f(1 / 8, 0.5, 1), abs=2e-3)
    assert recall > 0.98 and precision < 0.51


def test_half_the_modes_and_half_of_the_samples_good_is_one_half_of_both() -> None:
    curve = curve_of_histograms(np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5]))
    assert curve.max(axis=1) == pytest.approx([0.5, 0.5])
    assert f_beta(curve, 8.0) == pytest.approx(0.5) == f_beta(curve, 1 / 8)


def histogram(rng: np.random.Generator) -> np.ndarray:
    """Return shares of six clusters, some of them often 0."""
    counts = rng.integers(1, 21, 6) * (rng.random(6) < 0.7)
    counts[rng.integers(6)] += 1
    return counts / counts.sum()


@pytest.mark.parametrize("seed", range(50))
def test_curve_is_the_definition_and_the_roles_swap(seed: int) -> None:
    p, q = (histogram(np.random.default_rng([seed, k])) for k in (0, 1))
    curve = curve_of_histograms(p, q)
    assert curve.shape == (2, ANGLES)
    assert ((0 <= curve) & (curve <= 1)).all()
    for index in (1, 250, 500, 999):
        slope = np.tan(np.pi / 2 * index / (ANGLES - 1))
        assert curve[0, index] == pytest.approx(sum(min(slope * a, b) for a, b in zip(p, q, strict=True)), abs=1e-6)
        assert curve[1, index] == pytest.approx(sum(min(a, b / slope) for a, b in zip(p, q, strict=True)), abs=1e-6)
    # the largest precision is the share of samples on the data's support, the largest recall the reverse
    assert curve.max(axis=1) == pytest.approx([q[p > 0].sum(), p[q > 0].sum()], abs=1e-6)
    np.testing.assert_allclose(curve_of_histograms(q, p), curve[::-1, ::-1], atol=1e-6)
    assert curve[0, ANGLES // 2] == pytest.approx(1 - np.abs(p - q).sum() / 2, abs=1e-6)  # lambda = 1


def test_scores_weigh_recall_and_precision_as_their_names_say() -> None:
    curve = np.array([[0.9], [0.3]])
    assert f_beta(curve, 8.0) == pytest.approx(f(8, 0.9, 0.3))
    assert f_beta(curve, 8.0) < 0.31 and f_beta(curve, 1 / 8) > 0.86
    samples = np.zeros((7, 2))
    assert f8(curve, samples).value == f_beta(curve, 8.0)
    assert f1_8(curve, samples).n == 7


def test_the_larger_set_is_thinned_and_the_seed_fixes_the_curve() -> None:
    generator = np.random.default_rng(2)
    reference, samples = generator.normal(size=(150, 4)), generator.normal(size=(90, 4)) + 0.5
    one, same = (prd_curve(reference, samples, rng()) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, prd_curve(reference, samples, np.random.default_rng(1)))


def test_fewer_images_than_clusters_are_not_enough() -> None:
    with pytest.raises(Blank, match=f"at least {CLUSTERS}"):
        prd_curve(np.zeros((50, 2)), np.zeros((CLUSTERS - 1, 2)), rng())
