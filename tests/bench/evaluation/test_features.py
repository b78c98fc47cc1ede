"""Feature networks: what is kept of the reference images, and when it is made anew."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bench.data.types import ImageDataset, Split
from bench.errors import BadInput
from bench.evaluation.arrays.samples import feature_scale
from bench.evaluation.features import networks as features
from bench.evaluation.features.classifier import SmallClassifier
from bench.evaluation.features.networks import FeatureNetworks
from bench.evaluation.features.own import OwnNetwork
from bench.metrics.frechet import statistics
from bench.metrics.types import Blank
from bench.system.manifest import checksum

RNG = np.random.default_rng(0)


def split(n: int) -> Split:
    return Split(RNG.integers(0, 256, (n, 1, 8, 8), dtype=np.uint8), np.arange(n) % 3)


DATA = ImageDataset("toy", split(30), split(6), split(15), ("a", "b", "c"), {}, "embedded")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a classifier that is not trained."""
    torch.manual_seed(0)
    classifier = SmallClassifier(DATA.shape, 3).eval()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(features, "load_classifier", lambda data, device: (classifier, 0.5))
    return tmp_path / "vae-bench" / "reference"


def networks() -> FeatureNetworks:
    return FeatureNetworks(DATA, None, "cpu")


def forbid(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def explode(*arguments: Any) -> None:
        raise AssertionError("computed again")

    for name in names:
        monkeypatch.setattr(name, explode)


def test_statistics_are_those_of_the_reference_features(cache: Path) -> None:
    given = networks()
    kept = given.kept("classifier", DATA.test.images)
    np.testing.assert_array_equal(kept, given.extract("classifier", DATA.test.images)["classifier"])
    found = given.statistics("classifier", DATA.test.images)
    for name, exact in zip(("mean", "covariance"), statistics(kept), strict=True):
        np.testing.assert_array_equal(found[name], exact)


def test_a_second_run_neither_extracts_nor_computes(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = networks().statistics("classifier", DATA.test.images)
    assert sorted(path.name.rpartition("-")[0] for path in cache.iterdir()) == [
        "classifier-features",
        "classifier-statistics",
    ]
    forbid(
        monkeypatch,
        "bench.evaluation.features.classifier.SmallClassifier.features",
        "bench.evaluation.features.networks.statistics",
    )
    again = networks().statistics("classifier", DATA.test.images)
    assert networks().kept("classifier", DATA.test.images).shape == (15, 64)
    for name in ("mean", "covariance"):
        np.testing.assert_array_equal(again[name], first[name])


def test_the_scale_is_the_root_mean_square_and_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features = networks().extract("classifier", DATA.train.images)["classifier"].astype(np.float64)
    found = networks().scale("classifier", DATA.train.images)
    assert found.shape == (1,)
    assert found.item() == pytest.approx(np.sqrt((features**2).mean()), rel=1e-12)
    forbid(monkeypatch, "bench.evaluation.features.classifier.SmallClassifier.features")
    np.testing.assert_array_equal(networks().scale("classifier", DATA.train.images), found)
    with pytest.raises(AssertionError, match="computed again"):
        networks().scale("classifier", DATA.test.images)


def test_large_networks_are_scaled_by_the_first_thousand_training_images() -> None:
    asked: list[tuple[str, int]] = []
    given = SimpleNamespace(scale=lambda name, images: asked.append((name, len(images))))
    evaluation: Any = SimpleNamespace(features=given, data=SimpleNamespace(train=split(1500)))
    for name in ("classifier", "efficientnet-lite0", "own"):
        feature_scale(evaluation, name)
    assert asked == [("classifier", 1500), ("efficientnet-lite0", 1000), ("own", 1000)]


def test_other_images_and_other_weights_have_files_of_their_own(cache: Path) -> None:
    given = networks()
    before = given.kept("classifier", DATA.test.images)
    changed = DATA.test.images.copy()
    changed[3, 0, 2, 2] ^= 1
    assert not np.array_equal(given.kept("classifier", changed), before)
    given.kept("classifier", DATA.test.images[:14])
    with torch.no_grad():
        features.load_classifier(DATA, "cpu")[0].trunk[0].bias.add_(1.0)
    assert not np.array_equal(given.kept("classifier", DATA.test.images), before)
    assert len(list(cache.iterdir())) == 4


def test_a_corrupted_file_is_computed_anew(cache: Path) -> None:
    first = networks().statistics("classifier", DATA.test.images)
    for path in cache.iterdir():
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x10
        path.write_bytes(data)
    again = networks().statistics("classifier", DATA.test.images)
    for name in ("mean", "covariance"):
        np.testing.assert_array_equal(again[name], first[name])


def test_without_weights_inception_is_blank() -> None:
    for call in (networks().kept, networks().statistics):
        with pytest.raises(Blank, match="--fid-weights"):
            call("inception64", DATA.test.images)


def test_both_inception_features_come_from_one_pass(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []

    class Fake:
        """Stands in for the Inception network."""

        provenance = {"weights_sha256": "fake"}

        def features(self, images: np.ndarray) -> dict[str, np.ndarray]:
            passes.append(len(images))
            flat = images.reshape(len(images), -1).astype(np.float32)
            return {"inception64": flat[:, :4], "inception2048": flat[:, :5]}

    monkeypatch.setattr(features, "load_inception", lambda weights, device: Fake())
    for _ in range(2):
        given = FeatureNetworks(DATA, Path("weights.pth"), "cpu")
        assert given.statistics("inception64", DATA.test.images)["covariance"].shape == (4, 4)
        assert given.statistics("inception2048", DATA.test.images)["mean"].shape == (5,)
        assert given.kept("inception2048", DATA.test.images).shape == (15, 5)
    assert passes == [15]


def test_classes_are_the_classifiers_and_attributes_have_none(cache: Path) -> None:
    given = networks()
    classes = given.classes(given.kept("classifier", DATA.test.images))
    assert classes.shape == (15,)
    assert set(classes) <= {0, 1, 2}
    attributes = Split(DATA.test.images, np.zeros((15, 3), dtype=np.int64))
    labelled = ImageDataset("toy", DATA.train, DATA.validation, attributes, ("a", "b", "c"), {}, "embedded")
    with pytest.raises(Blank, match="attributes"):
        FeatureNetworks(labelled, None, "cpu").classes(np.zeros((2, 64), np.float32))


def test_a_users_own_network_gives_features_and_its_name_and_weights_are_kept(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    halves = torch.nn.Sequential(torch.nn.AvgPool2d(4), torch.nn.Flatten())
    torch.jit.trace(halves, torch.zeros(2, *DATA.shape)).save(str(path))
    own = FeatureNetworks(DATA, None, "cpu", path)
    images = DATA.test.images
    found = own.kept("own", images)
    right = images.reshape(len(images), 2, 4, 2, 4).mean((2, 4)).reshape(len(images), 4) / 255
    np.testing.assert_allclose(found, right, rtol=1e-6)
    assert own.provenance()["own_network"] == {"name": "mine", "weights_sha256": checksum(path)}
    assert "own_network" not in networks().provenance()
    assert [path.name.partition("-")[0] for path in cache.iterdir()] == ["own"]
    with pytest.raises(Blank, match="pass --feature-network FILE"):
        networks().kept("own", images)


def test_a_file_that_is_no_network_or_gives_no_features_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    torch.save({}, path)
    with pytest.raises(BadInput, match=r"mine\.pt: no TorchScript module"):
        OwnNetwork(path)
    for network, said in ((torch.nn.Identity(), "one row of features"), (torch.nn.Conv2d(3, 1, 1), "takes no images")):
        torch.jit.script(network).save(str(path))
        with pytest.raises(BadInput, match=said):
            OwnNetwork(path).features(DATA.test.images)
