"""The small classifier: it learns, is a function of data and seed, fits any image size, and comes back from disk."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data.eight_bit import to_uint8
from bench.errors import BadInput
from bench.evaluation.features.classifier import (
    N_FEATURES,
    SmallClassifier,
    cached_classifier,
    fingerprint,
    load_classifier,
    save_classifier,
    train_classifier,
)
from bench.metrics.frechet import fd, statistics


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


def test_save_and_load_keep_every_feature(
    digits: tuple[np.ndarray, np.ndarray], learned: SmallClassifier, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "classifier.pt"
    save_classifier(learned, path)
    assert np.array_equal(load_classifier(path).features(digits[0]), learned.features(digits[0]))
    assert [file.name for file in path.parent.iterdir()] == ["classifier.pt"]


def test_a_damaged_file_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "classifier.pt"
    path.write_bytes(b"not a classifier")
    with pytest.raises(BadInput, match="is not a stored classifier") as caught:
        load_classifier(path)
    assert "\n" not in str(caught.value)


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
