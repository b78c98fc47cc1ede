"""The command that re-makes Table I with the printed networks, at toy size: interrupted, and taken up again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.storage import store

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "bench.run", "--suite", "mnist", "--preset", "paper", "--jobs", "1"]
TOY = {
    "dataset": "digits",
    "network.strides": "[1, 1, 2, 2, 1]",  # the same networks on 8 x 8 pixels
    "epochs": "3",
    "train_images": "256",
    "options.IWAE.number_samples": "2",
    "evaluation.images": "40",
    "evaluation.nll_images": "10",
    "evaluation.nll_samples": "4",
}


@pytest.mark.slow
def test_table_i_at_paper_scale_resumes_and_ends_in_a_table(tmp_path: Path) -> None:
    rows = ["VAE/unidirectional", "VAE/bidirectional", "IWAE/bidirectional"]
    command = [*COMMAND, "--models", ",".join(rows), "--results", str(tmp_path)]
    command += [part for key, value in TOY.items() for part in ("--set", f"{key}={value}")]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    first = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("mnist-paper/runs/*/states/*.sha256")):  # an epoch is on disk
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGINT)
    assert first.wait() == 130
    assert first.stderr is not None and "go on with: python -m bench.run --suite mnist" in first.stderr.read()

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    digests = [store.read_json(path) for path in tmp_path.glob("mnist-paper/digests/*/digest.json")]
    assert [digest["status"] for digest in digests] == ["done"] * 3
    assert all(digest["curves"]["epoch"] == [1, 2, 3] for digest in digests)
    assert not list(tmp_path.glob("mnist-paper/runs/*/states"))  # what a finished training leaves is its model
    parameters = {m["value"] for d in digests for m in d["measurements"] if m["metric"] == "parameters"}
    assert parameters == {22_086_145, 11_067_329}
    assert "| VAE" in (tmp_path / "mnist-paper" / "table.md").read_text()
