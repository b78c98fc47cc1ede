"""The table of data sets, the split machinery and the embedded digits."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data import DATASETS, image_shape, load
from bench.data.places import terminal_bar
from bench.data.splits import carve, carve_groups
from bench.errors import BadInput


def test_importing_the_registry_loads_nothing_heavy() -> None:
    code = "import sys, bench.data; print(sorted({'numpy', 'torch', 'PIL', 'tqdm', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]" and done.stderr == ""


def test_loading_data_does_not_import_torch() -> None:
    code = "import sys; from bench.data import load; load('digits').sha256; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("mnits", {}, "did you mean 'mnist'"),
        ("celeba", {"splt": "official"}, "did you mean 'split'"),
        ("celeba", {"split": "oficial"}, "did you mean 'official'"),
        ("imagefolder", {"size": "33"}, "unknown value of imagefolder's size '33'"),
        ("digits", {"size": "32"}, "unknown setting of digits 'size'; known: labels_per_class, pixels, split"),
        ("digits", {"split": "papper"}, "did you mean 'paper'"),
    ],
)
def test_unknown_names_suggest_the_right_one(name: str, settings: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        load(name, settings=settings)
    with pytest.raises(BadInput, match=message):
        image_shape(name, settings)


def test_image_shapes_are_known_without_data() -> None:
    shapes = {name: image_shape(name) for name in DATASETS}
    assert shapes == {
        "digits": (1, 8, 8),
        "mnist": (1, 28, 28),
        "fashion": (1, 28, 28),
        "cifar10": (3, 32, 32),
        "celeba": (3, 64, 64),
        "toy-mixture": (1, 1, 2),
        "shapes": (1, 32, 32),
        "imagefolder": (3, 32, 32),
    }
    assert image_shape("imagefolder", {"size": "64", "colour": "grey"}) == (1, 64, 64)


def test_a_data_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist; check --data-dir"):
        load("mnist", data_dir=tmp_path / "nowhere")


def test_carve_takes_the_exact_count_and_every_class_in_proportion() -> None:
    labels = np.random.RandomState(1).randint(0, 7, 1000)
    rest, carved = carve(labels, 100)
    assert len(carved) == 100 and np.array_equal(np.sort(np.concatenate([rest, carved])), np.arange(1000))
    share = np.bincount(labels[carved], minlength=7) - np.bincount(labels, minlength=7) / 10
    assert np.abs(share).max() < 1


def test_carve_depends_on_the_seed_and_on_nothing_else() -> None:
    labels = np.arange(500) % 5
    assert np.array_equal(carve(labels, 50, seed=3)[1], carve(labels, 50, seed=3)[1])
    assert not np.array_equal(carve(labels, 50, seed=3)[1], carve(labels, 50, seed=4)[1])
    np.random.seed(99)  # the global generator must not matter
    assert carve(labels, 5)[1].tolist() == [91, 130, 212, 273, 449]


def test_carve_groups_never_cuts_through_a_group() -> None:
    groups = np.random.RandomState(0).randint(0, 40, 600)
    rest, carved = carve_groups(groups, 0.1)
    assert not set(groups[rest]) & set(groups[carved]) and len(set(groups[carved])) == 4
    assert len(rest) + len(carved) == 600
    drawn = [set(groups[carve_groups(groups, 0.1, seed)[1]]) for seed in (0, 0, 1, 2)]
    assert drawn[0] == drawn[1] and drawn[0] != drawn[2] != drawn[3]


@pytest.mark.parametrize("count", [0, 4, 5])
def test_carving_everything_or_nothing_is_an_error(count: int) -> None:
    with pytest.raises(BadInput, match="needs more images"):
        carve(np.zeros(4, np.int64), count)


def test_digits_are_the_1797_images_scaled_to_bytes() -> None:
    digits = load("digits")
    splits = digits.train, digits.validation, digits.test
    assert [len(split) for split in splits] == [1257, 180, 360]
    assert digits.shape == (1, 8, 8) and digits.source == "embedded" and digits.split_seed == 0
    assert all(s.images.dtype == np.uint8 and s.labels.dtype == np.int64 for s in splits)
    values = np.unique(np.concatenate([split.images for split in splits]))
    assert values.tolist() == [round(255 * v / 16) for v in range(17)]
    for split in splits:  # stratified: about a tenth each
        assert np.abs(np.bincount(split.labels) - len(split) / 10).max() < 0.015 * len(split) + 1


def test_the_digits_split_and_its_hash_never_change() -> None:
    first, second = load("digits"), load("digits")
    assert first.sha256 == second.sha256 == "8f39fd71a7c7c676eb1a02a5c5e092acf7993eee7b6e104629c925ddaea6b626"


def test_the_hash_sees_one_pixel_one_label_and_the_split() -> None:
    digits = load("digits")
    images, labels = digits.test.images.copy(), digits.test.labels.copy()
    images[0, 0, 0, 0] ^= 1
    labels[-1] = (labels[-1] + 1) % 10
    changed = [
        replace(digits, test=replace(digits.test, images=images)),
        replace(digits, test=replace(digits.test, labels=labels)),
        replace(digits, test=digits.validation, validation=digits.test),
    ]
    assert len({digits.sha256, *(c.sha256 for c in changed)}) == 4


def test_the_bar_is_silent_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bar = terminal_bar()
    for done in (0, 5, 10):
        bar("file", done, 10)
    assert capsys.readouterr() == ("", "")
