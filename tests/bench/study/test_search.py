"""A search for settings: what is chosen of given losses, and a search carried out, broken off and gone on with."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from bench.command import search as command
from bench.data import image_shape
from bench.data.types import ImageDataset, Split
from bench.errors import BadInput
from bench.run import main
from bench.runs import execute, searching
from bench.runs.searching import tasks_of
from bench.runs.train import configure
from bench.study import search, suite
from bench.study.run import slug
from bench.study.search import Grid, Outcome, Search

TINY = """
title = "Rate"
suite = "digits"
preset = "small"
runs = ["VAE/unidirectional", "VAE/bidirectional"]
screen = [0]
seeds = [0, 1]
finalists = 1
[grid]
epochs = [1]
train_images = [64]
learning_rate = [1e-3, 1e6]
"""

RESULTS = Path(__file__).parents[3] / "results"


def declared(**fields: object) -> Search:
    base = {"title": "Rate", "suite": "digits", "preset": "small", "runs": ["a", "b"], "seeds": [0, 1], "finalists": 2}
    return Grid.model_validate(base | {"grid": {"learning_rate": [1, 2, 3]}} | fields).search


def outcomes(losses: dict[tuple[int, str, int], float | None]) -> list[Outcome]:
    return [Outcome((rate,), run, seed, loss) for (rate, run, seed), loss in losses.items()]


def test_the_choice_is_the_finalist_of_least_mean_over_runs_and_seeds() -> None:
    losses: dict[tuple[int, str, int], float | None] = {
        (1, "a", 0): 1, (1, "b", 0): 4, (2, "a", 0): 3, (2, "b", 0): 3, (3, "a", 0): 2, (3, "b", 0): 9,
    }  # fmt: skip
    found = declared()
    assert found.best(outcomes(losses), [0], 2) == [(1,), (2,)]
    assert found.choice(outcomes(losses)) is None  # the finalists' second seed is missing
    losses |= {(1, "a", 1): 9, (1, "b", 1): 9, (2, "a", 1): 1, (2, "b", 1): 1}
    assert found.choice(outcomes(losses)) == (2,)
    losses[2, "b", 1] = None  # diverged
    assert found.choice(outcomes(losses)) == (1,)
    del losses[3, "b", 0]  # the screen is not complete
    assert found.choice(outcomes(losses)) is None


@pytest.mark.parametrize("name", search.names())
def test_every_declared_search_expands(name: str) -> None:
    found = search.load(name)
    for point in found.search.points:
        runs = found.expand(point, found.seeds, (1, 32, 32))
        assert len(runs) == len(found.runs) * len(found.seeds) == len({run.id for run in runs})


@pytest.mark.parametrize("name", search.names())
def test_a_preset_has_what_its_search_chose(name: str) -> None:
    found, shape = search.load(name), (1, 32, 32)
    loaded = suite.load(found.suite, found.preset)
    own = {run.id for run in suite.expand(loaded, found.suite, found.preset, seeds=[0], shape=shape)}
    points = [p for p in found.search.points if {run.id for run in found.expand(p, [0], shape)} <= own]
    assert len(points) == 1  # what the preset has is one of those searched
    assert found.search.choice(command.outcomes(name, RESULTS / "search")) in (None, *points)


def test_a_search_is_carried_out_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(search, "DECLARED", tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    arguments = ["tiny", "--results", str(tmp_path), "--work", str(tmp_path / "work")]
    assert command.main(arguments) == 0
    first = capsys.readouterr().out
    assert first.endswith("chosen: epochs=1 train_images=64 learning_rate=0.001\n")
    table = tmp_path / "tiny.csv"
    lines = table.read_text().splitlines()
    assert len(lines) == 1 + 4 + 2
    table.write_text("\n".join(lines[:-1]) + "\n")
    assert command.main(arguments) == 0  # trained already: only its line is written again
    assert sorted(table.read_text().splitlines()) == sorted(lines)


def test_a_search_of_another_name_or_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.main(["mnits"]) == command.main(["mnist", "--jobs", "0"]) == command.main(["mnist", "--job"]) == 2
    monkeypatch.setattr(search, "DECLARED", tmp_path)
    (tmp_path / "odd.toml").write_text(TINY.replace("finalists", "finalist"))
    with pytest.raises(BadInput, match="finalist"):
        search.load("odd")


def test_draws_lie_in_their_ranges_evenly_in_the_logarithm() -> None:
    found = search.draws([(1e-3, 1e1), (2, 9)], 8, 0)
    assert found == search.draws([(1e-3, 1e1), (2, 9)], 8, 0) != search.draws([(1e-3, 1e1), (2, 9)], 8, 1)
    rates, counts = zip(*found, strict=True)
    assert all(type(count) is int and 2 <= count <= 9 for count in counts)
    # a scrambled Sobol' sequence of 8 has one point in each eighth of every axis, here in half a decade
    assert sorted(int((np.log10(rate) + 3) * 2) for rate in rates) == list(range(8))


@pytest.mark.parametrize("name", ["all-digits-tuned", "all-mnist-tuned"])
def test_no_drawn_configuration_is_refused(name: str) -> None:
    loaded = suite.load(name, "small")
    shape = image_shape(loaded.dataset, loaded.data)
    runs = suite.expand(loaded, name, "small", seeds=[0], shape=shape)
    tasks = tasks_of(search.searches(loaded, "small", runs), runs)
    assert len(tasks) == 8 * len(runs)
    for task in tasks:
        configure(task.run, shape)


TUNED = """
title = "Tuned"
dataset = "digits"
stack = false
[[rows]]
row = "beta"
model = "BetaVAE"
variants = ["bidirectional"]
options = { beta = 1.0 }
ranges = { beta = [0.5, 2.0] }
[[rows]]
row = "LBAE"
model = "LBAE"
variants = ["unidirectional"]
criterion = "psnr[reconstruction=mean]"
[presets.small]
latent_dim = 4
epochs = 1
batch_size = 64
train_images = 64
network = { channels = [4], strides = [2], hidden = [] }
search = { configurations = 2, learning_rate = [1e-3, 1e-2] }
evaluation = { images = 50, nll_images = 10, metrics = ["neg_elbo", "psnr"], tsne_images = 0 }
"""


class Closed:
    """A test split that may not be looked at."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"test images: {name}")


