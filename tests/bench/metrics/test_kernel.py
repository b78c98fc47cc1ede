"""The kernel distance against enumeration, exact moments and scikit-learn's kernel."""

from itertools import combinations

import numpy as np
import pytest

from bench.metrics import kernel
from bench.metrics.kernel import SUBSETS, cubic_kernel, jackknife_variance, kd, scaled_kd, unbiased_mmd
from bench.metrics.types import Blank, Measured


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_kernel_is_the_cubic_polynomial_of_gamma_one_over_the_dimension() -> None:
    from sklearn.metrics.pairwise import polynomial_kernel

    x, y = normal(0, 7, 5), normal(1, 4, 5)
    np.testing.assert_allclose(cubic_kernel(x, y), polynomial_kernel(x, y, degree=3, gamma=1 / 5, coef0=1), rtol=1e-12)


def test_two_and_two_numbers_by_hand() -> None:
    x, y = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    # k(0, 1) = 1, k(2, 3) = 7^3, and across (1 + 1 + 3^3 + 4^3) / 4
    assert unbiased_mmd(x, y) == pytest.approx(1 + 343 - 2 * (1 + 1 + 27 + 64) / 4)


def test_mean_over_all_subsets_is_the_estimate_of_the_whole() -> None:
    x, y = normal(2, 5, 3), normal(3, 6, 3) + 0.5
    subsets = [
        unbiased_mmd(x[list(a)], y[list(b)]) for a in combinations(range(5), 3) for b in combinations(range(6), 2)
    ]
    assert np.mean(subsets) == pytest.approx(unbiased_mmd(x, y), rel=1e-12)


