"""The suites of "which model should I use?": one budget, one evaluator, every family, no company in training."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import data
from bench.executors import Resources, Work
from bench.run import main
from bench.study import suite
from bench.study.run import Run

NAMES = ("all-digits", "all-mnist")
FAMILIES = {"VAE", "LBAE", "WAE-MMD", "RAE-L2", "M2"}


def runs_of(name: str, preset: str = "small") -> list[Run]:
    """Return the runs of one seed."""
    loaded = suite.load(name, preset)
    return suite.expand(loaded, name, preset, seeds=[0], shape=data.image_shape(loaded.dataset, loaded.data))


@pytest.mark.parametrize("preset", ["small", "paper"])
@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_one_budget_one_split_and_one_evaluator(name: str, preset: str) -> None:
    runs = runs_of(name, preset)
    assert {run.row for run in runs} >= FAMILIES
    for run in runs:
        assert (run.training, run.evaluation, run.data) == (runs[0].training, runs[0].evaluation, runs[0].data)


@pytest.mark.parametrize("name", NAMES)
def test_all_but_m2_have_one_network(name: str) -> None:
    networks = {replace(run.network, width=1.0) for run in runs_of(name) if run.row != "M2"}
    assert len(networks) == 1


def test_a_rows_network_takes_the_place_of_the_presets() -> None:
    networks = {run.row: run.network for run in runs_of("all-digits")}
    assert networks["M2"].image == (250, 500)
    assert networks["LBAE"].kind == "lbae"


@pytest.mark.parametrize(("name", "arguments"), [("all-digits", []), ("digits", ["--track", "tensorboard"])])
def test_runs_whose_times_are_compared_or_that_are_tracked_train_alone(
    name: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def carry_out(jobs: Any, work: Work, resources: Resources, *hear: Any) -> dict[str, str]:
        given.extend([jobs, work])
        return {}

    monkeypatch.setattr("bench.executors.resolve", lambda name: carry_out)
    monkeypatch.setattr("bench.runs.tracking.find_spec", lambda package: True)
    main(["--suite", name, "--preset", "small", "--results", str(tmp_path), *arguments])
    jobs, work = given
    assert len(jobs) > 3
    assert all(len(job) == 1 for job in jobs)
    assert work.track == tuple(arguments[1:])
