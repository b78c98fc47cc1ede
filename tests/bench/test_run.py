"""The command line: what it prints, refuses, writes, skips and makes anew."""

import csv
import html
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BadInput
from bench.run import main
from bench.study import suite_files
from models import MODELS, NO_TWIN, load_model
from models.networks.two_way import count_parameters

ROOT = Path(__file__).parents[2]
KEY = ["suite", "row", "model", "variant", "dataset", "preset", "setting", "seed", "metric"]
COLUMNS = [*KEY, "value", "se", "n", "status", "reason", "path"]
PAIR = ["--models", "VAE/unidirectional,VAE/bidirectional"]
SMALL = (
    *("epochs=1", "train_images=100", "network.channels=[16]", "network.strides=[2]", "controls=[]"),
    *("evaluation.nll_samples=5", "evaluation.tsne_images=30", "evaluation.gmm_images=100"),
)
TINY = ["--suite", "digits", "--preset", "small", "--seeds", "0", "--jobs", "1"]
TINY += [word for setting in SMALL for word in ("--set", setting)]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's cache folder for these tests: the suite's classifier is trained once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """No real data, no user's cache, one thread, no network."""
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr("socket.socket.connect", _no_network)


def _no_network(*arguments: Any) -> None:
    raise OSError("there is no network in tests")


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The results of one tiny pair; tests that change them take a copy."""
    results = tmp_path_factory.mktemp("pair")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setattr(os, "cpu_count", lambda: 1)
        assert main([*TINY, *PAIR, "--results", str(results)]) == 0
    return results / "digits"


@pytest.fixture
def copy(pair: Path, tmp_path: Path) -> Path:
    """A copy of the tiny pair's results: the folder to give as --results."""
    shutil.copytree(pair, tmp_path / "results" / "digits")
    return tmp_path / "results"


def lines_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "measurements.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def models_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return when each stored model was written, and its bytes."""
    return {p.parts[-3]: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.glob("runs/*/model/model.pt")}


# --list and --dry-run


def test_list_has_exactly_four_keys_and_imports_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; from bench.run import main; code = main(['--list', '--json']);"
        "print([n for n in ('torch', 'numpy', 'pythae', 'pandas', 'matplotlib') if n in sys.modules], file=sys.stderr);"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    found = json.loads(done.stdout)
    assert list(found) == ["suites", "models", "datasets", "metrics"]
    assert {"celeba", "cifar10", "digits", "fashion", "mnist"} <= set(found["suites"])
    assert {"celeba", "cifar10", "digits", "fashion", "imagefolder", "mnist"} <= set(found["datasets"])
    assert {"VAE", "BidirectionalVAE", "StockVAE"} <= set(found["models"])
    assert {"nll", "active_units", "psnr", "ssim", "fid", "rfid", "probe_accuracy"} <= set(found["metrics"])