def test_a_suite_is_tuned_before_any_test_image_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tuned.toml").write_text(TUNED)
    table, load = tmp_path / "results" / "search" / "tuned.csv", execute.load_data

    def guarded(*given: Any) -> ImageDataset:
        whole = load(*given)
        chosen = table.is_file() and len(table.read_text().splitlines()) == 1 + 4
        return whole if chosen else replace(whole, test=cast(Split, Closed()))

    monkeypatch.setattr(execute, "load_data", guarded)
    searching.without_test.cache_clear()
    arguments = ["--suite", str(tmp_path / "tuned.toml"), "--preset", "small", "--results", str(tmp_path / "results")]
    assert main([*arguments, "--jobs", "1"]) == 0
    lines = table.read_text().splitlines()
    about = json.loads((tmp_path / "results" / "tuned" / "suite.json").read_text())["tuning"]
    assert about.keys() == {"beta/bidirectional", "LBAE/unidirectional"}
    for of, better in (("beta/bidirectional", min), ("LBAE/unidirectional", max)):
        found = about[of]
        assert len(found["points"]) == len(found["values"]) == 2
        assert found["values"][found["chosen"]] == better(found["values"])
        assert found["points"][0][0] == 1e-3  # the row's own
        (run,) = (tmp_path / "results" / "tuned" / "runs").glob(f"{slug(of.split('/')[0])}-*/run.json")
        settings = json.loads(run.read_text())
        point = found["points"][found["chosen"]]
        assert [settings["training"]["learning_rate"], *settings["options"].values()] == point
    trained = (tmp_path / "results" / "tuned" / "runs" / "search" / "runs").glob("*/trained.json")
    assert [json.loads(path.read_text())["provenance"]["together"] for path in trained] == [2] * 4
    table.write_text("\n".join(lines[:-1]) + "\n")
    assert main([*arguments, "--jobs", "1"]) == 0  # trained already: only its line is written again
    assert sorted(table.read_text().splitlines()) == sorted(lines)


def test_a_range_needs_the_rows_own_value(tmp_path: Path) -> None:
    (tmp_path / "tuned.toml").write_text(TUNED.replace("options = { beta = 1.0 }\n", ""))
    loaded = suite.load(str(tmp_path / "tuned.toml"), "small")
    runs = suite.expand(loaded, "tuned", "small", shape=(1, 8, 8))
    with pytest.raises(BadInput, match="range of beta, whose own value"):
        search.searches(loaded, "small", runs)


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [("[0.5, 2.0]", "[2.0, 0.5]", "two positive ends"), ("psnr[", "pnsr[", "psnr"), ("= 2, l", "= 1, l", "search")],
)
def test_a_search_that_cannot_be_is_refused(tmp_path: Path, written: str, instead: str, said: str) -> None:
    (tmp_path / "tuned.toml").write_text(TUNED.replace(written, instead))
    with pytest.raises(BadInput, match=said):
        suite.load(str(tmp_path / "tuned.toml"), "small")


def test_a_search_with_a_configuration_that_cannot_be_trains_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = TUNED.replace(
        'model = "BetaVAE"\nvariants = ["bidirectional"]', 'model = "PoincareVAE"\nvariants = ["stock"]'
    )
    odd = odd.replace("options = { beta = 1.0 }", "options = { curvature = 1.0 }")
    odd = odd.replace("beta = [0.5, 2.0]", "curvature = [0.5, 2.0]")  # of which only 1 can be
    (tmp_path / "tuned.toml").write_text(odd)
    assert main(["--suite", str(tmp_path / "tuned.toml"), "--preset", "small", "--results", str(tmp_path)]) == 2
    assert "curvature" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.csv"))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)])
def test_no_worker_outlives_a_search_that_is_stopped(number: signal.Signals, code: int, tmp_path: Path) -> None:
    words = ["--suite", "all-digits-tuned", "--preset", "small", "--models", "VAE", "--jobs", "2"]
    command = [sys.executable, "-m", "bench.run", *words, "--results", str(tmp_path)]
    started = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)

    def gone() -> bool:
        try:
            os.killpg(started.pid, 0)
        except ProcessLookupError:
            return True
        return False

    try:
        wait_for(lambda: any(tmp_path.glob("*/runs/search/runs/*/members.json")), 60)
        os.kill(started.pid, number)
        assert started.wait(30) == code
        wait_for(gone, 30)
    finally:
        if not gone():
            os.killpg(started.pid, signal.SIGKILL)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
