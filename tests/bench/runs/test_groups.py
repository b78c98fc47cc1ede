"""Which runs train together: one architecture, formed in the whole plan, where it was measured to be faster."""

from pathlib import Path
from typing import Any

import pytest

from bench.runs import groups
from bench.runs.execute import execute
from bench.runs.train import train_together
from bench.storage import store
from bench.study import suite
from bench.study.suite import Run

SHAPE = (1, 8, 8)


def plan(*overrides: str, models: str | None = None, seeds: tuple[int, ...] = (0, 1, 2)) -> list[Run]:
    loaded = suite.load("digits", "small", overrides)
    runs = suite.expand(loaded, "digits", "small", seeds=seeds, shape=SHAPE)
    return runs if models is None else suite.select(runs, models.split(","))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_groups_hold_seeds_and_loss_weights_of_one_architecture() -> None:
    groups_ = {tuple(sorted({(r.row, r.variant) for r in g})): len(g) for g in groups.candidates(plan())}
    betas = ("beta-VAE 0.5", "beta-VAE 1.5")
    assert groups_[tuple((row, "bidirectional") for row in betas)] == 6
    assert groups_[(("VAE", "unidirectional"),)] == 3
    assert groups_[(("VAE", "stock"),)] == 1  # Pythae's own classes cannot be stacked
    assert sum(map(len, groups.candidates(plan()))) == len(plan())


def test_controls_whose_networks_differ_from_the_pairs_go_apart() -> None:
    for group in groups.candidates(plan()):
        assert len({(run.model, str(run.network)) for run in group}) == 1


def test_groups_are_of_twelve_models_at_most() -> None:
    sizes = [len(g) for g in groups.candidates(plan(models="VAE/bidirectional", seeds=tuple(range(30))))]
    assert sizes == [12, 12, 6]


def test_what_is_finished_changes_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "faster_together", lambda group, shape: True)
    runs = plan(models="VAE/*")
    whole = groups.jobs(runs, runs, SHAPE)
    rest = groups.jobs(runs, runs[1:], SHAPE)
    assert whole[0] in rest and len(whole[0]) == 3


def test_runs_go_alone_where_together_is_not_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "faster_together", lambda group, shape: False)
    runs = plan(models="VAE/*")
    assert [len(job) for job in groups.jobs(runs, runs[1:], SHAPE)] == [1] * (len(runs) - 1)


def test_the_measurement_is_made_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def gain(group: Any, shape: Any) -> float:
        made.append(group)
        return 1.5 if len(group) == 3 else 0.5

    monkeypatch.setattr(groups, "measured_gain", gain)
    three, two = tuple(plan(models="VAE/bidirectional")), tuple(plan(models="VAE/bidirectional", seeds=(0, 1)))
    assert groups.faster_together(three, SHAPE) and groups.faster_together(three, SHAPE)
    assert not groups.faster_together(two, SHAPE)
    assert made == [three, two]


def test_the_measured_gain_is_a_positive_ratio() -> None:
    assert groups.measured_gain(tuple(plan("batch_size=16", models="VAE/bidirectional")), SHAPE) > 0


def test_a_group_stores_what_each_run_alone_would_store(tmp_path: Path) -> None:
    settings = ("epochs=2", "evaluation.images=20", "evaluation.nll_images=5", "evaluation.nll_samples=2")
    runs = plan(*settings, models="VAE/bidirectional", seeds=(0, 1))
    for name, jobs in (("together", [runs]), ("alone", [[run] for run in runs])):
        for job in jobs:
            statuses = execute(job, tmp_path / name, None, None, lambda *_: None, lambda *_: None)
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


def test_a_group_that_fails_as_a_whole_is_tried_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("bench.runs.execute.train_together", fails)
    settings = ("epochs=1", "evaluation.images=20", "evaluation.nll_images=5", "evaluation.nll_samples=2")
    runs = plan(*settings, models="VAE/bidirectional", seeds=(0, 1))
    statuses = execute(runs, tmp_path, None, None, lambda *_: None, lambda *_: None)
    assert set(statuses.values()) == {"done"}
