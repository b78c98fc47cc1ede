"""What `load_model` believes: a run's files as its manifest says, and models of ours."""

import hashlib
import json
import random
import shutil
from pathlib import Path

import pytest
import torch

from models import MODELS, load_model
from models.networks.kinds import Convolutional


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder, with a manifest of its model."""
    kind = MODELS["VAE"].resolve()
    torch.manual_seed(0)
    network = Convolutional(channels=(4,), strides=(2,), hidden=(8,))
    kind(kind.config_class(input_dim=(1, 8, 8), latent_dim=2, network=network)).save(str(tmp_path / "model"))
    sums = {
        f"model/{p.name}": hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((tmp_path / "model").iterdir())
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"files": sums, "digest": {}}))
    (tmp_path / "trained.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize("name", ["model.pt", "model_config.json"])
def test_no_flipped_bit_of_a_run_is_loaded(run: Path, name: str) -> None:
    path, rng = run / "model" / name, random.Random(0)
    whole = path.read_bytes()
    for _ in range(200):
        spoilt = bytearray(whole)
        spoilt[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(spoilt)
        for place in (run, run / "model"):
            with pytest.raises(ValueError, match=f"{name} is damaged"):
                load_model(place)
    path.write_bytes(whole)
    assert not load_model(run).training


def test_a_file_that_is_gone_is_named(run: Path) -> None:
    (run / "model" / "model.pt").unlink()
    with pytest.raises(ValueError, match=r"model\.pt is damaged"):
        load_model(run)


@pytest.mark.parametrize("contents", [None, "", "[]", "{}", '{"files": {}}', '{"files": []}', '{"files": {"x": 1}}'])
def test_a_run_without_a_whole_manifest_is_not_believed(run: Path, contents: str | None) -> None:
    (run / "manifest.json").unlink()
    if contents is not None:
        (run / "manifest.json").write_text(contents)
    with pytest.raises(ValueError, match=r"manifest\.json is absent or damaged"):
        load_model(run)


def test_a_model_that_is_no_run_needs_no_manifest(run: Path) -> None:
    shutil.move(run / "model", run / "elsewhere" / "model")
    assert load_model(run / "elsewhere").model_name == load_model(run / "elsewhere" / "model").model_name == "VAE"


@pytest.mark.parametrize("contents", ["", "[]", "{}", '{"name": 3}'])
def test_a_configuration_that_is_none_is_one_line(tmp_path: Path, contents: str) -> None:
    (tmp_path / "model_config.json").write_text(contents)
    with pytest.raises(ValueError, match=r"model_config\.json is not the configuration of a model"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["VAE", "IWAE", "RAE_L2", "VAE_LinNF", "BetaVAE"])
def test_what_pythae_saved_is_opened_as_pythaes(tmp_path: Path, name: str) -> None:
    import pythae.models as theirs

    config = getattr(theirs, f"{name}_Config" if "_" in name else f"{name}Config")
    getattr(theirs, name)(config(input_dim=(1, 8, 8), latent_dim=2)).save(str(tmp_path / "saved"))
    loaded = load_model(tmp_path / "saved")
    assert type(loaded) is getattr(theirs, name)
    assert not loaded.training
