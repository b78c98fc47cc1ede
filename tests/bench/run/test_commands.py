"""`vae-bench` and its commands: what they take, refuse, print and suggest."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bench.command import settings
from bench.command.options import COMMANDS
from bench.run import main, vae_bench
from bench.study import suite_files
from bench.study.suite import load

ROOT = Path(__file__).parents[3]


def test_help_names_every_command_without_the_heavy_libraries() -> None:
    code = "import sys; from bench.run import vae_bench; vae_bench(sys.argv[1:]); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "False"
    assert {line.split()[0] for line in done.stdout.splitlines()[2:-3]} == set(COMMANDS)


def test_the_old_form_is_the_command_run(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--preset", "small", "--models", "VAE/stock", "--json"]
    assert main(["--suite", "mnist", "--dry-run", *words]) == 0
    before = capsys.readouterr().out
    for command in (["plan", "mnist"], ["run", "mnist", "--dry-run"], ["run", "--suite", "mnist", "--dry-run"]):
        assert vae_bench([*command, *words]) == 0
        assert capsys.readouterr().out == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lst"], "did you mean 'list'"),
        (["run", "MNIST"], "did you mean 'mnist'"),
        (["plan", "mnist", "--models", "vae/bidirectionl"], "did you mean 'VAE/bidirectional'"),
        (["plan", "--seeds", "5-3"], "ranges of them such as 0-9"),
        (["plan", "--add-row", "StockFactorVEA"], "did you mean 'StockFactorVAE'"),
        (["settings", "digits", "BetaVEA"], "did you mean 'BetaVAE'"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "said",
)
def test_a_misspelt_name_gets_a_suggestion(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert vae_bench([*words, *(["--preset", "small"] if words[0] != "lst" else [])]) == 2
    assert said in capsys.readouterr().err


def planned(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    assert vae_bench(["plan", *words, "--preset", "small", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_seeds_are_numbers_and_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    runs = planned(capsys, "--models", "VAE/stock", "--seeds", "0-3,7,2")
    assert [run["seed"] for run in runs] == [0, 1, 2, 3, 7]


def test_a_row_that_is_added_is_all_that_a_call_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runs = planned(capsys, "--add-row", "StockFactorVAE", "--seeds", "0")
    assert [(run["model"], run["variant"]) for run in runs] == [("StockFactorVAE", "stock")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mnist", "--set", "latent_dim=3"], "row 'beta-VAE 1.5 z128' has a latent_dim of its own"),
        (["digits", "--set", "options.BetaVAE.beta=3"], "row 'beta-VAE 1.5' has 1.5"),
        (["m2-mnist", "--set", "data.labels_per_class=10"], "row"),
        (["priors-epochs-digits", "--set", "epochs=2"], "row 'VAE + RealNVP 640 epochs 4e-3' has 640"),
        (["priors-epochs-digits", "--set", "learning_rate=1"], "640 epochs 4e-3' has 0.004"),
        (["svae-mnist", "--set", "data.pixels=dynamic", "--preset", "medium"], "has 'sampled'"),
        (["anchors-mnist", "--set", "pixels=sampled", "--models", "MIWAE*"], "row 'MIWAE-8/8' has 'dynamic'"),
        (["svae-toy", "--set", "network.encoder=[8]"], "the preset's grid sets network.encoder"),
    ],
)
def test_a_setting_that_a_row_hides_is_an_error(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vae_bench(["plan", "--preset", "small", *words[1:], "--suite", words[0]]) == 2
    assert said in capsys.readouterr().err


def test_a_setting_counts_where_no_chosen_row_hides_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert vae_bench(["plan", "mnist", "--preset", "small", "--models", "VAE/*", "--set", "latent_dim=3"]) == 0
    assert vae_bench(["plan", "--preset", "small", "--set", "dataset=imagefolder", "--set", "data.size=64"]) == 0
    assert "Folder of images" in capsys.readouterr().out


# settings


def test_every_key_that_settings_prints_is_taken_and_has_a_meaning() -> None:
    found = list(settings.keys("digits", "small", "BetaVAE"))
    assert all(key.meaning and key.type for key in found)
    names = [key.name for key in found]
    assert len(set(names)) == len(names)
    assert {"epochs", "evaluation.nll_samples", "network.channels", "options.BetaVAE.beta", "data.pixels"} <= set(names)
    for key in found:
        hidden = key.name in ("published", "note", "title", "seeds", "grid", "evaluation.annealing")
        if key.default in ("null", "{}") or hidden or key.name.startswith("evaluation.annealing."):
            continue
        value = key.default if key.name not in ("data",) else None
        assert load("digits", "small", [f"{key.name}={value}"]), key.name


def test_settings_of_every_suite_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for name in suite_files.names():
        preset = next(iter(suite_files.read(suite_files.find(name))["presets"]))
        assert vae_bench(["settings", name, "--preset", preset, "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)) > 30


def test_the_schema_names_the_keys_of_every_suite_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert vae_bench(["settings", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)

    def check(value: Any, kind: dict[str, Any], where: str) -> None:
        if "$ref" in kind:
            kind = schema["$defs"][kind["$ref"].rpartition("/")[2]]
        if isinstance(value, dict) and "properties" in kind:
            assert value.keys() <= kind["properties"].keys(), where
            for key, inner in value.items():
                assert kind["properties"][key], f"{where}.{key}"
                check(inner, kind["properties"][key], f"{where}.{key}")
        elif isinstance(value, dict) and isinstance(kind.get("additionalProperties"), dict):
            for key, inner in value.items():
                check(inner, kind["additionalProperties"], f"{where}.{key}")
        elif isinstance(value, list) and "items" in kind:
            for inner in value:
                check(inner, kind["items"], where)

    for path in (*suite_files.SUITES.glob("*.toml"), *suite_files.SUITES.glob("base/*.toml")):
        check(tomllib.loads(path.read_text()), schema, path.name)
    described = [key for key, field in schema["properties"].items() if field.get("description")]
    assert {"title", "dataset", "extends"} <= set(described)
