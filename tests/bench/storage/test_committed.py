"""Results that others carried out, of which the packed digests alone are here, are kept, told of, and shown."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from bench.run import main
from bench.storage import packed
from bench.storage.stored import committed

SUITE = """
title = "A study"
dataset = "digits"
seeds = [0, 1]
rows = [{ row = "VAE", model = "VAE", variants = ["unidirectional", "bidirectional"] }]
[presets.small]
latent_dim = 2
epochs = 1
train_images = 100
network = { channels = [4], strides = [2], hidden = [8] }
evaluation = { nll_samples = 2, nll_images = 20, tsne_images = 0, gmm_images = 50, images = 40 }
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a tiny suite as a clone has them: without the folders that runs write."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        (folder / "mine.toml").write_text(SUITE)
        patch.chdir(folder)
        assert main(["--suite", "mine.toml", "--preset", "small", "--jobs", "1", "--results", "results"]) == 0
    for made in ("runs", "digests"):
        shutil.rmtree(folder / "results" / "mine" / made)
    return folder


@pytest.fixture(autouse=True)
def clone(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is the current folder."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(whole / "cache"))
    return tmp_path / "results" / "mine"


def call(*arguments: str) -> int:
    return main(["--suite", "mine.toml", "--preset", "small", "--jobs", "1", *arguments])


def shown(folder: Path) -> set[tuple[str, str]]:
    with (folder / "measurements.csv").open(newline="") as file:
        return {(line["variant"], line["seed"]) for line in csv.DictReader(file) if line["status"] == "ok"}


ALL = {(variant, seed) for variant in ("unidirectional", "bidirectional") for seed in "01"}


def test_status_of_a_clone_knows_what_others_carried_out(capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--set", "epochs=1"]):
        assert call("--status", "--results", "results", *more) == 0
        assert "4 done, 0 running, 0 failed, 0 to do, of 4 runs" in capsys.readouterr().out
    assert call("--status", "--results", "results", "--set", "epochs=2") == 0
    assert "nothing was begun with these settings; 4 runs to do" in capsys.readouterr().out


def test_what_others_finished_is_not_trained_again_and_a_few_runs_leave_the_whole_table(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (clone / "measurements.csv").read_text()
    assert call("--models", "VAE/unidirectional", "--seeds", "0", "--results", "results") == 0
    assert "1 finished before and skipped" in capsys.readouterr().err
    assert (clone / "measurements.csv").read_text() == before and not list(clone.glob("runs/vae*"))
    assert call("--models", "VAE/unidirectional", "--seeds", "2", "--results", "results") == 0
    assert shown(clone) == ALL | {("unidirectional", "2")}
    assert call("--models", "VAE/unidirectional", "--seeds", "0", "--force", "--results", "results") == 0
    assert len(list(clone.glob("runs/vae*"))) == 2 and shown(clone) == ALL | {("unidirectional", "2")}


def test_other_evaluation_settings_measure_anew_and_keep_the_other_rows(clone: Path) -> None:
    more = ["--set", "evaluation.nll_images=10", "--models", "VAE/unidirectional", "--seeds", "0"]
    assert call(*more, "--results", "results") == 0
    assert shown(clone) == ALL
    counts = {
        d["id"]: next(m["n"] for m in d["measurements"] if m["metric"] == "nll") for d in packed.facts(clone).values()
    }
    assert sorted(counts.values()) == [10, 20, 20, 20]


def test_a_run_writes_to_runs_and_no_claims(clone: Path) -> None:
    before = {path: path.read_bytes() for path in Path("results").rglob("*") if path.is_file()}
    assert call("--models", "VAE/unidirectional", "--seeds", "0") == 0
    assert {path: path.read_bytes() for path in Path("results").rglob("*") if path.is_file()} == before
    assert Path("runs/mine/table.md").is_file() and Path("runs/index.html").is_file()
    assert not Path("runs/claims.md").exists()


def test_the_package_carries_results_of_its_suites() -> None:
    folder = committed()
    assert folder is not None
    about = json.loads((folder / "digits" / "suite.json").read_text())
    assert set(about["runs"].values()) == set(packed.facts(folder / "digits"))