def test_list_without_json_names_the_same_things(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in suite_files.names():
        assert [line.split(maxsplit=1)[1] for line in lines if line.split()[0] == name] == [suite_files.titles()[name]]
    shown = {name for line in lines if line.startswith("models, ") for name in line.partition(": ")[2].split(", ")}
    assert set(MODELS) <= shown
    for name, reason in NO_TWIN.items():
        assert f"models, not bidirectional: {name}: {reason}" in lines


def dry_run(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main([*arguments, "--dry-run", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_dry_run_lists_runs_with_the_promised_fields(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    results = tmp_path / "results"
    runs = dry_run(capsys, "--suite", "mnist", "--preset", "small", "--seeds", "3", "--results", str(results))
    promised = {"row", "model", "variant", "dataset", "seed", "parameters", "path"}
    assert all(promised <= set(run) for run in runs)
    assert Counter(run["variant"] for run in runs) == {
        "unidirectional": 8,
        "bidirectional": 8,
        "stock": 7,
        "control": 1,
    }
    assert {(run["dataset"], run["seed"]) for run in runs} == {("mnist", 3)}
    assert all(Path(run["path"]).parent == results / "mnist" / "runs" for run in runs)
    assert len({run["path"] for run in runs}) == len(runs)
    assert not results.exists()


def test_controls_have_the_bidirectional_parameters_and_stock_rows_the_unidirectional(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = dry_run(capsys, "--suite", "digits", "--preset", "small", "--seeds", "0")
    count = {(run["row"], run["variant"]): run["parameters"] for run in runs}
    for row in dict.fromkeys(run["row"] for run in runs):
        assert count[row, "control"] == pytest.approx(count[row, "bidirectional"], rel=0.02)
        assert count[row, "stock"] == count[row, "unidirectional"]
        assert count[row, "bidirectional"] < 0.6 * count[row, "unidirectional"]


def test_dry_run_counts_what_is_then_trained(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for run in dry_run(capsys, *TINY, *PAIR, "--results", str(pair.parent)):
        assert count_parameters(load_model(run["path"])) == run["parameters"]


def test_dry_run_as_text_has_a_line_a_run_and_a_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TINY, *PAIR, "--dry-run"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert "2 runs" in out[0]
    assert [line.split()[:2] for line in out[1:3]] == [["VAE", "unidirectional"], ["VAE", "bidirectional"]]
    assert "evaluation: " in out[3] and out[3].endswith(" min on one core")


# Bad input


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite", "digit"], "did you mean 'digits'"),
        (["--models", "VEA"], "did you mean 'VAE'"),
        (["--seeds", "one"], "--seeds: 'one'"),
        (["--seeds", "-1"], "--seeds: '-1'"),
        (["--seeds", ""], "--seeds"),
        (["--seeds", "²"], "--seeds"),
        (["--seeds", "99999999999999999999999"], "--seeds"),
        (["--jobs", "-2"], "--jobs -2"),
        (["--jobs", "0"], "--jobs 0"),
        (["--set", "epochs"], "write key=value"),
        (["--set", "epoch=1"], "did you mean 'epochs'"),
        (["--set", "network.norm=layer"], "norm"),
        (["--set", "evaluation.nll_sample=1"], "did you mean 'nll_samples'"),
        (["--set", "options.VAE.bta=1", "--dry-run"], "bta"),
        (["--set", "dataset=nope"], "nope"),
        (["--fid-weights", "nowhere.pth"], "--fid-weights nowhere.pth"),
        (["--suite", "mnist"], "--data-dir"),
        (["--suite", "cifar10"], "--data-dir"),
        (["--data-dir", "nowhere", "--suite", "fashion"], "nowhere"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "said",
)
def test_bad_input_is_one_line_and_exit_code_2_and_writes_nothing(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert main([*TINY, *PAIR, "--results", "results", *arguments]) == 2
    captured = capsys.readouterr()
    complaint = [line for line in captured.err.splitlines() if line.startswith("bench: ")]
    assert complaint == captured.err.splitlines()[-1:]
    assert said in complaint[0]
    assert captured.out == ""
    assert not Path("results").exists()


def test_bad_input_is_the_only_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--suite", "digit"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_missing_data_is_said_alone_and_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["--suite", "mnist", "--preset", "small", "--results", str(tmp_path / "results")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "data") in line
    assert "train-images" in line and "--data-dir" in line


def test_results_that_cannot_be_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    assert main([*TINY, *PAIR, "--results", str(tmp_path / "results")]) == 2


def test_weights_that_are_not_inceptions_are_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(b"nothing of the kind")
    weights = ["--fid-weights", str(tmp_path / "weights.pth")]
    assert main([*TINY, *PAIR, *weights, "--results", str(tmp_path / "results")]) == 2
    assert not (tmp_path / "results").exists()


# A real run


def test_a_run_leaves_table_figures_measurements_and_small_digests(pair: Path) -> None:
    tables = {"suite.json", "measurements.csv", "table.csv", "table.tex", "table.md"}
    figures = {"samples.png", "reconstructions.png", "interpolations.png", "backwards.png", "tsne.png", "curves.png"}
    assert tables | figures <= {p.name for p in pair.iterdir()}
    digests = sorted(pair.glob("digests/*"))
    assert len(digests) == 2
    for folder in digests:
        assert {"digest.json", "samples.png", "reconstructions.png"} <= {p.name for p in folder.iterdir()}
        assert sum(p.stat().st_size for p in folder.iterdir()) < 100_000
        assert json.loads((folder / "digest.json").read_text())["status"] == "done"


def test_the_page_gives_a_command_that_plans_the_same_run(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from report.commands import command
    from report.store import read_suite

    suite = read_suite(pair)
    line = command(suite, "VAE", "bidirectional", [0])
    assert line in html.unescape((pair.parent / "index.html").read_text(encoding="utf-8"))
    assert main([*shlex.split(line)[3:], "--results", str(pair.parent), "--dry-run", "--json"]) == 0
    (planned,) = json.loads(capsys.readouterr().out)
    assert Path(planned["path"]).name == suite.runs("VAE", "bidirectional")[0].id


def test_a_run_stores_configuration_provenance_curves_and_per_image_nll(pair: Path) -> None:
    import numpy as np

    for folder in pair.glob("runs/*/"):
        run, record = (json.loads((folder / name).read_text()) for name in ("run.json", "record.json"))
        assert run["training"]["epochs"] == 1
        assert record["curves"]["epoch"] == [1]
        assert {"python", "versions", "git", "hardware", "started", "data", "classifier"} <= set(record["provenance"])
        assert record["provenance"]["data"]["images"] == {"train": 1257, "validation": 180, "test": 360}
        nll = np.load(folder / "arrays.npz")["nll_nats"]
        (cell,) = [m for m in record["measurements"] if m["metric"] == "nll"]
        assert cell["n"] == len(nll) == 360
        assert cell["value"] == pytest.approx(nll.mean(), rel=1e-12)
        assert not list(folder.rglob("*.partial"))


def test_measurements_have_the_promised_columns_and_a_unique_key(pair: Path) -> None:
    lines = lines_of(pair)
    assert list(lines[0]) == COLUMNS
    keys = [tuple(line[column] for column in KEY) for line in lines]
    assert len(set(keys)) == len(keys)
    assert {line["variant"] for line in lines} == {"unidirectional", "bidirectional"}
    assert {line["path"] for line in lines} == {f"runs/{p.name}" for p in pair.glob("runs/*/")}
    assert ("nll", "") in {(line["metric"], line["setting"]) for line in lines}
    assert ("fid", "features=inception64;sampler=gmm") in {(line["metric"], line["setting"]) for line in lines}


def test_measurements_are_exactly_what_the_evaluator_stored(pair: Path) -> None:
    written = {(line["path"], line["metric"], line["setting"]): line for line in lines_of(pair)}
    stored = 0
    for folder in pair.glob("runs/*/"):
        for cell in json.loads((folder / "record.json").read_text())["measurements"]:
            line = written[f"runs/{folder.name}", cell["metric"], cell["setting"]]
            stored += 1
            for field in ("value", "se", "n"):
                read = float(line[field]) if line[field] else None
                assert read == cell[field], (cell["metric"], field)
            assert line["status"] == cell["status"]
            assert line["reason"] == (cell["reason"] or "")
    assert stored == len(written)


def test_a_blank_cell_has_a_reason_and_no_other_has(pair: Path) -> None:
    for line in lines_of(pair):
        assert line["status"] in ("ok", "blank")
        assert (line["value"] == "") == (line["status"] == "blank") == (line["reason"] != "")


def test_a_second_call_skips_and_says_so(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, measured = models_of(copy / "digits"), (copy / "digits" / "measurements.csv").read_text()
    assert main([*TINY, *PAIR, "--results", str(copy)]) == 0
    assert "2 finished before and skipped" in capsys.readouterr().err
    assert models_of(copy / "digits") == before
    assert (copy / "digits" / "measurements.csv").read_text() == measured


def test_another_evaluation_setting_measures_anew_without_training(copy: Path) -> None:
    before = models_of(copy / "digits")
    nlls = [line for line in lines_of(copy / "digits") if line["metric"] == "nll"]
    assert main([*TINY, *PAIR, "--set", "evaluation.nll_images=20", "--results", str(copy)]) == 0
    again = [line for line in lines_of(copy / "digits") if line["metric"] == "nll"]
    assert models_of(copy / "digits") == before
    assert [line["n"] for line in nlls] == ["360", "360"]
    assert [line["n"] for line in again] == ["20", "20"]


def test_force_trains_anew_and_gives_the_same_weights(copy: Path) -> None:
    before = models_of(copy / "digits")
    assert main([*TINY, *PAIR, "--force", "--results", str(copy)]) == 0
    after = models_of(copy / "digits")
    assert set(after) == set(before)
    assert all(after[key][0] > before[key][0] for key in before)
    weights = [{key: value[1] for key, value in found.items()} for found in (before, after)]
    assert weights[0] == weights[1]


def test_force_without_data_keeps_what_is_finished(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*arguments: Any, **keywords: Any) -> None:
        raise BadInput("no such data")

    before = models_of(copy / "digits")
    monkeypatch.setattr("bench.data.load", absent)
    assert main([*TINY, *PAIR, "--force", "--results", str(copy)]) == 2
    assert models_of(copy / "digits") == before


def test_weights_given_later_fill_the_blank_cells(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    class Fake:
        """Stands in for the Inception network."""

        def __init__(self, *arguments: Any) -> None:
            self.provenance = {"weights_sha256": "fake"}

        def features(self, images: np.ndarray) -> dict[str, np.ndarray]:
            flat = images.reshape(len(images), -1)[:, 20:24].astype(np.float64)
            return {"inception64": flat, "inception2048": flat}

    monkeypatch.setattr("bench.evaluation.features.networks.Inception", Fake)
    weights = copy / "weights.pth"
    weights.write_bytes(b"")
    assert main([*TINY, *PAIR, "--fid-weights", str(weights), "--results", str(copy)]) == 0
    assert {line["status"] for line in lines_of(copy / "digits") if line["metric"] == "fid"} == {"ok"}


def test_the_same_run_twice_gives_the_same_measurements_except_time(pair: Path, tmp_path: Path) -> None:
    assert main([*TINY, *PAIR, "--results", str(tmp_path)]) == 0
    once, twice = (
        [line for line in lines_of(folder) if line["metric"] != "seconds_per_epoch"]
        for folder in (pair, tmp_path / "digits")
    )
    assert once == twice


@pytest.mark.slow
def test_workers_give_what_one_process_with_as_many_threads_gives(tmp_path: Path) -> None:
    one_thread = os.environ | {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    alone = [sys.executable, "-m", "bench.run", *TINY, *PAIR, "--results", str(tmp_path / "alone")]
    subprocess.run(alone, cwd=ROOT, env=one_thread, check=True, capture_output=True)
    assert main([*TINY, *PAIR, "--jobs", "2", "--results", str(tmp_path / "together")]) == 0
    found = [
        [line for line in lines_of(tmp_path / how / "digits") if line["metric"] != "seconds_per_epoch"]
        for how in ("alone", "together")
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("metrics", ['evaluation.metrics=["psnr"]', pytest.param("", marks=pytest.mark.slow)])
def test_the_readmes_python_examples_work(
    pair: Path, metrics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 1
    names: dict[str, Any] = {"__name__": "readme"}
    for block in blocks:
        assert (images := '"evaluation.images=60"') in block
        block = block.replace(images, f"{images}, '{metrics}'") if metrics else block
        exec(re.sub(r"\w+/digits/runs/RUN", str(next(pair.glob("runs/*/"))), block), names)
    assert names["model"].embed(names["x"]).shape == (16, 16)
    assert names["Twin"].__name__ == "Twin"


# Runs that end otherwise


def test_a_diverging_run_ends_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = tmp_path / "two.toml"
    network = "{ channels = [4], strides = [2], hidden = [8] }"
    suite.write_text(f"""
title = "One good, one not"
dataset = "digits"
rows = [
    {{ row = "good", model = "BetaVAE", variants = ["unidirectional"], options = {{ beta = 1.0 }} }},
    {{ row = "bad", model = "BetaVAE", variants = ["unidirectional"], options = {{ beta = 1e30 }} }},
]
[presets.small]
latent_dim = 2
epochs = 1
train_images = 100
network = {network}
evaluation = {{ nll_samples = 2, tsne_images = 0, gmm_images = 100 }}
""")
    arguments = ["--suite", str(suite), "--preset", "small", "--jobs", "1", "--results", str(tmp_path), "--json"]
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert {run["row"]: run["status"] for run in json.loads(captured.out)} == {"good": "done", "bad": "diverged"}
    assert "1 of 2 runs done" in captured.err
    lines = lines_of(tmp_path / "two")
    bad = [line for line in lines if line["row"] == "bad"]
    assert {(line["status"], line["value"], line["reason"]) for line in bad} == {
        ("diverged", "", "the loss of epoch 1 is not finite")
    }
    assert len(bad) == len(lines) / 2
    assert (tmp_path / "two" / "table.md").is_file()
    assert main(arguments) == 1  # a finished run of any kind is not taken up again
    assert "2 finished before and skipped" in capsys.readouterr().err


def test_an_absurd_learning_rate_diverges_every_variant(tmp_path: Path) -> None:
    arguments = [*TINY, "--models", "VAE/*", "--set", "learning_rate=1e12", "--results", str(tmp_path)]
    assert main(arguments) == 1
    lines = lines_of(tmp_path / "digits")
    assert {line["variant"] for line in lines} == {"unidirectional", "bidirectional", "stock"}
    assert {(line["variant"], line["status"]) for line in lines} == {
        ("unidirectional", "diverged"),
        ("bidirectional", "diverged"),
        ("stock", "diverged"),
    }


def test_a_failing_run_stores_its_reason_and_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def explode(*arguments: Any, **keywords: Any) -> None:
        raise RuntimeError("no room")

    one = [*TINY, "--models", "VAE/bidirectional", "--results", str(tmp_path)]
    with monkeypatch.context() as broken:
        broken.setattr("bench.runs.execute.train_alone", explode)
        assert main(one) == 1
    lines = lines_of(tmp_path / "digits")
    assert {(line["status"], line["reason"]) for line in lines} == {("failed", "RuntimeError: no room")}
    assert main(one) == 0
    assert "skipped" not in capsys.readouterr().err.splitlines()[-1]
    assert {line["status"] for line in lines_of(tmp_path / "digits")} == {"ok", "blank"}


def test_few_test_images_are_enough(tmp_path: Path) -> None:
    one = [*TINY, "--models", "VAE/bidirectional", "--set", "evaluation.images=4", "--results", str(tmp_path)]
    assert main(one) == 0


def test_seeds_of_other_configurations_do_not_share_a_table(copy: Path) -> None:
    others = [*TINY, *PAIR, "--seeds", "1", "--set", "epochs=2", "--results", str(copy)]
    assert main(others) == 0
    epochs = set()
    for path in {line["path"] for line in lines_of(copy / "digits")}:
        epochs.add(json.loads((copy / "digits" / path / "run.json").read_text())["training"]["epochs"])
    assert len(epochs) == 1
