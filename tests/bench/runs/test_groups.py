"""Which runs train together: one small architecture, in groups that the whole plan makes, whatever the machine does."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import data
from bench.runs import groups
from bench.runs.execute import execute
from bench.runs.train import build, settings_of, train_together
from bench.runs.work import Listener, Work
from bench.storage import store
from bench.study import suite
from bench.study.run import Run
from bench.training.loader import ImageTensors
from bench.training.trainer import Trainer

SHAPE = (1, 8, 8)
QUICK = ("epochs=2", "evaluation.images=20", "evaluation.nll_images=5", "evaluation.nll_samples=2")
QUIET = Listener(lambda *_: None, lambda *_: None)


def plan(
    *overrides: str, models: str | None = None, seeds: tuple[int, ...] = (0, 1, 2), preset: str = "small"
) -> list[Run]:
    loaded = suite.load("digits", preset, overrides)
    runs = suite.expand(loaded, "digits", preset, seeds=seeds, shape=SHAPE)
    return runs if models is None else suite.select(runs, models.split(","))


def test_groups_hold_seeds_and_loss_weights_of_one_architecture() -> None:
    groups_ = {tuple(sorted({(r.row, r.variant) for r in g})): len(g) for g in groups.candidates(plan())}
    betas = ("VAE", "beta-VAE 0.5", "beta-VAE 1.5")  # a VAE is a beta-VAE of weight 1
    assert groups_[tuple((row, "bidirectional") for row in betas)] == 9
    assert groups_[(("IWAE", "unidirectional"),)] == 3
    assert groups_[(("beta-VAE 0.5", "stock"), ("beta-VAE 1.5", "stock"))] == 6  # Pythae's VAE has no weight
    assert sum(map(len, groups.candidates(plan()))) == len(plan())


def test_controls_whose_networks_differ_from_the_pairs_go_apart() -> None:
    for group in groups.candidates(plan()):
        assert len({str(run.network) for run in group}) == 1


def test_groups_are_of_twelve_models_at_most() -> None:
    sizes = [len(g) for g in groups.candidates(plan(models="VAE/bidirectional", seeds=tuple(range(30))))]
    assert sizes == [12, 12, 6]


def test_what_is_finished_changes_no_group() -> None:
    runs = plan(models="VAE/*")
    whole = groups.jobs(runs, runs, SHAPE)
    rest = groups.jobs(runs, runs[1:], SHAPE)
    assert whole[0] in rest and len(whole[0]) == 3


def sizes(stack: bool | None, *overrides: str, preset: str = "small", **which: Any) -> list[int]:
    runs = plan(*overrides, preset=preset, **which)
    return [len(job) for job in groups.jobs(runs, runs, SHAPE, stack)]


def test_small_models_train_together_three_or_more_of_one_architecture() -> None:
    assert sizes(None, models="VAE/bidirectional") == [3]
    assert sizes(None, models="VAE/bidirectional", seeds=(0, 1)) == [1, 1]
    assert sizes(None, models="beta-VAE*/bidirectional", seeds=(0, 1)) == [4]
    assert sizes(None, models="VAE/bidirectional", preset="paper") == [1, 1, 1]


def test_a_suite_has_all_stacked_that_can_be_or_none() -> None:
    assert sizes(True, models="VAE/bidirectional", seeds=(0, 1)) == [2]
    assert sizes(True, models="VAE/bidirectional", preset="paper") == [3]
    assert sizes(False, models="VAE/stock") == sizes(False, models="VAE/bidirectional") == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "row", "expected"), [("svae-digits", "ALI", [1, 1, 1]), ("selfvae-digits", "selfVAE-sketch", [3])]
)
def test_dropout_goes_alone_and_normalised_weights_together(name: str, row: str, expected: list[int]) -> None:
    loaded = suite.load(name, "small")
    runs = suite.expand(loaded, name, "small", seeds=(0, 1, 2), shape=SHAPE)
    rows = suite.select(runs, [f"{row}/unidirectional"])
    assert [len(job) for job in groups.jobs(rows, rows, SHAPE, True)] == expected


@pytest.mark.parametrize("name", ["digits", "untapped-digits", "priors-digits", "lbae-digits", "svae-toy"])
def test_every_group_of_a_suite_can_take_a_step(name: str) -> None:
    loaded = suite.load(name, "small")
    shape = data.image_shape(loaded.dataset, loaded.data)
    runs = suite.expand(loaded, name, "small", shape=shape)
    seen = set()
    for job in groups.jobs(runs, runs, shape, loaded.stack):
        if len(job) > 1 and (job[0].row, job[0].variant) not in seen:
            seen.add((job[0].row, job[0].variant))
            pair = job[:2]
            images = torch.randint(0, 256, (12, *shape), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
            labelled = ImageTensors(images, torch.tensor([0, 1, 2, 3] + [-1] * 8))
            settings = [settings_of(run) for run in pair]
            trainer = Trainer([build(run, shape) for run in pair], labelled, labelled, settings)
            trainer.prepare_training()
            assert len(trainer.train_step(1)) == 2
    assert seen


def test_a_group_stores_what_each_run_alone_would_store(tmp_path: Path) -> None:
    runs = plan(*QUICK, models="VAE/bidirectional", seeds=(0, 1))
    for name, jobs in (("together", [runs]), ("alone", [[run] for run in runs])):
        for job in jobs:
            statuses = execute(job, Work(tmp_path / name), QUIET)
            assert set(statuses.values()) == {"done"}
    for run in runs:
        a, b = (store.read_json(tmp_path / name / "digests" / run.id / "digest.json") for name in ("together", "alone"))
        assert (a["provenance"]["together"], b["provenance"]["together"]) == (2, 1)
        values = [{(m["metric"], m["setting"]): m["value"] for m in d["measurements"]} for d in (a, b)]
        for cell in (("neg_elbo", ""), ("psnr", "reconstruction=mean")):
            assert values[0][cell] == pytest.approx(values[1][cell], rel=1e-4)
    assert not list((tmp_path / "together" / "runs").glob("together-*"))


def test_a_group_interrupted_between_two_of_its_models_goes_on_with_all_of_them(tmp_path: Path) -> None:
    from bench.runs.execute import load_data

    runs = plan("epochs=2", models="VAE/bidirectional", seeds=(0, 1, 2))
    data = load_data("digits", None, ())
    train_together(runs, tmp_path / "whole", data, lambda *_: None)

    folder = tmp_path / "broken"
    write, stored = store.write_json, 0

    def breaks(path: Path, value: Any) -> None:
        nonlocal stored
        stored += path.name == "trained.json"
        if stored == 2:
            raise KeyboardInterrupt
        write(path, value)

    store.write_json = breaks  # type: ignore[assignment]
    try:
        with pytest.raises(KeyboardInterrupt):
            train_together(runs, folder, data, lambda *_: None)
    finally:
        store.write_json = write
    assert sum(store.is_trained(folder / "runs" / run.id) for run in runs) == 1
    train_together(runs, folder, data, lambda *_: None)
    for run in runs:
        whole, broken = (tmp_path / name / "runs" / run.id / "model" / "model.pt" for name in ("whole", "broken"))
        assert whole.read_bytes() == broken.read_bytes()


def test_a_group_that_fails_as_a_whole_is_tried_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("bench.runs.train.train_together", fails)
    settings = ("epochs=1", "evaluation.images=20", "evaluation.nll_images=5", "evaluation.nll_samples=2")
    runs = plan(*settings, models="VAE/bidirectional", seeds=(0, 1))
    statuses = execute(runs, Work(tmp_path), QUIET)
    assert set(statuses.values()) == {"done"}
    assert "its group of 2 is trained one by one (RuntimeError: out of memory)" in caplog.text


BUSY = "print('busy', flush=True)\nwhile True: pass"
TIMES = {"seconds", "started", "finished", "seconds_per_epoch"}


def without_times(value: Any) -> Any:
    """What is stored, but for what a clock or the load of the machine said."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES and value.get("metric") not in TIMES}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def stored(folder: Path) -> dict[str, Any]:
    """The weights and arrays of runs as bytes, their records without times."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name in ("record.json", "digest.json", "trained.json"):
            found[name] = without_times(store.read_json(path))
        elif path.suffix in (".pt", ".npz"):
            found[name] = path.read_bytes()
    return found


@pytest.mark.slow
def test_a_busy_machine_changes_no_bit_of_two_groups(tmp_path: Path) -> None:
    runs = plan(*QUICK, "train_images=256", models="beta-VAE */unidirectional,VAE/bidirectional")
    for name in ("quiet", "busy"):
        loops = [subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) for _ in range(2)]
        try:
            for loop in loops:
                assert loop.stdout is not None and loop.stdout.readline() == b"busy\n"
                if name == "quiet":
                    loop.kill()
            jobs = groups.jobs(runs, runs, SHAPE)
            assert sorted(map(len, jobs)) == [3, 6]
            for job in jobs:
                assert set(execute(job, Work(tmp_path / name), QUIET).values()) == {"done"}
        finally:
            for loop in loops:
                loop.kill()
                loop.wait()
    quiet, busy = stored(tmp_path / "quiet"), stored(tmp_path / "busy")
    assert sum(name.endswith("model.pt") for name in quiet) == 9
    assert quiet.keys() == busy.keys()
    assert [name for name in quiet if quiet[name] != busy[name]] == []
