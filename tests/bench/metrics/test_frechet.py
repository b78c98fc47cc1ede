"""The Fréchet distance against Gaussians whose distance is known, and against pytorch-fid."""

import numpy as np
import pytest

from bench.metrics.frechet import fd, frechet_distance, statistics
from bench.metrics.types import Blank, Measured


def distance_of(reference: np.ndarray, others: np.ndarray) -> Measured:
    return fd(*statistics(reference), others)


def covariance(seed: int, size: int) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(size, size))
    return root @ root.T


def test_one_dimensional_gaussians() -> None:
    one = np.ones(1)
    distance = frechet_distance(1.0 * one, 4.0 * np.eye(1), 4.0 * one, 25.0 * np.eye(1))
    assert distance == pytest.approx(3.0**2 + (2.0 - 5.0) ** 2)


def test_diagonal_gaussians_add_up_by_coordinate() -> None:
    s1, s2 = np.array([1.0, 2.0, 0.0]), np.array([3.0, 0.5, 2.0])
    zero = np.zeros(3)
    distance = frechet_distance(zero, np.diag(s1**2), zero, np.diag(s2**2))
    assert distance == pytest.approx(((s1 - s2) ** 2).sum())


def test_commuting_covariances_differ_by_their_roots() -> None:
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    a, b = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([5.0, 1.0, 2.0, 0.1, 3.0])
    distance = frechet_distance(np.zeros(5), (rotation * a**2) @ rotation.T, np.ones(5), (rotation * b**2) @ rotation.T)
    assert distance == pytest.approx(5.0 + ((a - b) ** 2).sum())


def test_two_by_two_covariances_that_do_not_commute() -> None:
    c1, c2 = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.5], [0.5, 1.0]])
    # tr sqrt(M) of a 2 x 2 matrix is sqrt(tr M + 2 sqrt(det M)); here tr C1 C2 = 3, det C1 C2 = 3/2
    expected = 3.0 + 2.0 - 2.0 * np.sqrt(3.0 + 2.0 * np.sqrt(1.5))
    assert frechet_distance(np.zeros(2), c1, np.zeros(2), c2) == pytest.approx(expected)


def test_distance_is_symmetric_and_zero_only_at_equality() -> None:
    mu1, mu2, c1, c2 = np.zeros(6), np.ones(6), covariance(1, 6), covariance(2, 6)
    assert frechet_distance(mu1, c1, mu2, c2) == pytest.approx(frechet_distance(mu2, c2, mu1, c1))
    assert frechet_distance(mu1, c1, mu1, c1) == pytest.approx(0.0, abs=1e-10)


def test_singular_covariances_of_orthogonal_directions() -> None:
    c1, c2 = np.diag([4.0, 0.0]), np.diag([0.0, 9.0])
    assert frechet_distance(np.zeros(2), c1, np.zeros(2), c2) == pytest.approx(13.0)


def test_fewer_images_than_features_still_gives_zero_against_itself() -> None:
    features = np.random.default_rng(3).normal(size=(20, 64))
    measured = distance_of(features, features)
    assert measured.value == pytest.approx(0.0, abs=1e-5)
    assert measured.n == 20


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")  # pytorch-fid calls scipy the old way
@pytest.mark.parametrize("n", [40, 500])
def test_agrees_with_pytorch_fid(n: int) -> None:
    from bench.evaluation.features.inception import import_torchvision

    import_torchvision()
    from pytorch_fid.fid_score import calculate_frechet_distance

    generator = np.random.default_rng(n)
    a = generator.normal(size=(n, 16))
    b = generator.normal(size=(n, 16)) @ covariance(4, 16) / 16 + 0.3
    theirs = calculate_frechet_distance(a.mean(0), np.cov(a, rowvar=False), b.mean(0), np.cov(b, rowvar=False))
    assert distance_of(a, b).value == pytest.approx(float(theirs), rel=1e-9)


def test_a_shift_of_all_features_costs_its_squared_length() -> None:
    features = np.random.default_rng(5).normal(size=(300, 4)).astype(np.float32)
    measured = distance_of(features, features[:200] + np.float32(2.0))
    same_images = distance_of(features, features + np.float32(2.0))
    assert same_images.value == pytest.approx(16.0, rel=1e-5)
    assert measured.n == 200


def test_statistics_are_those_of_numpy_and_need_two_images() -> None:
    features = np.array([[0.0], [2.0]])
    mu, cov = statistics(features)
    assert (mu.tolist(), cov.tolist()) == ([1.0], [[2.0]])
    with pytest.raises(Blank, match="two images"):
        statistics(features[:1])


def test_statistics_in_chunks_are_those_of_the_whole() -> None:
    features = np.random.default_rng(7).normal(size=(2500, 6)).astype(np.float32) + 100
    mu, cov = statistics(features)
    exact = features.astype(np.float64)
    np.testing.assert_allclose(mu, exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(cov, np.cov(exact, rowvar=False), rtol=1e-9, atol=1e-12)


def test_features_that_are_not_finite_are_no_measurement() -> None:
    features = np.random.default_rng(6).normal(size=(10, 3))
    broken = features.copy()
    broken[0, 0] = np.nan
    with pytest.raises(ValueError):  # LinAlgError or ours, both are ValueError
        distance_of(features, broken)
