"""Plug-ins: the documented example works everywhere, and an author is told in one line each what is missing."""

import csv
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import plugins
from bench.run import main
from bench.study import suite
from models import MODELS, load_model

EXAMPLE = Path(__file__).parents[1] / "plugin_example"
MINE = ["--plugin", "my_plugin", "--suite", "mine.toml", "--preset", "small", "--results", "results"]


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with the example in it; what plug-ins add is forgotten afterwards."""
    kept = {name: dict(registry) for name, (registry, _) in plugins.REGISTRIES.items()}
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path
    for name, (registry, _) in plugins.REGISTRIES.items():
        registry.clear()
        registry.update(kept[name])
    plugins._loaded.clear()
    for name in [name for name in sys.modules if name in ("my_plugin", "theirs")]:
        del sys.modules[name]


def lines() -> list[dict[str, str]]:
    with Path("results/mine/measurements.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_example_has_at_most_40_lines_of_code_and_breaks_nothing() -> None:
    code = [line for line in (EXAMPLE / "my_plugin.py").read_text().splitlines() if line.strip()]
    assert len(code) <= 40
    assert main(["--plugin", "my_plugin", "--check-plugin"]) == 0


def test_the_example_is_listed_trained_measured_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--plugin", "my_plugin", "--list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "WarmVAE" in found["models"] and "stripes" in found["datasets"] and "brightness_error" in found["metrics"]
    assert main([*MINE, "--jobs", "1"]) == 0
    (cell,) = [line for line in lines() if line["metric"] == "brightness_error"]
    assert (cell["model"], cell["dataset"], cell["status"], cell["n"]) == ("WarmVAE", "stripes", "ok", "50")
    assert "Brightness" in Path("results/mine/table.md").read_text()
    (folder,) = Path("results/mine/runs").glob("warm-*")
    assert type(load_model(folder)).__name__ == "WarmVAE"


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["workers", "dask"])
def test_a_plug_in_travels_to_other_processes(executor: str) -> None:
    if executor == "dask":
        pytest.importorskip("distributed")
    assert main([*MINE, "--seeds", "0,1", "--jobs", "2", "--executor", executor]) == 0
    assert {line["status"] for line in lines() if line["metric"] == "brightness_error"} == {"ok"}


def test_a_metric_that_is_added_measures_stored_models_anew() -> None:
    def identity() -> tuple[str, str]:
        loaded = suite.load("digits", "small")
        run = suite.expand(loaded, "digits", "small", seeds=[0], shape=(1, 8, 8))[0]
        return run.id, run.evaluation_id

    before = identity()
    plugins.load(["my_plugin"])
    assert identity()[0] == before[0] and identity()[1] != before[1]


def test_a_plug_in_is_loaded_once_and_all_or_nothing() -> None:
    plugins.load(["my_plugin", "my_plugin"])
    plugins.load(["my_plugin"])
    assert plugins.loaded() == ("my_plugin",) and plugins.entries("MODELS") == ("WarmVAE",)
    Path("theirs.py").write_text(
        "from models import ModelEntry\nfrom my_plugin import DATASETS\n"
        "MODELS = {'New': ModelEntry('theirs:New', 'stock', 'new')}\n"
    )
    with pytest.raises(ValueError, match="'stripes' of DATASETS is taken"):
        plugins.load(["theirs"])
    assert "New" not in MODELS and plugins.loaded() == ("my_plugin",)


# What the contract tells


HEAD = """
import torch
from pythae.models import VAE, VAEConfig
from bench.data import DatasetEntry
from bench.metrics.types import Metric
from models import ModelEntry
from models.bidirectional import with_networks
from my_plugin import _Warm

