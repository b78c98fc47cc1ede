"""The small classifier: it learns, is a function of data and seed, fits any image size, and comes back from disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data.eight_bit import to_uint8
from bench.data.types import ImageDataset, Split
from bench.errors import BadInput, Blank
from bench.evaluation.features.classifier import (
    N_FEATURES,
    SmallClassifier,
    cached_classifier,
    fingerprint,
    train_classifier,
)
from bench.evaluation.features.label_reader import readings
from bench.evaluation.features.networks import FeatureNetworks
from bench.evaluation.features.score_classifier import score_classifier
from bench.evaluation.features.stored_network import kept_network
from bench.metrics.frechet import fd, statistics
from bench.system import checked


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    return np.rint(bunch.images * (255 / 16)).astype(np.uint8)[order, None], bunch.target[order]


@pytest.fixture(scope="module")
def learned(digits: tuple[np.ndarray, np.ndarray]) -> SmallClassifier:
    images, labels = digits
    return train_classifier(images[:1200], labels[:1200], 10, seed=0)


def test_learns_digits(digits: tuple[np.ndarray, np.ndarray], learned: SmallClassifier) -> None:
    images, labels = digits
    assert learned.accuracy(images[1437:], labels[1437:]) >= 0.96


def test_features_tell_noise_from_digits(digits: tuple[np.ndarray, np.ndarray], learned: SmallClassifier) -> None:
    images = digits[0]
    noise = np.random.default_rng(1).integers(256, size=(360, 1, 8, 8)).astype(np.uint8)
    reference = learned.features(images[1437:])
    assert reference.shape == (360, N_FEATURES)
    assert reference.dtype == np.float32
    assert reference.std(axis=0).min() > 0  # no dead unit
    near, far = (fd(*statistics(reference), learned.features(others)).value for others in (images[:360], noise))
    assert far > 10 * near


def test_classes_of_features_are_those_of_the_images(
    digits: tuple[np.ndarray, np.ndarray], learned: SmallClassifier
) -> None:
    images, labels = digits
    classes = learned.classes(learned.features(images[1437:]))
    assert float((classes == labels[1437:]).mean()) == learned.accuracy(images[1437:], labels[1437:])


def test_same_seed_same_classifier_and_the_global_generator_is_untouched() -> None:
    generator = np.random.default_rng(0)
    images, labels = generator.integers(256, size=(50, 1, 8, 8)).astype(np.uint8), generator.integers(2, size=50)
    before = torch.random.get_rng_state()
    one, same, other = (train_classifier(images, labels, 2, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.array_equal(one.features(images), same.features(images))
    assert not np.array_equal(one.features(images), other.features(images))


def test_uint8_and_unit_floats_give_the_same_features(
    digits: tuple[np.ndarray, np.ndarray], learned: SmallClassifier
) -> None:
    images = digits[0][:20]
    as_float = learned.features(images.astype(np.float32) / 255)
    np.testing.assert_allclose(as_float, learned.features(images), rtol=1e-4, atol=1e-5)


def test_quantisation_rounds_and_clips() -> None:
    assert to_uint8(np.array([-0.1, 0.0, 0.5, 0.999, 1.2], dtype=np.float32)).tolist() == [0, 0, 128, 255, 255]
    with pytest.raises(ValueError, match="not finite"):
        to_uint8(np.array([np.nan]))


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64), (3, 13, 9)])
def test_any_image_size_gives_64_features(shape: tuple[int, int, int]) -> None:
    model = SmallClassifier(shape, 10).eval()
    assert model.features(np.zeros((2, *shape), dtype=np.uint8)).shape == (2, N_FEATURES)


def test_attributes_are_learnt_all_at_once() -> None:
    generator = np.random.default_rng(0)
    attributes = generator.integers(2, size=(400, 3))
    images = np.repeat(attributes[:, :, None, None] * 200, 8, axis=2).repeat(8, axis=3).astype(np.uint8)  # [N, 3, 8, 8]
    model = train_classifier(images[:300], attributes[:300], 3, seed=0)
    assert model.accuracy(images[300:], attributes[300:]) == 1.0


def test_images_without_labels_are_refused() -> None:
    with pytest.raises(BadInput, match="3 images and 2 labels"):
        train_classifier(np.zeros((3, 1, 8, 8), dtype=np.uint8), np.zeros(2, dtype=int), 2, seed=0)


def test_the_cache_keeps_every_feature_and_no_other_file(
    digits: tuple[np.ndarray, np.ndarray], learned: SmallClassifier, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "classifier.pt"
    for train in (lambda: learned, lambda: pytest.fail("trained again")):
        found = kept_network(path, train, lambda: SmallClassifier((1, 8, 8), 10))
        assert np.array_equal(found.features(digits[0]), learned.features(digits[0])) and not found.training
    assert [file.name for file in path.parent.iterdir()] == ["classifier.pt"]


def test_no_damage_to_the_cache_is_believed(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path, right = tmp_path / "network.pt", torch.nn.Linear(3, 2)
    weights = [weight.clone() for weight in right.parameters()]
    kept_network(path, lambda: right, lambda: torch.nn.Linear(3, 2))
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    flips = [(int(rng.integers(len(whole))), 1 << int(rng.integers(8))) for _ in range(200)]
    spoilt = [whole[:i] + bytes([whole[i] ^ bit]) + whole[i + 1 :] for i, bit in flips]
    for contents in (*spoilt, b"", whole[:100], b"not a classifier"):
        path.write_bytes(contents)
        made: list[int] = []
        found = kept_network(path, lambda made=made: made.append(1) or right, lambda: torch.nn.Linear(3, 2))
        assert made == [1] and all(torch.equal(a, b) for a, b in zip(found.parameters(), weights, strict=True))
        assert path.read_bytes() == whole


def test_pickles_are_not_read_though_their_sum_is_right(tmp_path: Path) -> None:
    import pickle

    checked.write(tmp_path / "network.pt", pickle.dumps(print))
    found = kept_network(tmp_path / "network.pt", lambda: torch.nn.Linear(1, 1), lambda: torch.nn.Linear(9, 9))
    assert found.in_features == 1


@pytest.mark.parametrize("labels", [np.zeros(30, int), np.full(30, 3), np.ones((30, 4), int)])
def test_labels_of_one_kind_teach_nothing(tmp_path: Path, labels: np.ndarray) -> None:
    with pytest.raises(Blank, match="one class: a classifier has nothing to learn"):
        cached_classifier(tmp_path, np.zeros((30, 1, 8, 8), np.uint8), labels, 4, seed=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "judge",
    [
        lambda data: score_classifier(data, "small", "cpu"),
        lambda data: readings(data, data.test.images),
        lambda data: FeatureNetworks(data, None, "cpu").kept("classifier", data.test.images),
        lambda data: FeatureNetworks(data, None, "cpu").statistics("classifier", data.test.images),
    ],
)
def test_no_judge_that_learnt_from_one_class_gives_a_number(
    judge: Callable[[ImageDataset], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    split = Split(np.random.default_rng(0).integers(0, 256, (12, 1, 8, 8), np.uint8), np.ones(12, np.int64))
    data = ImageDataset("mine", split, split, split, ("a", "b"), {}, "")
    with pytest.raises(Blank, match="one class.*nothing to learn"):
        judge(data)
    networks = FeatureNetworks(data, None, "cpu")
    with pytest.raises(Blank):
        networks.extract("classifier", data.test.images)
    assert networks.provenance()["classifier"] is None


def test_cache_trains_once_per_data_and_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    images, labels = generator.integers(256, size=(30, 1, 8, 8)).astype(np.uint8), generator.integers(2, size=30)
    first = cached_classifier(tmp_path, images, labels, 2, seed=0)
    monkeypatch.setattr("bench.evaluation.features.classifier.train_classifier", None)  # a second training would fail
    again = cached_classifier(tmp_path, images, labels, 2, seed=0)
    assert np.array_equal(first.features(images), again.features(images))
    keys = {fingerprint(images, labels, 0), fingerprint(images, labels, 1), fingerprint(images, 1 - labels, 0)}
    assert len(keys | {fingerprint(255 - images, labels, 0)}) == 4


@pytest.mark.slow
def test_learns_mnist(real_data: Path) -> None:
    from bench.data import load

    data = load("mnist", data_dir=real_data, download=False)
    model = train_classifier(data.train.images, data.train.labels, 10, seed=0)
    assert model.accuracy(data.test.images, data.test.labels) >= 0.985
