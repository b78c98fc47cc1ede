"""The benchmark programs: what they count and compare is right. No test looks at a time."""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from pythae.models import BaseAE

from bench import data
from bench.executors import EXECUTORS
from bench.perf import (
    accelerator,
    ais,
    common,
    limit,
    nll,
    outside,
    paper_pair,
    revisions,
    runs,
    scaling,
    submission,
    suite,
    trainer,
)
from bench.perf.subjects import SHAPE, images, stock_vae, suite_runs, tensors
from bench.runs.remaining import unfinished
from bench.runs.train import build
from bench.storage import packed
from bench.study.suite import expand, load
from bench.training.flops import training_cost
from models.bvae import BidirectionalVAE
from report.store import read_suite

ROOT = Path(__file__).parents[2]


def outcome(program: Any, path: Path, *arguments: str) -> dict[str, Any]:
    """Run a program at its toy size on one thread and return what it wrote."""
    threads = torch.get_num_threads()
    assert program.main(["--quick", "--threads", "1", "--out", str(path / "new" / "out.json"), *arguments]) == 0
    assert torch.get_num_threads() == threads
    found = json.loads((path / "new" / "out.json").read_text())
    assert found["quick"] is True
    assert found["machine"]["hardware"]["threads"] == 1
    assert found["machine"]["versions"]["torch"] == torch.__version__
    return found


