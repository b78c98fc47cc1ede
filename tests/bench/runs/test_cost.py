"""What a suite would cost: evaluation in closed form, and as few models built as there are architectures."""

import re
from functools import partial
from pathlib import Path

import pytest

from bench.data import DATASETS, image_shape
from bench.runs import cost
from bench.runs.cost import classifier_flops, evaluation_flops, plan_lines, refuse_impossible
from bench.runs.train import build
from bench.study.schema import Evaluation
from bench.study.suite import expand, load
from bench.training.flops import Cost

MODEL = Cost(1, frozenset({"likelihood"}), 10.0, 7.0, {"model": 51.0}, {"model": 1})


def test_passes_of_an_evaluation_are_counted() -> None:
    plain = Evaluation(images=100, gmm_images=50, nll_images=20, nll_samples=30, samplers=("normal", "gmm"))
    assert evaluation_flops(plain, MODEL, None) == 10 * (100 + 50) + 7 * (100 * (2 + 2) + 20 * 30)
    few = evaluation_flops(plain, MODEL, most=10)
    assert few == 10 * 20 + 7 * (10 * 4 + 10 * 30)
    without = plain.model_copy(update={"metrics": ("parameters",)})
    assert evaluation_flops(plain, MODEL, None) - evaluation_flops(without, MODEL, None) == 7 * 20 * 30


def test_each_bound_by_annealing_is_a_forward_and_a_backward_pass_of_each_leapfrog_step() -> None:
    schedule = {"images": 4, "distributions": 30, "chains": 5, "leapfrog": 6}
    settings = Evaluation(extras=("annealing",), annealing=schedule, metrics=("nll_ais", "bdmc_gap"))
    without = settings.model_copy(update={"metrics": ("parameters",)})
    found = evaluation_flops(settings, MODEL, None) - evaluation_flops(without, MODEL, None)
    assert found == 3 * 4 * 30 * 5 * 6 * 2 * 7


def test_annealing_of_the_papers_preset_costs_more_than_its_training() -> None:
    runs = expand(load("svae-mnist", "paper"), "svae-mnist", "paper", shape=(1, 28, 28))
    line = plan_lines(runs[:1], (1, 28, 28), Path())[0]
    assert line.training_flops is not None and line.evaluation_flops > line.training_flops


def test_the_scores_classifier_is_counted_once_for_a_data_set() -> None:
    assert classifier_flops(Evaluation(), "mnist", (1, 28, 28)) == 0
    scores = Evaluation(extras=("scores",))
    weights = 784 * 25 * 32 + 196 * 25 * 32 * 64 + 49 * 64 * 1024 + 1024 * 10
    assert classifier_flops(scores, "mnist", (1, 28, 28)) == 3 * 2 * weights * 54_000 * 2
    paper = scores.model_copy(update={"score_classifier": "paper"})
    assert classifier_flops(paper, "mnist", (1, 28, 28)) == 25 * classifier_flops(scores, "mnist", (1, 28, 28))


def test_runs_that_differ_in_steps_and_weights_are_counted_by_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load("svae-toy-full", "paper")
    shape = image_shape(loaded.dataset, loaded.data)
    runs = expand(loaded, "svae-toy-full", "paper", seeds=range(18), shape=shape)  # two networks x nine pairs of steps
    made = []
    monkeypatch.setattr(cost, "cost", lambda *about, own=cost.cost: made.append(1) or own(*about))
    lines = {(line.row, line.seed): line for line in plan_lines(runs, shape, Path())}
    assert len(made) == 2 * 2
    for seed, steps in ((1, (1, 3)), (17, (5, 5))):
        run = next(run for run in runs if (run.row, run.seed) == ("ALICE 0.1", seed))
        assert tuple(run.options["steps"]) == steps
        whole = cost.cost.__kwdefaults__["own"](partial(build, run, shape), shape).training()
        assert lines["ALICE 0.1", seed].training_flops == whole * 2048 * 100


def test_models_that_were_built_to_be_refused_are_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = expand(load("digits", "small"), "digits", "small", shape=(1, 8, 8))
    expected = plan_lines(runs, (1, 8, 8), Path())
    built = refuse_impossible(runs, (1, 8, 8))
    monkeypatch.setattr(cost, "build", lambda run, shape: pytest.fail("built again"))
    assert plan_lines(runs, (1, 8, 8), Path(), built) == expected


def test_small_models_take_as_long_as_their_operations_take_to_call() -> None:
    loaded = load("digits", "small")
    runs = expand(loaded, "digits", "small", seeds=[0], shape=(1, 8, 8))[:1]
    (line,) = plan_lines(runs, (1, 8, 8), Path())
    images, batch, epochs = DATASETS["digits"].train_images, runs[0].training.batch_size, runs[0].training.epochs
    assert images and line.training_calls and line.training_flops
    per_step, rest = divmod(line.training_calls, -(-images // batch) * epochs)
    assert rest == 0 and 100 < per_step < 2000
    minutes = (line.training_flops / cost.CORE_RATE + line.training_calls * cost.CORE_CALL) / 60
    assert line.training_calls * cost.CORE_CALL > line.training_flops / cost.CORE_RATE
    many = [line] * 100
    said = re.search(r"training: \S+ PFLOP, roughly ([\d,]+) min", cost.describe(many, loaded, "small"))
    assert said and int(said[1].replace(",", "")) == round(100 * minutes)


def test_steps_made_more_often_call_more_operations() -> None:
    twice = Cost(1, frozenset(), 1.0, 1.0, {"a": 3.0, "b": 5.0}, {"a": 1, "b": 2}, {"a": 7, "b": 11})
    assert (twice.training(), twice.called()) == (3 + 10, 7 + 22)
    assert (twice.training((4, 1)), twice.called((4, 1))) == (12 + 5, 28 + 11)
