"""--status tells what became of the runs; --fail-fast stops at the first failure, where by default none stops."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench.run import main
from bench.storage import heartbeat, status, store
from bench.study import suite
from bench.study.run import Run
from bench.system.processes import this_process

ROOT = Path(__file__).parents[3]
SUITE = """
title = "A study"
dataset = "digits"
seeds = [0, 1, 2]
rows = [{ row = "VAE", model = "VAE", variants = ["unidirectional", "bidirectional"] }]
[presets.small]
latent_dim = 2
epochs = 10
train_images = 100
network = { channels = [4], strides = [2], hidden = [8] }
evaluation = { nll_samples = 2, nll_images = 20, tsne_images = 0, gmm_images = 50, images = 40 }
"""
ASK = ["--suite", "mine.toml", "--results", "results"]
MINE = [*ASK, "--preset", "small"]


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("mine.toml").write_text(SUITE)


@pytest.fixture
def runs() -> list[Run]:
    """Six planned runs, none begun."""
    loaded = suite.load("mine.toml", "small")
    found = suite.expand(loaded, "mine.toml", "small", shape=(1, 8, 8))
    status.write_plan(Path("results/mine"), suite.description(loaded, "mine", "small"), found, workers=2)
    return found


def finish(run: Run, state: str = "done", **record: Any) -> None:
    """Store the end of a run: 10 epochs of half a second, evaluated in 3 s."""
    folder = Path("results/mine")
    curves = {"curves": {"seconds": [0.5] * 10}, "provenance": {"together": 1}, "seconds": 8.0}
    known = {"status": state, "reason": None, "evaluation_id": run.evaluation_id} | (curves if state == "done" else {})
    store.write_json(folder / "runs" / run.id / "record.json", known | record)
    store.write_json(folder / "digests" / run.id / "digest.json", {})


def carry_out(run: Run, doing: str, **who: Any) -> None:
    about = this_process() | {"claim": "x", "since": "2026-01-01T00:00:00Z", "at": "2026-01-01T00:01:00Z"}
    path = Path("results/mine/runs", run.id, heartbeat.NAME)
    store.write_json(path, about | {"doing": doing} | who)


def told(*arguments: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*ASK, *arguments, "--status", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def states(found: dict[str, Any]) -> list[str]:
    return [line["state"] for line in found["runs"]]


def test_before_anything_was_begun_all_runs_are_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*MINE, "--status"]) == 0
    assert "nothing was begun with these settings; 6 runs to do" in capsys.readouterr().out
    assert not Path("results").exists()


def test_done_running_failed_and_to_do_are_told_with_where_since_and_why(
    runs: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    finish(runs[0])
    finish(runs[1], "failed", reason="MemoryError: no room")
    carry_out(runs[2], "epoch 4/10  loss 12.34  0.5 s")
    finish(runs[3], "diverged", reason="the loss of epoch 1 is not finite")
    assert main([*ASK, "--status"]) == 0
    text = capsys.readouterr().out
    assert "1 done, 1 running, 2 failed, 2 to do, of 6 runs" in text
    assert f"epoch 4/10  loss 12.34  0.5 s (process {os.getpid()} on {socket.gethostname()}, since 2026-01-01" in text
    assert "failed   VAE unidirectional, seed 1: MemoryError: no room" in text
    assert "diverged VAE bidirectional, seed 0: the loss of epoch 1 is not finite" in text


def test_the_time_left_is_that_of_measured_epochs(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys=capsys)["seconds_left"] is None
    finish(runs[0])  # 5 s of epochs and 3 s of evaluation
    carry_out(runs[1], "epoch 4/10  loss 12.34  1.0 s")
    # unidirectional: epochs of 0.5 and 1 s, 0.75 s on average; bidirectional: none measured, so the mean of all
    expected = (6 * 0.75 + 3) + (10 * 0.75 + 3) + 3 * (10 * 0.75 + 3)
    assert told(capsys=capsys)["seconds_left"] == pytest.approx(expected / 2)


def test_a_dead_process_runs_nothing(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    carry_out(runs[0], "training", pid=dead.pid)
    carry_out(runs[1], "training", started="another time")
    assert states(told(capsys=capsys)) == ["to do"] * 6


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "3", "null", '"done"'])
def test_files_of_other_contents_say_nothing(text: str, runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    finish(runs[0])
    carry_out(runs[1], "training")
    folder = Path("results/mine/runs")
    for path in (folder / runs[0].id / "record.json", folder / runs[1].id / heartbeat.NAME, folder / "x/members.json"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (folder / "x").rename(folder / "together-x")
    assert states(told(capsys=capsys)) == ["to do"] * 6
    assert store.status(Path("results/mine"), runs[0]) == "todo" and not store.is_done(Path("results/mine"), runs[0])
    store.forget(Path("results/mine"), runs[:1])
    (folder / "plan.json").write_text(text)
    assert told(capsys=capsys) is None


def test_runs_that_train_together_are_all_running(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    store.write_json(Path("results/mine/runs/together-x/members.json"), [run.id for run in runs[:3]])
    carry_out(runs[0], "epoch 4/10  loss 12.34  0.5 s together with 2 others")
    assert states(told(capsys=capsys)) == ["running"] * 3 + ["to do"] * 3


def test_what_was_measured_otherwise_is_to_do(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    finish(runs[0], evaluation_id="other")
    assert states(told(capsys=capsys)) == ["to do"] * 6


def test_other_settings_are_other_runs(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    finish(runs[0])
    assert main([*MINE, "--set", "epochs=10", "--status"]) == 0
    assert "1 done, 0 running, 0 failed, 5 to do" in capsys.readouterr().out
    assert main([*MINE, "--set", "epochs=3", "--seeds", "0,1", "--status"]) == 0
    assert "nothing was begun with these settings; 4 runs to do" in capsys.readouterr().out


def test_seeds_of_one_configuration_are_told_together() -> None:
    loaded = suite.load("mine.toml", "small")
    described = {"suite": "mine", "preset": "small", "configuration": "c"}
    for seed, configuration, number in ((0, "c", 2), (1, "c", 4), (0, "d", 2)):
        found = suite.expand(loaded, "mine.toml", "small", seeds=[seed], shape=(1, 8, 8))
        status.write_plan(Path("results"), described | {"configuration": configuration}, found, workers=1)
        assert len(store.read_json(Path("results", status.PLAN))["runs"]) == number


def test_status_needs_no_torch_and_little_time(runs: list[Run]) -> None:
    code = (
        "import sys; from bench.run import main; main(sys.argv[1:]);"
        "print([n for n in ('torch', 'numpy', 'pandas', 'matplotlib') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *ASK, "--status"], env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "6 to do" in done.stdout and done.stdout.splitlines()[-1] == "[]"


def test_status_of_runs_at_work_is_read_from_another_process() -> None:
    command = [sys.executable, "-m", "bench.run", *MINE, "--jobs", "1", "--set", "epochs=100000"]
    worker = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    try:
        deadline, found = time.monotonic() + 600, None  # a machine may have much else to do
        while not (found and found["seconds_left"]) and time.monotonic() < deadline and worker.poll() is None:
            time.sleep(0.2)
            found = status.read(Path("results/mine"))
        assert found and found["owner"]["pid"] == worker.pid and found["seconds_left"] > 0
        running = [line for line in found["runs"] if line["state"] == "running"]
        assert running and {line["pid"] for line in running} == {worker.pid} and "/100000" in running[0]["doing"]
    finally:
        worker.kill()
        worker.wait()
    found = status.read(Path("results/mine"))
    assert found and found["owner"] is None and states(found) == ["to do"] * 6


# --fail-fast


@pytest.mark.parametrize(("flags", "begun"), [([], 6), (["--fail-fast"], 1)])
def test_only_fail_fast_stops_at_a_failure(
    flags: list[str], begun: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def explode(*arguments: Any, **keywords: Any) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr("bench.runs.train.train_together", explode)
    monkeypatch.setattr("bench.runs.execute.train_alone", explode)
    assert main([*MINE, "--jobs", "1", *flags, "--json"]) == 1
    said = capsys.readouterr()
    assert [run["status"] for run in json.loads(said.out)].count("failed") == begun
    assert ("--fail-fast: stopped at the first run that failed" in said.err) == bool(flags)
    assert Path("results/mine/table.md").is_file()


@pytest.mark.slow
def test_fail_fast_stops_workers_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--jobs", "2", "--fail-fast", "--set", "learning_rate=1e12", "--set", "epochs=200", "--json"]
    assert main([*MINE, *arguments]) == 1
    found = [run["status"] for run in json.loads(capsys.readouterr().out)]
    assert "diverged" in found and "todo" in found
