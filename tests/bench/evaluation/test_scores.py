"""Inception scores of known class probabilities, and the toy data with its exact classifier."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bench.data import image_shape, load
from bench.data.drawn.mixture import CENTRES, VARIANCE, posterior
from bench.errors import BadInput
from bench.evaluation.features.score_classifier import RECIPES, Recipe, ScoreClassifier, _moved, score_classifier
from bench.metrics.inception_score import classifier_accuracy, inception_score
from bench.metrics.pixels import mse
from bench.metrics.types import Blank


def certain(classes: list[int], k: int = 5) -> np.ndarray:
    return np.eye(k)[classes]


def test_samples_that_are_certain_and_even_score_the_number_of_classes() -> None:
    found = inception_score(certain([0, 1, 2, 3, 4] * 20))
    assert found.value == pytest.approx(5, abs=1e-12) and found.se == pytest.approx(0, abs=1e-12)
    assert found.n == 100


def test_samples_of_which_nothing_can_be_told_score_one() -> None:
    assert inception_score(np.full((100, 5), 0.2)).value == pytest.approx(1, abs=1e-12)


def test_samples_of_one_class_score_one_and_of_two_classes_two() -> None:
    assert inception_score(certain([3] * 100)).value == pytest.approx(1, abs=1e-12)
    assert inception_score(certain([1, 3] * 50)).value == pytest.approx(2, abs=1e-12)


def test_the_score_is_the_exponential_of_the_mutual_information() -> None:
    p = np.array([[0.9, 0.1], [0.2, 0.8]])  # two kinds of samples, evenly: p(y) = (0.55, 0.45)
    information = 0.5 * (p * np.log(p / p.mean(0))).sum()
    assert inception_score(np.tile(p, (50, 1))).value == pytest.approx(np.exp(information))


def test_the_score_is_the_mean_over_ten_splits_and_its_error_that_of_a_mean() -> None:
    # five splits of one class, which score 1, and five of two classes, which score 2
    found = inception_score(certain([0] * 50 + [1, 2] * 25))
    assert found.value == pytest.approx(1.5)
    assert found.se == pytest.approx(np.sqrt(10 * 0.25 / 9) / np.sqrt(10))
    accuracy = classifier_accuracy(certain([0, 1, 1, 1]), np.array([0, 1, 1, 2]))
    assert (accuracy.se, accuracy.n) == (pytest.approx(100 * np.sqrt(0.75 * 0.25 / 4)), 4)


def test_few_samples_make_one_split_without_an_error() -> None:
    found = inception_score(certain([0, 1, 2, 3, 4]))
    assert found.value == pytest.approx(5) and found.se is None


def test_accuracy_and_error_are_means() -> None:
    assert classifier_accuracy(certain([0, 1, 1, 1]), np.array([0, 1, 1, 2])).value == 75
    x = np.zeros((3, 1, 1, 2), np.float32)
    assert mse(x, x + np.array([1, 2], np.float32)).value == pytest.approx(2.5)
    assert mse(np.full((2, 1, 2, 2), 255, np.uint8), np.zeros((2, 1, 2, 2), np.float32)).value == 1


def test_the_toy_points_are_five_gaussians_of_variance_0_04() -> None:
    data = load("toy-mixture")
    assert [len(s) for s in (data.train, data.validation, data.test)] == [2048, 128, 1024]
    assert data.shape == image_shape("toy-mixture") == (1, 1, 2) and data.train.images.dtype == np.float32
    for label, centre in enumerate(CENTRES):
        points = data.train.images[data.train.labels == label].reshape(-1, 2)
        assert abs(len(points) - 2048 / 5) < 4 * np.sqrt(2048 * 0.16)
        assert np.abs(points.mean(0) - centre).max() < 4 * np.sqrt(VARIANCE / len(points))
        assert np.abs(points.var(0) / VARIANCE - 1).max() < 4 * np.sqrt(2 / len(points))
    assert data.sha256 == load("toy-mixture").sha256
    with pytest.raises(BadInput, match="setting of toy-mixture"):
        load("toy-mixture", settings={"pixels": "binary"})


def test_the_toy_classifier_is_bayes_rule_and_true_points_score_nearly_five() -> None:
    data = load("toy-mixture")
    point = np.array([[[[0.6, 0.5]]]])
    densities = np.exp(-((point.reshape(1, 2) - CENTRES) ** 2).sum(1) / (2 * VARIANCE))
    np.testing.assert_allclose(posterior(point)[0], densities / densities.sum())
    np.testing.assert_allclose(posterior(np.full((1, 1, 1, 2), 1e4)), certain([1]))  # far away too
    assert data.class_probabilities is not None
    assert 4.8 < inception_score(data.class_probabilities(data.test.images)).value <= 5


def test_the_scores_classifier_learns_is_kept_and_refuses_what_has_no_classes(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("bench.evaluation.features.score_classifier.LEAST_STEPS", 0)
    monkeypatch.setitem(RECIPES, "small", Recipe(epochs=1, copies=1, batch=50, rate=1e-3))
    digits = load("digits")
    score_classifier.cache_clear()
    before = torch.get_rng_state()
    first = score_classifier(digits, "small", "cpu").probabilities(digits.test.images)
    assert torch.equal(before, torch.get_rng_state())
    assert classifier_accuracy(first, digits.test.labels).value > 70
    np.testing.assert_allclose(first.sum(1), 1, rtol=1e-5)
    score_classifier.cache_clear()
    monkeypatch.setattr("bench.evaluation.features.score_classifier._train", None)  # it is read, not trained again
    np.testing.assert_array_equal(score_classifier(digits, "small", "cpu").probabilities(digits.test.images), first)
    unlabelled = replace(digits.train, labels=np.full_like(digits.train.labels, -1))
    with pytest.raises(Blank, match="missing"):
        score_classifier(replace(digits, train=unlabelled), "small", "cpu")


def test_moved_copies_are_the_same_picture_nearby() -> None:
    x = torch.zeros(20, 1, 28, 28)
    x[:, :, 10:18, 10:18] = 255
    torch.manual_seed(0)
    moved = _moved(x)
    assert moved.shape == x.shape
    rows = torch.arange(28.0)
    for axis in (2, 3):
        weight = moved.sum(dim=(1, 5 - axis))
        centre = (weight * rows).sum(1) / weight.sum(1)
        assert float((centre - 13.5).abs().max()) <= 2.5
    assert len({m.numpy().tobytes() for m in moved}) == len(moved)  # each is moved in a way of its own


def test_the_classifier_is_that_of_the_published_code() -> None:
    shapes = [tuple(p.shape) for p in ScoreClassifier((1, 28, 28), 10).parameters() if p.ndim > 1]
    assert shapes == [(32, 1, 5, 5), (64, 32, 5, 5), (1024, 3136), (10, 1024)]