def moments(mu: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first three raw moments of N(mu, sigma^2 I): [F], [F, F], [F, F, F]."""
    eye = sigma**2 * np.eye(len(mu))
    third = np.einsum("i,j,k->ijk", mu, mu, mu)
    third = third + sum(
        np.einsum(f"{axes},{rest}->ijk", eye, mu) for axes, rest in (("ij", "k"), ("ik", "j"), ("jk", "i"))
    )
    return mu, eye + np.outer(mu, mu), third


def mean_kernel(p: tuple[np.ndarray, ...], q: tuple[np.ndarray, ...]) -> float:
    """E (x . y / F + 1)^3 of independent x and y from their raw moments."""
    f = len(p[0])
    first, second, third = ((a * b).sum() / f**order for order, (a, b) in enumerate(zip(p, q, strict=True), 1))
    return float(third + 3 * second + 3 * first + 1)


def test_two_gaussians_come_out_as_their_moments_say() -> None:
    mu, nu = np.array([0.5, -0.2, 1.0]), np.array([0.1, 0.4, 0.3])
    p, q = moments(mu, 1.0), moments(nu, 0.7)
    exact = mean_kernel(p, p) + mean_kernel(q, q) - 2 * mean_kernel(p, q)
    found = [unbiased_mmd(normal(i, 60, 3) + mu, 0.7 * normal(10_000 + i, 60, 3) + nu) for i in range(400)]
    se = np.std(found, ddof=1) / 20
    assert abs(np.mean(found) - exact) < 4 * se
    assert exact > 10 * se  # the claim could fail


def test_equal_distributions_have_mean_zero_where_the_biased_estimate_has_not() -> None:
    pairs = [(normal(i, 30, 4), normal(10_000 + i, 30, 4)) for i in range(400)]
    found = np.array([unbiased_mmd(x, y) for x, y in pairs])
    biased = np.array(
        [cubic_kernel(x, x).mean() + cubic_kernel(y, y).mean() - 2 * cubic_kernel(x, y).mean() for x, y in pairs]
    )
    se = found.std(ddof=1) / 20
    assert abs(found.mean()) < 4 * se
    assert biased.mean() > 20 * se
    assert (found < 0).any()


def test_distance_is_a_thousand_times_the_mean_over_subsets() -> None:
    x, y = normal(4, 1500, 2), normal(5, 1200, 2) + 0.3
    found = kd(x, y, rng=np.random.default_rng(0))
    exact = 1000 * (
        mean_kernel(moments(np.zeros(2), 1.0), moments(np.zeros(2), 1.0))
        + mean_kernel(moments(np.full(2, 0.3), 1.0), moments(np.full(2, 0.3), 1.0))
        - 2 * mean_kernel(moments(np.zeros(2), 1.0), moments(np.full(2, 0.3), 1.0))
    )
    assert found.n == 1200
    assert found.se is not None
    assert found.value == pytest.approx(1000 * unbiased_mmd(x, y), abs=5 * found.se)
    assert found.value == pytest.approx(exact, rel=0.25)


def left_out(x: np.ndarray, y: np.ndarray) -> float:
    """The jackknife's variance, each estimate computed anew."""
    of_x = [unbiased_mmd(np.delete(x, i, 0), y) for i in range(len(x))]
    of_y = [unbiased_mmd(x, np.delete(y, j, 0)) for j in range(len(y))]
    return sum((len(of) - 1) ** 2 / len(of) * float(np.var(of, ddof=1)) for of in (of_x, of_y))


@pytest.mark.parametrize(("n", "m"), [(3, 3), (7, 4), (5, 9)])
def test_variance_is_that_of_estimates_that_leave_one_row_out(n: int, m: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = normal(6, n, 2), normal(7, m, 2) + 0.4
    assert jackknife_variance(x, y) == pytest.approx(left_out(x, y), rel=1e-10)
    monkeypatch.setattr(kernel, "ROWS_AT_ONCE", 2)
    assert jackknife_variance(x, y) == pytest.approx(left_out(x, y), rel=1e-10)


def test_standard_error_has_the_draw_of_both_sets_and_of_the_subsets() -> None:
    x, y = normal(6, 1010, 1), normal(7, 1010, 1)
    found = kd(x, y, rng=np.random.default_rng(3))
    again = np.random.default_rng(3)
    draws = [(again.choice(1010, 1000, replace=False), again.choice(1010, 1000, replace=False)) for _ in range(SUBSETS)]
    values = [1000 * unbiased_mmd(x[a], y[b]) for a, b in draws]
    assert found.value == pytest.approx(np.mean(values))
    variance = 1e6 * jackknife_variance(x, y) + np.var(values, ddof=1) / SUBSETS
    assert found.se == pytest.approx(np.sqrt(variance))


@pytest.mark.parametrize(("n", "m"), [(100, 100), (60, 90)])  # the whole of both sets; subsets
@pytest.mark.parametrize("shift", [0.0, 0.1, 0.4])
def test_intervals_hold_the_distance_of_the_distributions_as_often_as_they_say(
    shift: float, n: int, m: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "SUBSETS", 20)
    p, q = moments(np.zeros(3), 1.0), moments(np.full(3, shift), 1.0)
    exact = 1000 * (mean_kernel(p, p) + mean_kernel(q, q) - 2 * mean_kernel(p, q))
    rng, found = np.random.default_rng(0), []
    for _ in range(300):
        x, y = rng.normal(size=(n, 3)), rng.normal(size=(m, 3)) + shift
        found.append(kd(x, y, rng=rng))
    held = np.mean([abs(f.value - exact) < 1.96 * (f.se or 0.0) for f in found])
    assert 0.90 <= held <= 0.99


def test_small_sets_give_one_estimate() -> None:
    x, y = normal(8, 40, 3), normal(9, 40, 3) + 1
    found = kd(x.astype(np.float32), y.astype(np.float32), rng=np.random.default_rng(0))
    assert found.value == pytest.approx(1000 * unbiased_mmd(x, y), rel=1e-5)
    assert found.se == pytest.approx(1000 * np.sqrt(jackknife_variance(x, y)), rel=1e-5)
    assert found.n == 40
    assert kd(x[:3], y, rng=np.random.default_rng(0)).se is not None
    assert kd(x[:2], y, rng=np.random.default_rng(0)).se is None  # one row has no estimate


def test_a_distance_of_scaled_features_does_not_depend_on_their_unit() -> None:
    x, y = normal(10, 40, 3), normal(11, 40, 3) + 1

    def of(unit: float) -> Measured:
        return scaled_kd(unit * x, unit * y, np.array([2 * unit]), rng=np.random.default_rng(0))

    assert of(1.0) == kd(x / 2, y / 2, rng=np.random.default_rng(0))
    assert of(1000.0).value == pytest.approx(of(1.0).value, rel=1e-9)
    with pytest.raises(Blank, match="are 0"):
        scaled_kd(x, y, np.zeros(1), rng=np.random.default_rng(0))


def test_one_image_has_no_distance() -> None:
    with pytest.raises(Blank, match="two images"):
        kd(normal(0, 5, 2), normal(1, 1, 2), rng=np.random.default_rng(0))
