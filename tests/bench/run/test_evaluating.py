"""What comes from elsewhere is measured without training, stored, and placed beside stored rows."""

import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from pythae import models as pythae

import bench
from bench.data import load
from bench.errors import BadInput
from bench.run import main, vae_bench
from bench.run.evaluating import Evaluated
from bench.storage import packed

ROOT = Path(__file__).parents[3]
FEW = (
    *("evaluation.images=60", "evaluation.nll_images=20", "evaluation.nll_samples=3", "evaluation.gmm_images=60"),
    *("evaluation.gmm_components=2", 'evaluation.samplers=["normal", "gmm", "own"]', 'evaluation.probes=["linear"]'),
    'evaluation.extras=["densities", "kernel"]',
)
# Pythae's 25 models, and metrics that each has whatever its networks are.
POINTS = ("AE", "WAE_MMD", "RAE_L2", "RAE_GP", "VQVAE")
NO_DENSITY = ("MSSSIM_VAE", "VAEGAN", "VAE_LinNF")
DENSITIES = (
    *("VAE", "BetaVAE", "BetaTCVAE", "DisentangledBetaVAE", "FactorVAE", "INFOVAE_MMD", "IWAE", "MIWAE", "CIWAE"),
    *("PIWAE", "Adversarial_AE", "VAMP", "SVAE", "PoincareVAE", "HVAE", "RHVAE", "VAE_IAF"),
)
QUICK = ("VAE", "VQVAE", "RHVAE")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def room(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


def checkpoint(name: str, folder: Path) -> Path:
    """Write a model of Pythae's with its default networks, as its trainers do."""
    torch.manual_seed(0)
    kind = getattr(pythae, name)
    config = next(getattr(pythae, f"{name}{end}") for end in ("Config", "_Config") if hasattr(pythae, f"{name}{end}"))
    model = kind(config(input_dim=(1, 8, 8), latent_dim=4))
    if name == "RHVAE":  # whose metric is of random matrices before the first epoch
        model.train()({"data": torch.rand(20, 1, 8, 8)})
        model.update()
    model.save(str(folder / "VAE_training" / "final_model"))
    return folder


def values(found: Evaluated) -> dict[tuple[str, str], float]:
    return {(m.metric, m.setting): m.value for m in found.measurements if m.value is not None}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in (*POINTS, *NO_DENSITY, *DENSITIES)],
)
def test_a_checkpoint_of_pythae_has_a_number_for_each_metric_whose_needs_it_meets(name: str, tmp_path: Path) -> None:
    found = bench.evaluate(checkpoint(name, tmp_path / "model"), "digits", settings=FEW)
    wrong = [m for m in found.measurements if m.status == "failed" or (m.value is None) != bool(m.reason)]
    assert not wrong
    known = values(found)
    assert {("psnr", "reconstruction=mean"), ("rfd_classifier", ""), ("probe_accuracy", "probe=linear")} <= known.keys()
    assert ("fd_classifier", "sampler=own") in known and ("parameters", "") in known
    density = ("nll", "") in known
    assert density == (name in DENSITIES) == (("neg_elbo", "") in known)
    assert (("active_units", "") in known) == (name not in POINTS and name != "VAE_LinNF")


def test_there_are_25_models_of_pythae() -> None:
    assert len({*POINTS, *NO_DENSITY, *DENSITIES}) == 25


def test_an_nll_of_a_checkpoint_is_that_of_the_model(tmp_path: Path) -> None:
    from bench.likelihood import nll

    found = bench.evaluate(checkpoint("VAE", tmp_path / "model"), "digits", settings=FEW)
    model = pythae.AutoModel.load_from_folder(str(tmp_path / "model" / "VAE_training" / "final_model"))
    images = torch.from_numpy(load("digits").test.images[:20])
    exact = nll(model, images, 500, generator=torch.Generator().manual_seed(0))
    measured = next(m for m in found.measurements if m.metric == "nll")
    assert measured.value == pytest.approx(float(exact.mean()), abs=4 * float(exact.std()) / 20**0.5 + 1)


