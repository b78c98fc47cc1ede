"""Inception's features from a file of weights, and torchvision beside a torch that its operators do not fit."""

import subprocess
import sys
import warnings
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import BadInput
from bench.evaluation.features.inception import Inception, import_torchvision

ROOT = Path(__file__).parents[3]

# What torchvision's __init__ does before anything else: register its operators, which fails if there are none.
FAKE = """
import torch
from torchvision import extension
for name in ("nms", "qnms"):
    try:
        torch._C._dispatch_find_schema_or_throw("torchvision::" + name, "")
    except RuntimeError:
        raise {error}("{message}")
"""


def silent(label: str, done: int, total: int | None) -> None:
    """Hear of progress and say nothing."""


def import_fake(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Import torchvision through the fix, in a fresh process that finds a package of this code in its place."""
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(code)
    (package / "extension.py").write_text("")
    script = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from bench.evaluation.features.inception import import_torchvision\n"
        "print(import_torchvision(), import_torchvision())\n"
        "import torch; print(hasattr(torch.ops.torchvision, 'nms'), hasattr(torch.ops.torchvision, 'qnms'))"
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)


def test_missing_operators_are_declared_after_the_exact_error(tmp_path: Path) -> None:
    done = import_fake(tmp_path, FAKE.format(error="RuntimeError", message="operator torchvision::nms does not exist"))
    assert done.stdout == "schema-only schema-only\nTrue True\n", done.stderr


def test_a_torchvision_that_imports_is_left_alone(tmp_path: Path) -> None:
    assert import_fake(tmp_path, "").stdout == "native native\nFalse False\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("ImportError", "operator torchvision::nms does not exist"),
        ("RuntimeError", "operator torchvision::roi_align does not exist"),
        ("ImportError", "libjpeg.so.62: cannot open shared object file"),
    ],
)
def test_any_other_error_propagates(tmp_path: Path, error: str, message: str) -> None:
    done = import_fake(tmp_path, FAKE.format(error=error, message=message))
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(f"{error}: {message}")


def test_nms_without_its_code_still_raises() -> None:
    if import_torchvision() == "native":
        pytest.skip("this torchvision has its compiled operators")
    import torchvision

    with pytest.raises((RuntimeError, NotImplementedError)):
        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict of the right names and shapes, with random numbers."""
    import_torchvision()
    import torchvision

    path = tmp_path_factory.mktemp("weights") / "random.pth"
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        network = torchvision.models.inception_v3(num_classes=1008, aux_logits=False, weights=None, init_weights=False)
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def random_inception(random_weights: Path) -> Inception:
    return Inception(random_weights)


def test_features_of_both_depths(random_inception: Inception) -> None:
    images = np.random.default_rng(0).integers(256, size=(3, 1, 8, 8)).astype(np.uint8)
    features = random_inception.features(images, batch=2)
    assert {name: (array.shape, array.dtype) for name, array in features.items()} == {
        "inception64": ((3, 64), np.float32),
        "inception2048": ((3, 2048), np.float32),
    }
    colour = random_inception.features(np.repeat(images, 3, axis=1))
    as_float = random_inception.features(images.astype(np.float32) / 255)
    for name, array in features.items():
        assert np.isfinite(array).all()
        np.testing.assert_allclose(colour[name], array, rtol=1e-4, atol=1e-6)  # grey is repeated to three channels
        np.testing.assert_allclose(as_float[name], array, rtol=1e-4, atol=1e-6)


def test_class_probabilities_are_those_of_the_last_layer_without_its_biases(
    random_inception: Inception, random_weights: Path
) -> None:
    features = np.random.default_rng(0).random((4, 2048), np.float32)
    logits = features @ torch.load(random_weights)["fc.weight"].numpy().T
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(random_inception.probabilities(features), expected, rtol=1e-4)


def test_features_are_those_of_pytorch_fid(random_inception: Inception, tmp_path: Path) -> None:
    from PIL import Image
    from pytorch_fid.fid_score import get_activations

    images = np.random.default_rng(1).integers(256, size=(2, 3, 16, 16)).astype(np.uint8)
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image.transpose(1, 2, 0)).save(path)
    network = random_inception.network
    kept = network.output_blocks
    object.__setattr__(network, "output_blocks", [0])
    try:
        theirs = get_activations(paths, network, batch_size=2, dims=64, device="cpu", num_workers=0)
    finally:
        object.__setattr__(network, "output_blocks", kept)
    np.testing.assert_allclose(random_inception.features(images)["inception64"], theirs, rtol=1e-4, atol=1e-6)


def test_provenance_tells_random_weights_from_the_official_ones(
    random_inception: Inception, random_weights: Path
) -> None:
    provenance = random_inception.provenance
    assert provenance["weights_sha256"] == sha256(random_weights.read_bytes()).hexdigest()
    assert provenance["weights_official"] is False
    assert provenance["torchvision"] == import_torchvision()


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="does not hold the FID Inception weights") as caught:
        Inception(path)
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "linear.pth"
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(BadInput, match="does not hold"):
        Inception(path)