def here(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in this process, where a benchmark has a process for it: that takes ten seconds to start."""
    return function(*arguments)


PLAIN = {
    "float32": trainer.OURS["float32"]
}  # elsewhere minutes of compiling, and of bfloat16 on a processor without it


@pytest.mark.parametrize("ours", [PLAIN, pytest.param(trainer.OURS, marks=pytest.mark.slow)], ids=["plain", "all"])
def test_trainer_times_three_epochs_and_both_end_alike(
    ours: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "OURS", ours)
    monkeypatch.setattr(trainer, "times_as_long", lambda: 0.5)
    if ours is PLAIN:
        monkeypatch.setattr(trainer, "in_child", here)
    found = outcome(trainer, tmp_path, "--rounds", "1")
    names = ("Pythae's MLP VAE", "Pythae's ResNet VAE")
    shown = [(row["model"], row["ours"]) for row in found["rows"]]
    assert shown[: len(names) * len(ours)] == [(n, key) for n in names for key in ours]
    assert shown[-2:] == [("the digits suite's VAE", key) for key in ("float32", *trainer.TOGETHER)]
    assert (found["settings"]["images"], found["settings"]["validation_images"]) == (160, 160)
    for row in found["rows"]:
        timed = 20 if "digits" in row["model"] else 3
        assert len(row["stock_epochs"]) == len(row["best_epochs"]) == len(row["ours_epochs"]) == timed
        assert row["ratio"] == pytest.approx(row["stock_seconds"] / row["ours_seconds"])
        assert row["ratio_best"] == pytest.approx(row["best_seconds"] / row["ours_seconds"])
        assert abs(row["difference"]) < 0.01 * row["stock_loss"]
    said = capsys.readouterr()
    assert "Pythae's ResNet VAE" in said.out and "torch" in said.out and "Ready for training" not in said.err


def test_bfloat16_is_left_out_where_it_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "times_as_long", lambda: 9.0)
    training, validation = images(argparse.Namespace(quick=True, data_dir=None), 20_000, 5_000)
    assert {key for case in trainer.cases(training, validation)[:-1] for key in case.ways} == {
        "float32",
        "float32, one graph",
    }


def test_rounds_give_the_difference_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "OURS", PLAIN)
    monkeypatch.setattr(trainer, "in_child", here)
    training, validation = images(argparse.Namespace(quick=True, data_dir=None), 20_000, 5_000)
    case = trainer.Case("MLP", lambda seed: stock_vae("MLP", seed=seed), training, validation, PLAIN)
    (found,) = trainer.compare(case, 2)
    assert len(found["stock_epochs"]) == len(found["ours_epochs"]) == 6
    assert found["difference"] == pytest.approx(found["ours_loss"] - found["stock_loss"], abs=1e-6)
    assert found["half_width"] > 0
    (alone,) = trainer.compare(case, 1)
    assert alone["half_width"] is None and alone["difference"] != 0


@pytest.mark.parametrize(
    ("train", "way"),
    [
        (trainer._stock, {}),
        (trainer._stock, trainer.STOCK["best"]),
        (trainer._ours, {}),
        (trainer._ours, {"models": 2}),
    ],
    ids=["stock", "stock at its best", "ours", "ours, two as one"],
)
def test_all_trainers_start_from_one_state_and_see_all_images(train: Callable[..., Any], way: dict[str, Any]) -> None:
    digits = data.load("digits")
    splits = (digits.train, 160), (digits.validation, 100)
    sets = [tensors(split, count) for split, count in splits]
    seen: list[int] = []
    made: list[BaseAE] = []

    def make(seed: int) -> BaseAE:
        model, again = (trainer._suite_vae("digits", "small", seed) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
        model.encoder.register_forward_pre_hook(lambda module, x: seen.append(len(x[0])) if module.training else None)
        made.append(model)
        return model

    clock = common.Clock()
    model, count = train(trainer.Case("VAE", make, sets[0], sets[1], {}, timed=3), 3, clock, way=way)
    assert len(clock.seconds) == 4 and count == len(made) == way.get("models", 1)
    assert model is made[0] or train is trainer._stock  # of the best epoch Pythae keeps a copy
    if count == 1:
        assert sum(seen) - 4 * 160 in (0, 128)  # stock Pythae's sanity check is a batch more, before the clock starts


def test_stock_and_our_nll_agree_and_decode_as_many_codes() -> None:
    torch.manual_seed(0)
    model, x = stock_vae("MLP", "bce").eval(), torch.rand(3, *SHAPE)
    decoded: list[int] = []
    model.decoder.register_forward_pre_hook(lambda module, z: decoded.append(len(z[0])))
    found = nll.compare(model, x, argparse.Namespace(samples=60, repeats=8))
    sizes = [3, 4, 5, 6, 10, 12, 15, 20, 30, 60]
    assert found["stock_batch_size"] in sizes
    trials, timed = (3 * len(sizes) + 1) * 2 * 60, 2 * 8 * 3 * 60
    assert sum(decoded) == trials + timed
    assert 0 < found["standard_error"] < 1
    assert abs(found["difference"]) < 4 * found["standard_error"]


def test_nll_program_covers_both_networks_and_likelihoods(tmp_path: Path) -> None:
    found = outcome(nll, tmp_path, "--images", "2", "--samples", "4", "--repeats", "2")
    assert found["settings"] == {"images": 2, "samples": 4, "repeats": 2}
    assert {(row["model"], row["likelihood"]) for row in found["rows"]} == {
        (f"Pythae's {kind} VAE", likelihood) for kind in ("MLP", "ResNet") for likelihood in ("bce", "mse")
    }
    assert all(len(row["stock_repeats"]) == len(row["ours_repeats"]) == 2 for row in found["rows"])


def test_annealing_is_counted_by_leapfrog_steps_of_all_chains(tmp_path: Path) -> None:
    few = ("--images", "2", "--chains", "3", "--distributions", "4", "--repeats", "2")
    together, images, loop = outcome(ais, tmp_path, *few)["rows"]
    assert together["chain_steps"] == images["chain_steps"] == 2 * loop["chain_steps"] == 2 * 3 * 2 * 10
    assert together["ratio"] == pytest.approx(together["rate"] / loop["rate"]) and loop["ratio"] == 1
    assert (
        together["ratio_batched"] == pytest.approx(together["rate"] / images["rate"]) and images["ratio_batched"] == 1
    )


@pytest.mark.slow
def test_limit_divides_the_counted_work_by_its_time(tmp_path: Path) -> None:
    found = outcome(limit, tmp_path, "--batches", "1")
    run = suite_runs("small", "VAE/unidirectional", "digits")[0]
    _, per_image = training_cost(partial(build, run, (1, 8, 8)), (1, 8, 8))
    variants = [(row["variant"], row["capture"]) for row in found["rows"]]
    assert variants == [(v, c) for v in ("unidirectional", "bidirectional") for c in ("no", "yes")]
    first = found["rows"][0]
    assert first["gflop"] == pytest.approx(per_image * 128 / 1e9)
    assert first["strides"] == "2-2"
    assert first["rate"] == pytest.approx(first["gflop"] / first["ms"] * 1e3)
    assert first["fraction"] == pytest.approx(first["rate"] / first["peak"])
    assert sum(first["shares"].values()) == pytest.approx(1)
    assert set(first["shares"]) == {*limit.CLASSES, "other"}
    assert first["shares"]["convolution"] > 0 and first["shares"]["optimiser"] > 0
    assert found["rows"][1]["shares"]["fused passes"] > 0 == first["shares"]["fused passes"]


@pytest.mark.parametrize(
    "name, kind",
    [
        ("aten::convolution_backward", "convolution"),
        ("sm90_xmma_fprop_implicit_gemm_bf16bf16", "convolution"),
        ("aten::addmm", "matrix product"),
        ("aten::mm", "matrix product"),
        ("## Call CompiledFxGraph f1 ##", "fused passes"),
        ("nvjet_tst_128x256", "matrix product"),
        ("aten::native_batch_norm_backward", "normalisation"),
        ("aten::normal_", "elementwise"),
        ("aten::silu_backward", "elementwise"),
        ("aten::add_", "elementwise"),
        ("aten::_fused_adamw_", "optimiser"),
        ("Optimizer.step#AdamW.step", "optimiser"),
        ("aten::copy_", "movement"),
        ("aten::index", "movement"),
        ("aten::unflatten", "other"),
    ],
)
def test_operators_are_sorted_into_classes(name: str, kind: str) -> None:
    assert limit.classify(name) == kind


def test_training_cost_of_a_perceptron_in_closed_form() -> None:
    """Forward: every weight twice an image; backward: the same for the weights, and for all inputs but the pixels."""
    weights = 784 * 512 + 2 * 512 * 16 + 16 * 512 + 512 * 784
    parameters, flops = training_cost(partial(stock_vae, "MLP"), SHAPE)
    assert flops == 3 * 2 * weights - 2 * 784 * 512
    assert parameters == weights + 512 + 2 * 16 + 512 + 784


def test_training_cost_counts_direct_convolutions_whatever_is_computed() -> None:
    """On 2 x 2 pixels a processor multiplies matrices instead, which is fewer operations."""
    network = {"channels": (128, 128), "strides": (2, 2), "hidden": ()}
    config = BidirectionalVAE.config_class(input_dim=(1, 8, 8), latent_dim=8, network=network)
    first, second, dense = 2 * 9 * 128 * 4 * 4, 2 * 9 * 128 * 128 * 2 * 2, 2 * 512 * 8
    forward = (first + second + 2 * dense) + (dense + second + first)
    _, flops = training_cost(lambda: BidirectionalVAE(config), (1, 8, 8))
    assert flops == 3 * forward - first


def test_exponent_and_where_it_leaves_one() -> None:
    assert scaling.exponent((2, 3.0), (4, 6.0)) == pytest.approx(1)
    assert scaling.exponent((10, 1.0), (100, 1000.0)) == pytest.approx(3)
    rows = [
        {"what": "nll", "against": "k", "value": 10, "exponent": None, "leaves_one": ""},
        {"what": "nll", "against": "k", "value": 100, "exponent": 0.5, "leaves_one": "leaves 1"},
        {"what": "train", "against": "width", "value": 2, "exponent": 1.1, "leaves_one": ""},
    ]
    assert scaling.remarks(rows) == [
        "nll against k: the exponent leaves 1 on the way to 100 (0.50)",
        "train against width: the exponent stays within 1 ± 0.15",
    ]


@pytest.mark.slow
def test_scaling_measures_each_point_in_a_process_of_its_own(tmp_path: Path) -> None:
    held = torch.zeros(64 * 2**20)  # 256 MiB in this process are not in the children's peak
    rows = outcome(scaling, tmp_path)["rows"]
    assert [(row["what"], row["against"], row["value"]) for row in rows] == [
        ("train", "images", 128),
        ("train", "images", 256),
        ("nll", "k", 2),
        ("nll", "k", 4),
    ]
    for first, second in ((rows[0], rows[1]), (rows[2], rows[3])):
        assert first["exponent"] is None
        assert second["seconds"] == pytest.approx(first["seconds"] * 2 ** second["exponent"])
    assert all(50 < row["peak_mib"] for row in rows)
    assert max(row["peak_mib"] for row in rows) < common.peak_mib() - held.nbytes / 2**20 / 2


@pytest.mark.slow
def test_suite_together_gives_the_numbers_of_one_process(tmp_path: Path) -> None:
    found = outcome(suite, tmp_path, "--repeats", "1")
    row = found["rows"][0]
    assert row["runs"] == 4 and row["largest_difference"] < 1e-3
    assert row["ratio"] == pytest.approx(row["alone_seconds"] / row["together_seconds"])
    assert row["ratio_apart"] == pytest.approx(row["apart_seconds"] / row["together_seconds"])
    assert list(found["settings"]["threads_tried"]) == ["1"]


@pytest.mark.slow
def test_two_revisions_that_are_one_measure_the_same(tmp_path: Path) -> None:
    found = outcome(revisions, tmp_path, str(ROOT), "--repeats", "1")
    (row,) = found["rows"]
    assert row["runs"] == 4 and row["nll"] == row["psnr"] == 0
    assert row["ratio"] == pytest.approx(row["before_seconds"] / row["after_seconds"])


@pytest.mark.slow
def test_a_script_on_pythae_and_the_suite_come_to_like_numbers(tmp_path: Path) -> None:
    row = outcome(outside, tmp_path, "--repeats", "1")["rows"][0]
    assert row["runs"] == 1 and row["ratio"] == pytest.approx(row["script_seconds"] / row["suite_seconds"])
    assert row["script_nll"] == pytest.approx(row["suite_nll"], rel=0.1)


def test_the_script_on_pythae_trains_and_measures_a_run() -> None:
    toy = load("digits", "small", [part.removeprefix("--set=") for part in suite.TOY])
    plan = expand(toy, "digits", "small", shape=(1, 8, 8))
    run = next(run for run in plan if run.variant == "stock")
    assert 20 < outside.one(run) < 60  # nats; 44.4 is that of pixels of one half


def test_programs_alternate_and_reverse() -> None:
    order: list[str] = []
    seconds, results = common.interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b") or 7}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert results == {"a": [None] * 3, "b": [7] * 3}
    assert [len(v) for v in seconds.values()] == [3, 3]


def test_table_aligns_numbers_to_the_right_and_leaves_out_what_is_absent() -> None:
    rows = [{"name": "a", "x": 1.234}, {"name": "long", "x": 100.0}, {"name": "none"}]
    lines = common.table(rows, {"name": "name", "x": "value:.2f"}).split("\n")
    assert lines == ["name   value", "a       1.23", "long  100.00", "none"]


def test_peak_memory_is_of_this_process_alone() -> None:
    code = "from bench.perf.common import peak_mib; a = peak_mib(); b = bytearray(2**28); print(peak_mib() - a)"
    held = bytearray(2**29)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(held) and 200 < float(done.stdout) < 300


@pytest.mark.parametrize(
    "program, arguments, words",
    [
        (trainer, ["--data-dir", "/nowhere/at/all"], "does not exist"),
        (nll, ["--quick", "--repeats", "1"], "at least 2"),
        (limit, ["--quick", "--threads", "0"], "at least one thread"),
        (revisions, ["/nowhere/at/all"], "no checkout"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    program: Any, arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main([*arguments, "--out", str(tmp_path / "out.json")]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_submission_hands_out_every_run_of_every_executor(tmp_path: Path) -> None:
    found = outcome(submission, tmp_path)
    assert [(row["executor"], row["runs"]) for row in found["rows"]] == [(name, 20) for name in EXECUTORS]
    assert all(row["ms"] > 0 for row in found["rows"])


def test_drawn_results_are_those_of_a_finished_suite(tmp_path: Path) -> None:
    seeds = runs.draw(tmp_path, 60)
    read = read_suite(tmp_path / runs.SUITE)
    assert seeds == 2 and len(read.digests) == 56 and not read.problems
    assert len({d.value("nll") for d in read.digests if d.row == "VAE"}) == 2 * 4
    plan = expand(load(runs.SUITE, "small"), runs.SUITE, "small", seeds=range(2), shape=runs.SHAPE)
    assert unfinished(tmp_path / runs.SUITE, plan, force=False) == []


def test_growth_is_a_slope_on_logarithmic_axes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs.slope([1, 10, 100], [2.0, 2e2, 2e4]) == pytest.approx(2)
    monkeypatch.setattr(runs, "_child", lambda words, results: (len(packed.facts(results / runs.SUITE)) * 0.5, 10.0))
    found = outcome(runs, tmp_path)
    assert {row["what"] for row in found["rows"]} == set(runs.STEPS)
    assert [row["slope"] for row in found["rows"] if "slope" in row] == pytest.approx([1.0] * len(runs.STEPS))


@pytest.mark.slow
def test_what_an_accelerator_is_asked_is_asked_of_a_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "in_child", here)
    monkeypatch.setattr(accelerator, "WAYS", ("float32",))
    found = outcome(accelerator, tmp_path, "--tiny")
    seen = {row["what"]: row for row in found["rows"]}
    checked = [seen[check.what] for check in accelerator.checks()]
    assert [row["holds"] for row in checked] == ["yes", "yes", "yes", "", ""]
    assert [row["seen"] for row in checked[3:]] == [accelerator.ON_PROCESSOR] * 2
    assert len(found["trainer"]) == len(found["limit"]) == 2


def test_rounded_factors_and_other_reconstructions_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert accelerator.float32_is_float32()[1] and accelerator.as_on_a_processor()[1]
    plain, kinds = torch.Tensor.__matmul__, {torch.float32: torch.bfloat16}

    def rounded(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return plain(*(x.to(kinds.get(x.dtype, x.dtype)) for x in (a, b))).to(a.dtype)

    monkeypatch.setattr(torch.Tensor, "__matmul__", rounded)
    assert not accelerator.float32_is_float32()[1]


@pytest.mark.slow
def test_the_pair_goes_on_where_it_was_stopped(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["--tiny", "--results", str(tmp_path)]
    assert paper_pair.main([*arguments, "--minutes", "0.4"]) == 3
    assert "the same command goes on" in capfd.readouterr().out
    assert paper_pair.main([*arguments, "--minutes", "20"]) == 0
    assert len(read_suite(tmp_path / "digits").digests) == 2
