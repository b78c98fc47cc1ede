"""Probes tried on a perfect, a worthless and a duplicated representation."""

import numpy as np
import pytest

from bench.metrics import PROBES
from bench.metrics.probes import probe_accuracy
from bench.metrics.types import Blank, Measured

CLASSES = 4
TRAIN, TEST = (
    np.random.default_rng(0).integers(CLASSES, size=2000),
    np.random.default_rng(1).integers(CLASSES, size=400),
)


def one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(CLASSES, dtype=np.float32)[labels]


def noisy(labels: np.ndarray, seed: int) -> np.ndarray:
    return one_hot(labels) + 0.4 * np.random.default_rng(seed).normal(size=(len(labels), CLASSES)).astype(np.float32)


def accuracy(train: np.ndarray, test: np.ndarray, probe: str, seed: int = 0) -> Measured:
    return probe_accuracy(train, TRAIN, test, TEST, setting={"probe": probe}, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("probe", PROBES)
def test_perfect_representation_is_read_without_error(probe: str) -> None:
    assert accuracy(one_hot(TRAIN), one_hot(TEST), probe) == Measured(100.0, 0.0, 400)


@pytest.mark.parametrize("probe", PROBES)
def test_worthless_representation_is_read_at_chance(probe: str) -> None:
    noise = np.random.default_rng(2)
    measured = accuracy(noise.normal(size=(2000, 3)), noise.normal(size=(400, 3)), probe)
    assert measured.value == pytest.approx(25.0, abs=8.0)  # four standard errors
    assert measured.se == pytest.approx(100 * np.sqrt(0.25 * 0.75 / 400), rel=0.1)


def test_collapsed_representation_gives_the_commonest_class() -> None:
    measured = accuracy(np.zeros((2000, 3)), np.zeros((400, 3)), "linear")
    assert measured.value == pytest.approx(100 * (TEST == np.bincount(TRAIN).argmax()).mean())


@pytest.mark.parametrize("probe", PROBES)
def test_duplicated_representation_is_read_as_well_as_the_single_one(probe: str) -> None:
    train, test = noisy(TRAIN, 3), noisy(TEST, 4)
    single = accuracy(train, test, probe).value
    double = accuracy(np.hstack([train, train]), np.hstack([test, test]), probe).value
    assert 80.0 < single < 99.0
    assert double == pytest.approx(single, abs=2.0)


def test_linear_probe_does_not_mind_the_scale_of_a_latent_unit() -> None:
    train, test = noisy(TRAIN, 3), noisy(TEST, 4)
    scale = np.array([1e-3, 1.0, 50.0, 1e3], dtype=np.float32)
    assert accuracy(train * scale, test * scale, "linear").value == pytest.approx(
        accuracy(train, test, "linear").value, abs=0.3
    )


def test_hidden_layer_reads_what_no_linear_probe_can() -> None:
    corners = np.random.default_rng(5).integers(2, size=(2400, 2))
    codes = corners - 0.5 + 0.05 * np.random.default_rng(6).normal(size=(2400, 2))
    labels = corners[:, 0] ^ corners[:, 1]
    arrays = (codes[:2000], labels[:2000], codes[2000:], labels[2000:])
    linear = probe_accuracy(*arrays, setting={"probe": "linear"}, rng=np.random.default_rng(0))
    hidden = probe_accuracy(*arrays, setting={"probe": "mlp100"}, rng=np.random.default_rng(0))
    assert linear.value < 70.0
    assert hidden.value == 100.0


def test_seed_fixes_the_probe() -> None:
    train, test = noisy(TRAIN, 3), noisy(TEST, 4)
    assert accuracy(train, test, "mlp100", seed=3) == accuracy(train, test, "mlp100", seed=3)


def test_attributes_and_single_classes_are_blank_with_the_reason() -> None:
    codes, attributes = np.zeros((4, 2)), np.zeros((4, 40), dtype=int)
    rng = np.random.default_rng(0)
    with pytest.raises(Blank, match="labels are attributes, not classes"):
        probe_accuracy(codes, attributes, codes, attributes, setting={"probe": "linear"}, rng=rng)
    with pytest.raises(Blank, match="one class"):
        probe_accuracy(codes, attributes[:, 0], codes, attributes[:, 0], setting={"probe": "linear"}, rng=rng)
