"""Canonical images, what is read in them, and the way there and back, of toys whose answers are known."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.data.semisupervised import semisupervised
from bench.data.types import ImageDataset, Split
from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.evaluate import measure
from bench.evaluation.features.label_reader import fit, readings
from bench.evaluation.pictures.plots import plots
from bench.evaluation.pictures.tiles import save_tiles
from bench.metrics.types import Blank
from bench.study.schema import Evaluation as Settings

CLASSES, HALF_WIDTH = 4, 1.5
SETTINGS = Settings(
    images=1000,
    samplers=("normal",),
    extras=("labels",),
    gmm_images=100,
    metrics=(
        *("unseen_cross_entropy", "unseen_accuracy", "unseen_found"),
        *("test_error", "round_trip_classes", "round_trip_distance"),
    ),
)


class Toy(nn.Module):
    """Images of 1 x 2 x 3: four pixels are the class's bar, two are z. Decoding and encoding are exact inverses.

    `order` says which class's bar each dimension of y draws; `forgets` loses z, `confuses` reads every image as
    dimension 0.
    """

    capabilities = frozenset({"classify", "class_codes"})
    prior = SimpleNamespace(box=SimpleNamespace(half_width=HALF_WIDTH))

    def __init__(self, order: tuple[int, ...] = (0, 1, 2, 3), forgets: bool = False, confuses: bool = False):
        super().__init__()
        self.order, self.forgets, self.confuses = list(order), forgets, confuses
        self.device_of = nn.Parameter(torch.zeros(1))

    def decode_given(self, y: Tensor, z: Tensor) -> Tensor:
        bars = torch.zeros_like(y)
        bars[:, self.order] = y
        return torch.cat([bars, 0.5 + z / (2 * HALF_WIDTH)], 1).reshape(-1, 1, 2, 3)

    def label_log_probs(self, x: Tensor) -> Tensor:
        bars = x.flatten(1)[:, :CLASSES][:, self.order]
        return (100 * (bars * 0 if self.confuses else bars)).log_softmax(1)

    def predict_label(self, x: Tensor) -> Tensor:
        return self.label_log_probs(x).argmax(1)

    def latent_given(self, x: Tensor, y: Tensor) -> Tensor:
        z = (x.flatten(1)[:, CLASSES:] - 0.5) * (2 * HALF_WIDTH)
        return z * 0 if self.forgets else z


def images(labels: np.ndarray, seed: int) -> Split:
    """Images of the classes' bars, with random z."""
    z = np.random.default_rng(seed).integers(0, 256, (len(labels), 2))
    pixels = np.concatenate([255 * np.eye(CLASSES, dtype=int)[labels], z], axis=1)
    return Split(pixels.astype(np.uint8).reshape(-1, 1, 2, 3), labels.astype(np.int64))


def data(n: int = 80) -> ImageDataset:
    parts = [images(np.arange(n) % CLASSES, seed) for seed in range(3)]
    return ImageDataset("bars", *parts, tuple("abcd"), {}, "embedded")


HALF = semisupervised(data(), {"split": "clean"})


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def evaluation(model: Any, dataset: ImageDataset = HALF, seed: int = 0) -> Evaluation:
    return Evaluation(model, dataset, SETTINGS, seed, None, seconds_per_epoch=1.0)  # type: ignore[arg-type]


def numbers(model: Any, dataset: ImageDataset = HALF) -> dict[str, float | None]:
    return {f"{m.metric}[{m.setting}]": m.value for m in measure(evaluation(model, dataset))}


def test_exactly_invertible_model_comes_back_from_every_point_of_the_grid() -> None:
    found = evaluation(Toy()).get("round_trip")
    assert found.shape == (CLASSES * 400, 2)
    assert (found[:, 0] == 1).all() and np.abs(found[:, 1]).max() < 1e-5


def test_model_that_forgets_z_is_off_by_the_mean_length_of_the_grid() -> None:
    found = evaluation(Toy(forgets=True)).get("round_trip")
    axis = HALF_WIDTH * ((2 * np.arange(20) + 1) / 20 - 1)
    expected = np.sqrt(axis[:, None] ** 2 + axis**2).mean()
    assert (found[:, 0] == 1).all() and np.isclose(found[:, 1].mean(), expected)


