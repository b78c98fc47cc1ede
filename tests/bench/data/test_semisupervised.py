"""Semi-supervised data sets: which images keep their labels, which are trained on, and which are for testing."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.data import DATASETS, load
from bench.data.semisupervised import semisupervised
from bench.data.types import ImageDataset, Split
from bench.errors import BadInput

HALF = {"pixels": "binary", "split": "paper"}


def numbered(n: int, first: int, classes: int = 4) -> Split:
    """Images of which each shows its own number."""
    labels = np.arange(first, first + n)
    return Split(labels.astype(np.uint8)[:, None, None, None], labels % classes)


def toy() -> ImageDataset:
    return ImageDataset("toy", numbered(80, 0), numbered(20, 80), numbered(40, 100), tuple("abcd"), {}, "embedded")


@cache
def digits(**settings: str) -> ImageDataset:
    return load("digits", settings=settings)


def numbers(split: Split) -> np.ndarray:
    return split.images[:, 0, 0, 0].astype(int)


def test_paper_split_has_every_image_of_the_first_half_of_the_classes_with_its_label() -> None:
    train = semisupervised(toy(), {"split": "paper"}).train
    told = train.labels >= 0
    assert sorted(numbers(train)[told]) == [i for i in range(140) if i % 4 < 2]
    assert (numbers(train)[told] % 4 == train.labels[told]).all()
    assert (train.labels[~told] == -1).all()


def test_paper_split_draws_two_sevenths_with_replacement_from_all() -> None:
    found = semisupervised(toy(), {"split": "paper"})
    drawn = numbers(found.train)[found.train.labels < 0]
    assert len(drawn) == 40 and len(set(drawn)) < 40 and set(drawn % 4) == {0, 1, 2, 3}
    assert (drawn >= 100).any()  # the test part's images are among them: the split of the paper leaks
    assert "test images are among the images" in str(found.note)


def test_paper_split_is_tested_on_every_image_of_the_other_classes() -> None:
    test = semisupervised(toy(), {"split": "paper"}).test
    assert sorted(numbers(test)) == [i for i in range(140) if i % 4 >= 2]
    assert (test.labels == numbers(test) % 4).all()


def test_clean_split_trains_on_no_image_that_it_is_tested_on() -> None:
    found = semisupervised(toy(), {"split": "clean"})
    assert sorted(numbers(found.test)) == [i for i in range(100, 140) if i % 4 >= 2]
    assert set(numbers(found.train)) <= set(range(80))
    assert (found.train.labels < 0).sum() == 40  # as many as in the paper's split
    assert found.reference is not None and not set(numbers(found.reference)) & set(numbers(found.test))


def test_images_of_both_kinds_are_mixed_so_that_the_first_ones_are_a_fair_share() -> None:
    labels = digits(**HALF).train.labels
    first, whole = (labels[:200] < 0).mean(), (labels < 0).mean()
    assert abs(first - whole) < 0.12


def test_reference_tells_every_label_of_the_pool() -> None:
    found = semisupervised(toy(), {"split": "paper"})
    assert found.reference is not None and sorted(numbers(found.reference)) == list(range(140))
    assert (found.reference.labels == numbers(found.reference) % 4).all()


@pytest.mark.parametrize("per_class", [10, 60])
def test_labels_per_class_keeps_exactly_that_many_of_each(per_class: int) -> None:
    found, base = digits(labels_per_class=str(per_class)), digits()
    told = found.train.labels >= 0
    assert np.bincount(found.train.labels[told]).tolist() == [per_class] * 10
    assert (found.train.labels[told] == base.train.labels[told]).all()
    assert np.array_equal(found.test.labels, base.test.labels) and np.array_equal(found.train.images, base.train.images)
    assert found.reference is base.train or np.array_equal(found.reference.labels, base.train.labels)  # type: ignore


def test_binary_pixels_are_rounded() -> None:
    grey, binary = digits().train.images, digits(pixels="binary").train.images
    assert np.unique(binary).tolist() == [0, 255]
    assert np.array_equal(binary == 255, grey / 255 >= 0.5)
    assert np.array_equal(np.unique(digits(**HALF).test.images), [0, 255])


def test_the_draw_is_the_same_every_time_and_its_seed_is_recorded() -> None:
    first, second = (load("digits", settings=HALF) for _ in range(2))
    assert first.sha256 == second.sha256 and first.split_seed == 0
    assert first.settings == HALF and first.note is not None


def test_data_sets_without_such_settings_are_what_they_were() -> None:
    assert digits().sha256 == digits(pixels="grey", split="own", labels_per_class="all").sha256
    assert digits().reference is None and digits().settings == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"split": "paper", "labels_per_class": "10"}, "leave out one of them"),
        ({"labels_per_class": "300"}, "has only 12. training images of 300"),
    ],
)
def test_what_cannot_be_is_said(settings: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        load("digits", settings=settings)


def test_one_class_cannot_be_divided() -> None:
    one = ImageDataset("one", numbered(8, 0, 1), numbered(2, 8, 1), numbered(2, 10, 1), ("a",), {}, "embedded")
    with pytest.raises(BadInput, match="cannot be divided"):
        semisupervised(one, {"split": "paper"})


def test_attributes_have_no_semi_supervised_settings() -> None:
    assert DATASETS["celeba"].attributes
    with pytest.raises(BadInput, match="unknown setting of celeba 'pixels'"):
        load("celeba", settings={"pixels": "binary"})


def test_sizes_of_the_papers_split_on_real_mnist(real_data: Path) -> None:
    found = load("mnist", data_dir=real_data, settings=HALF, download=False)
    labels = found.train.labels
    assert (labels >= 0).sum() == 35_735 and (labels < 0).sum() == 20_000 and len(found.test) == 34_265
    assert np.unique(labels).tolist() == [-1, 0, 1, 2, 3, 4]
    assert np.unique(found.test.labels).tolist() == [5, 6, 7, 8, 9]
    assert np.unique(found.train.images).tolist() == [0, 255]


def test_no_evaluation_image_of_real_mnist_is_trained_on_in_the_clean_split(real_data: Path) -> None:
    found = load("mnist", data_dir=real_data, settings={"split": "clean"}, download=False)
    trained = {image.tobytes() for image in found.train.images}
    assert len(found.test) == 4_861 and not any(image.tobytes() in trained for image in found.test.images)