def test_pickles_are_loaded_only_when_they_are_trusted(tmp_path: Path) -> None:
    from pythae.models.nn.default_architectures import Encoder_VAE_MLP

    config = pythae.VAEConfig(input_dim=(1, 8, 8), latent_dim=4)
    pythae.VAE(config, encoder=Encoder_VAE_MLP(config)).save(str(tmp_path / "own"))
    with pytest.raises(BadInput, match="encoder.pkl.*--trust-pickle"):
        bench.evaluate(tmp_path / "own", "digits", settings=FEW)
    assert ("nll", "") in values(bench.evaluate(tmp_path / "own", "digits", settings=FEW, trust_pickle=True))


def test_a_model_of_the_hub_comes_through_pythaes_own_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="huggingface_hub"):
        bench.evaluate("somebody/vae", "digits", settings=FEW)
    place = checkpoint("VAE", tmp_path / "hub") / "VAE_training" / "final_model"
    fake = types.ModuleType("huggingface_hub")
    fake.hf_hub_download = lambda repo_id, filename: str(place / filename)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    monkeypatch.setattr("pythae.models.auto_model.auto_model.hf_hub_is_available", lambda: True)
    monkeypatch.setattr("pythae.models.vae.vae_model.hf_hub_is_available", lambda: True, raising=False)
    monkeypatch.setattr("pythae.models.base.base_model.hf_hub_is_available", lambda: True)
    assert ("nll", "") in values(bench.evaluate("somebody/vae", "digits", settings=FEW))


def pngs(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image[0]).save(folder / f"{i:04}.png")
    return folder


def test_images_are_scored_as_what_they_are(tmp_path: Path) -> None:
    data = load("digits")
    test, random = data.test.images[:60], np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8), dtype=np.uint8)
    of_test = values(bench.evaluate(pngs(tmp_path / "same", test), "digits", settings=FEW))
    key = ("fd_classifier", "sampler=own")
    assert of_test[key] == pytest.approx(0, abs=1e-3)
    np.savez(tmp_path / "noise.npz", images=random.transpose(0, 2, 3, 1))
    of_noise = bench.evaluate(tmp_path / "noise.npz", "digits", settings=FEW)
    assert values(of_noise)[key] > 10 and ("parameters", "") not in values(of_noise)
    as_floats = values(bench.evaluate(random.astype(np.float32) / 255, "digits", settings=FEW))
    assert as_floats[key] == pytest.approx(values(of_noise)[key], rel=1e-6)
    reasons = {m.metric: m.reason for m in of_noise.measurements}
    assert reasons["nll"] == "the model has no likelihood" and reasons["parameters"].startswith("no network")
    np.savez(tmp_path / "small.npz", images=random[:, :, :4])
    with pytest.raises(BadInput, match="gives images"):
        bench.evaluate(tmp_path / "small.npz", "digits", settings=FEW)


def test_a_function_and_a_module_of_ones_own_are_samplers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_sampler.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__(); self.layer = torch.nn.Linear(3, 64)\n"
        "    def sample(self, n): return self.layer(torch.randn(n, 3)).sigmoid().reshape(n, 1, 8, 8)\n"
        "    def embed(self, x): return x.flatten(1)[:, :5]\n"
        "def make(): torch.manual_seed(0); return Net()\n"
        "def draw(): return lambda n: torch.rand(n, 1, 8, 8)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    net = values(bench.evaluate("my_sampler:make", "digits", settings=FEW))
    assert ("probe_accuracy", "probe=linear") in net and net["parameters", ""] == 256
    assert values(bench.evaluate("my_sampler:make", "digits", settings=FEW)) == net
    drawn = values(bench.evaluate("my_sampler:draw", "digits", settings=FEW))
    assert ("fd_classifier", "sampler=own") in drawn and ("probe_accuracy", "probe=linear") not in drawn
    for wrong in ("my_sampler:nothing", "nowhere", "no_module:f"):
        with pytest.raises(BadInput):
            bench.evaluate(wrong, "digits", settings=FEW)