def test_model_that_reads_one_class_everywhere_comes_back_to_that_one_alone() -> None:
    found = evaluation(Toy(confuses=True)).get("round_trip")
    assert found[:, 0].mean() == 1 / CLASSES


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 1, 3, 2)])
def test_model_that_found_the_classes_is_perfect_in_any_order_of_its_free_dimensions(order: tuple[int, ...]) -> None:
    found = numbers(Toy(order))
    for assignment in ("paper", "optimal"):
        assert abs(found[f"unseen_cross_entropy[assignment={assignment}]"] or 0.0) < 1e-6
        assert found[f"unseen_accuracy[assignment={assignment}]"] == 100
    assert found["unseen_found[]"] == 2
    assert found["test_error[]"] is None


def test_worthless_model_is_at_chance() -> None:
    found = numbers(Toy(confuses=True))
    assert np.isclose(found["unseen_cross_entropy[assignment=paper]"] or 0.0, np.log(CLASSES))
    assert found["unseen_accuracy[assignment=paper]"] == 0  # all images are read as the labelled dimension 0


def test_with_labels_of_every_class_there_is_an_error_and_nothing_unseen() -> None:
    found = numbers(Toy((1, 0, 2, 3)), data())
    assert found["test_error[]"] == 50 and found["unseen_found[]"] is None


def test_mean_z_is_that_of_the_labelled_training_images() -> None:
    told = HALF.train.labels >= 0
    z = (HALF.train.images[told].reshape(-1, 6)[:, 4:] / 255 - 0.5) * (2 * HALF_WIDTH)
    assert 0 < told.sum() < len(told)
    np.testing.assert_allclose(evaluation(Toy()).get("mean_z"), z.mean(axis=0), atol=1e-6)


def test_judge_reads_its_own_images_and_is_trained_on_true_labels() -> None:
    assert HALF.reference is not None
    read = readings(HALF, HALF.reference.images)
    np.testing.assert_allclose(read.sum(axis=1), 1)
    assert (read.argmax(axis=1) == HALF.reference.labels).all()


def test_judge_is_kept_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    first = readings(data(), HALF.test.images)
    monkeypatch.setattr("bench.evaluation.features.label_reader.fit", lambda *_: pytest.fail("trained again"))
    np.testing.assert_array_equal(readings(data(), HALF.test.images), first)


def test_judge_gives_nothing_to_a_class_that_it_was_never_shown() -> None:
    shown = images(np.array([0, 2] * 20), 0)
    weights, bias = fit(shown.images, shown.labels, CLASSES)
    assert weights.shape == (CLASSES, 6) and np.isneginf(bias[[1, 3]]).all() and np.isfinite(bias[[0, 2]]).all()
    scores = shown.images.reshape(-1, 6) / 255 @ weights.T + bias
    assert (scores.argmax(axis=1) == shown.labels).all()


def test_grid_is_for_two_latent_variables() -> None:
    class Three(Toy):
        def latent_given(self, x: Tensor, y: Tensor) -> Tensor:
            return torch.zeros(len(x), 3)

    with pytest.raises(Blank, match="two latent variables"):
        evaluation(Three()).get("round_trip")


def test_tiles_are_the_canonical_row_and_the_walks_of_one_seed(tmp_path: Path) -> None:
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        save_tiles(tmp_path / str(seed), evaluation(Toy(), seed=seed))
    assert sorted(p.name for p in (tmp_path / "0").iterdir()) == ["canonical.png", "label-walks.png"]
    assert [p.name for p in (tmp_path / "1").iterdir()] == ["canonical.png"]


def test_digest_keeps_what_is_read_in_each_canonical_image() -> None:
    assert plots(evaluation(Toy((0, 1, 3, 2))))["canonical_classes"] == [0, 1, 3, 2]


def test_walk_goes_right_with_the_first_latent_variable_and_up_with_the_second() -> None:
    walks = evaluation(Toy()).get("label_walks")  # [k, 5, 5, 1, 2, 3]
    z1, z2 = walks[0, ..., 0, 1, 1], walks[0, ..., 0, 1, 2]
    assert (np.diff(z1, axis=1) > 0).all() and (np.diff(z1, axis=0) == 0).all()
    assert (np.diff(z2, axis=0) < 0).all() and (np.diff(z2, axis=1) == 0).all()
