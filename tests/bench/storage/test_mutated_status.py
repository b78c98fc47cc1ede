"""Whatever the small files of a results folder hold, what became of its runs is told, and never a traceback."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import examples, mutated

from bench.storage import code_version, data_version, leftovers, status, store
from bench.storage.data_version import data_key
from bench.study import suite
from bench.study.run import Run
from bench.system.processes import this_process

SUITE = """
title = "A study"
dataset = "digits"
seeds = [0]
rows = [{ row = "VAE", model = "VAE", variants = ["unidirectional"] }]
[presets.small]
latent_dim = 2
epochs = 3
network = { channels = [4], strides = [2], hidden = [8] }
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run, dict[str, Any]]:
    """A folder of results with a run in it, its description, and what each small file holds."""
    folder = tmp_path_factory.mktemp("results") / "mine"
    (folder.parent / "mine.toml").write_text(SUITE)
    loaded = suite.load(str(folder.parent / "mine.toml"), "small")
    (run,) = suite.expand(loaded, "mine", "small", shape=(1, 8, 8))
    status.write_plan(folder, suite.description(loaded, "mine", "small"), [run], 1)
    data = {"data": {"sha256": "0" * 64}}
    record = {"status": "done", "reason": None, "evaluation_id": run.evaluation_id, "seconds": 3.0}
    record |= {"curves": {"seconds": [0.5, 0.5]}, "provenance": data | {"code": "0", "together": 1}}
    said = {"claim": "0", "since": "2025", "at": "2025", "doing": "epoch 1/3 loss 2 0.5 s"}
    code = {"before": [], "version": "0", "sources": {"a": "b"}, "data": ["digits", "0"]}
    home, lock = f"runs/{run.id}", {"since": "2025", "token": "0", "folder": str(folder)}
    files = {
        "runs/plan.json": store.read_json(folder / "runs" / "plan.json"),
        "suite.json": {"runs": {"VAE/unidirectional/0": run.id}, "configuration": "0"},
        "lock.json": this_process() | lock,
        f"{home}/record.json": record,
        f"{home}/trained.json": {"provenance": data, "curves": {}},
        f"{home}/run.json": run.to_dict(),
        f"{home}/worker.json": this_process() | said,
        f"{home}/states/code.json": code,
        "runs/together-0/members.json": [run.id],
    }
    store.write_json(folder / "digests" / run.id / "digest.json", {})
    return folder, run, files


def attempt(begun: tuple[Path, Run, dict[str, Any]], data: st.DataObject) -> None:
    folder, run, files = begun
    odd = data.draw(st.sampled_from(sorted(files)), label="file")
    for name, value in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        text = mutated(data, copy.deepcopy(value), json.dumps) if name == odd else json.dumps(value).encode()
        (folder / name).write_bytes(text)
    (folder / f"runs/{run.id}/states/000001.pt").touch()
    found = status.read(folder)
    if found is not None:
        assert json.loads(json.dumps(found)) and status.describe(folder, found)
    store.listed(folder)
    code_version.unfinished_by_other(folder, [run])
    code_version.finished_by_other(folder, [run])
    data_version.of_other_data(folder, [run.id], {data_key(run.dataset, run.data): "1"})
    store.is_done(folder, run)
    store.damage(folder, run)
    leftovers.remove(folder)


@pytest.mark.parametrize("number", [50, pytest.param(2000, marks=pytest.mark.slow)])
def test_what_became_of_the_runs_is_told_whatever_a_file_holds(
    begun: tuple[Path, Run, dict[str, Any]], number: int
) -> None:
    given(st.data())(examples(number)(lambda data: attempt(begun, data)))()