def test_a_row_stands_beside_the_stored_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = checkpoint("VAE", tmp_path / "model")
    few = ["--set", "evaluation.nll_samples=2", "--set", "evaluation.images=60"]
    assert vae_bench(["evaluate", str(place), "--beside", "digits", "--name", "mine", *few]) == 0
    said = capsys.readouterr().out
    table = Path("runs/digits-beside/table.md").read_text()
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    assert rows.count("mine") == 1 and {"VAE", "Bidirectional VAE", "VAE, control", "IWAE, stock"} <= set(rows)
    stored = (ROOT / "results" / "digits" / "table.md").read_text()
    (before,) = [line for line in stored.splitlines() if line.startswith("| VAE |")]
    (after,) = [line for line in table.splitlines() if line.startswith("| VAE |")]
    assert before.split("|")[2:9] == after.split("|")[2:9]
    assert "other settings of the evaluation: nll_samples, images" in said and "mine" in said.splitlines()[0]
    assert vae_bench(["evaluate", str(place), "--beside", "digits", "--name", "second", *few]) == 0
    again = Path("runs/digits-beside/table.md").read_text()
    assert "| mine |" in again and "| second |" in again
    frame = bench.results("runs/digits-beside")
    assert isinstance(frame, pd.DataFrame) and {"mine", "second", "VAE"} <= set(frame["row"])
    assert len(packed.facts(Path("runs/digits-beside"))) == 84 + 2 + 2
    distance = frame[(frame["metric"] == "fd_classifier") & (frame["setting"] == "sampler=normal")]
    anchors = distance.set_index("row").loc[["training images", "mine", "noise"], "value"]
    assert anchors["training images"] < anchors["mine"] and anchors["training images"] < anchors["noise"]


def test_importing_bench_loads_no_torch() -> None:
    code = "import sys, bench; print({'torch', 'pandas'} & set(sys.modules)); bench.evaluate; bench.results"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert not hasattr(bench, "no_such_name")


# results, check


def test_results_of_the_package_are_a_table() -> None:
    frame = bench.results("digits")
    assert len(frame.groupby(["row", "variant", "seed"])) == 84
    one = frame[(frame["row"] == "VAE") & (frame["variant"] == "stock") & (frame["metric"] == "nll")]
    assert one["value"].mean() == pytest.approx(24.08, abs=0.01) and set(one["version"]) == {1}
    with pytest.raises(BadInput, match="did you mean 'digits'"):
        bench.results("digit")


def test_check_says_whether_results_are_whole_and_of_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    folder = tmp_path / "theirs" / "digits"
    folder.mkdir(parents=True)
    for name in ("suite.json", "digests.jsonl", "pictures.zip"):
        shutil.copy(ROOT / "results" / "digits" / name, folder)
    assert vae_bench(["check", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "84 of 84 runs may stand in digits, preset small" in said and "metric nll: version 1, today 2" in said
    assert "SHA-256 8f39fd71a7c7c676" in said
    lines = (folder / "digests.jsonl").read_text().splitlines()
    lines[3] = lines[3].replace('"seed":', '"seed": ', 1)
    (folder / "digests.jsonl").write_text("\n".join(lines))
    assert vae_bench(["check", str(folder)]) == 1
    assert "not whole" in capsys.readouterr().out


def test_rows_are_added_to_what_is_stored_without_training_that_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "more.toml").write_text(
        'extends = "digits"\ntitle = "With a row more"\n'
        '[[add_rows]]\nrow = "Info"\nmodel = "InfoVAE"\nvariants = ["stock"]\n'
    )
    assert vae_bench(["plan", "more.toml", "--preset", "small", "--seeds", "0", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 29
    rows = ["--models", "VAE/stock,IWAE/control", "--seeds", "0", "--jobs", "1"]
    assert main(["--suite", "more.toml", "--preset", "small", *rows]) == 0
    assert "2 finished before and skipped" in capsys.readouterr().err
    assert not list(Path("runs/more/runs").glob("*/model"))
    assert "| VAE, stock |" in Path("runs/more/table.md").read_text()


def test_a_suite_that_the_package_carries_is_reported_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("report.figures.registry.draw_figures", lambda *_: [])
    assert vae_bench(["report", "digits"]) == 0
    assert "table.tex" in capsys.readouterr().out
    committed = (ROOT / "results" / "digits" / "table.tex").read_text()
    rows = [line.split(" & ")[0] for line in committed.splitlines() if " & " in line]
    assert [
        line.split(" & ")[0] for line in Path("runs/digits/table.tex").read_text().splitlines() if " & " in line
    ] == rows
    assert vae_bench(["report", "digits"]) == 0
    assert vae_bench(["report", "digitz"]) == 2
    assert "did you mean 'digits'" in capsys.readouterr().err