"""
MODEL = "\nMODELS = {'Mine': ModelEntry('theirs:Mine', 'unidirectional', 'mine')}\n"
BAD = [
    ("MODELS = {'Mine': ModelEntry('theirs:Nobody', 'stock', 'x')}", "no attribute 'Nobody'"),
    ("MODELS = {'Mine': ModelEntry('theirs', 'stock', 'x')}", "ValueError"),
    ("Mine = dict" + MODEL, "no subclass of pythae's BaseAE"),
    ("Mine = with_networks(_Warm, VAEConfig, 'Other', __name__)" + MODEL, "must be named Mine and MineConfig"),
    ("class Mine(VAE):\n    config_class = type('MineConfig', (VAEConfig,), {})" + MODEL, "no network"),
    ("Mine = with_networks(VAE, VAEConfig, 'Mine', __name__)" + MODEL, "capabilities lack encode"),
    ("class M(_Warm):\n    capabilities = _Warm.capabilities | {'fly'}\n"
     "Mine = with_networks(M, VAEConfig, 'Mine', __name__)" + MODEL, "capabilities fly are none of"),
    ("class M(_Warm):\n    def weights(self, epoch):\n        return {'kl': float('nan')}\n"
     "Mine = with_networks(M, VAEConfig, 'Mine', __name__)" + MODEL, "not one finite number"),
    ("class M(_Warm):\n    def embed(self, x):\n        return self.posterior(x).rsample(1)[:, 0]\n"
     "Mine = with_networks(M, VAEConfig, 'Mine', __name__)" + MODEL, "other codes the second time"),
    ("class M(_Warm):\n    def __init__(self, *a):\n        super().__init__(*a)\n"
     "        self.unused = torch.nn.Linear(2, 2)\n"
     "Mine = with_networks(M, VAEConfig, 'Mine', __name__)" + MODEL, "the loss reaches no unused.weight"),
    ("Mine = with_networks(_Warm, VAEConfig, 'Mine', __name__)"
     "\nMODELS = {'Mine': ModelEntry('theirs:Mine', 'sideways', 'x')}", "'sideways' is no column"),
    ("def f(a, *, sets):\n    pass\nMETRICS = {'m': Metric('M', '', 'lower', 'theirs:f', ('test_images',), 'T.')}",
     "must take (test_images), and of setting and rng what it uses"),
    ("def f(a, *, setting, rng):\n    pass\nMETRICS = {'m': Metric('M', '', 'up', 'theirs:f', ('test_images',), 'T.')}",
     "direction 'up'"),
    ("def f(a, *, setting, rng):\n    pass\nMETRICS = {'m': Metric('M', '', 'lower', 'theirs:f', ('pixels',), 'T.')}",
     "'pixels' is no array"),
    ("DATASETS = {'d': DatasetEntry('theirs:load', 'D', (1, 8, 8), 2)}", "no attribute 'load'"),
    ("def load():\n    pass\nDATASETS = {'d': DatasetEntry('theirs:load', 'D', (1, 8, 8), 2)}",
     "must take (places, settings)"),
    ("def load(a, b):\n    pass\nDATASETS = {'d': DatasetEntry('theirs:load', 'D', (2, 8, 8), 2)}", "1 or 3 channels"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD, ids=[said for _, said in BAD])
def test_an_author_is_told_what_is_missing(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    plugins.load(["my_plugin"])
    Path("theirs.py").write_text(HEAD + text)
    assert main(["--plugin", "theirs", "--check-plugin"]) == 2
    told = [line for line in capsys.readouterr().out.splitlines() if said in line]
    assert len(told) == 1 and told[0].startswith("theirs: ")


# Pickles


@pytest.fixture
def stock_folder(tmp_path: Path) -> Path:
    """What Pythae stores of a VAE with an encoder of one's own: the encoder as a pickle, here a hostile one."""
    import torch
    from pythae.models import VAE, VAEConfig
    from pythae.models.nn.default_architectures import Encoder_VAE_MLP

    class Own(Encoder_VAE_MLP):
        pass

    config = VAEConfig(input_dim=(1, 8, 8), latent_dim=2)
    torch.manual_seed(0)
    VAE(config, encoder=Own(config)).save(str(tmp_path / "stock"))
    assert (tmp_path / "stock" / "encoder.pkl").is_file()
    return tmp_path / "stock"


def test_a_pickle_is_loaded_only_where_it_is_trusted(stock_folder: Path) -> None:
    import torch

    with pytest.raises(ValueError, match=r"encoder.pkl, which would run code when loaded; --trust-pickle"):
        load_model(stock_folder)
    model = load_model(stock_folder, trust_pickle=True)
    assert model.embed(torch.zeros(3, 1, 8, 8)).shape == (3, 2)


def test_a_hostile_pickle_is_not_run(stock_folder: Path) -> None:
    (stock_folder / "encoder.pkl").write_bytes(b"cos\nsystem\n(S'touch hacked'\ntR.")
    with pytest.raises(ValueError, match="would run code"):
        load_model(stock_folder)
    assert not os.path.exists("hacked")
