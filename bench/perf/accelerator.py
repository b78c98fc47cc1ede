"""What only an accelerator can show, in five minutes: its checks, the trainer's ratio and the share of its peak."""

import argparse
import sys
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from bench import data
from bench.perf import limit, trainer
from bench.perf.common import Row, device, in_child, parser, run
from bench.perf.subjects import images, quiet, suite_runs, uint8_noise
from bench.runs.train import build
from bench.study import PresetName
from bench.system.accelerator import exact_float32, lost
from bench.training.precision import chosen
from bench.training.settings import StepSettings
from bench.training.trainer import Trainer, TrainerConfig

COLUMNS = {"what": "what", "expected": "expected", "seen": "seen", "holds": "holds"}
ON_PROCESSOR = "not on a processor"
BATCH = 64
WAYS = ("float32", "bfloat16")


class Check(NamedTuple):
    """A fact that is checked: what is expected, and a function that returns what was seen and whether it holds."""

    what: str
    expected: str
    look: Callable[[], tuple[str, bool | None]]


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("accelerator", "Checks of an accelerator, the trainer's ratio on it, and the share of its peak.")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Make the checks, then compare the trainers in float32 and bfloat16, then time the steps of Table I's networks."""
    exact_float32()
    rows: list[Row] = []
    for check in checks():
        seen, holds = check.look()
        rows.append({"what": check.what, "expected": check.expected, "seen": seen, "holds": _word(holds)})
    training, validation = images(options, 10_000, 1_000)
    ways = {way: trainer.OURS[way] for way in WAYS}
    compared = [
        found
        for case in trainer.cases(training, validation)
        if "digits" not in case.name and case.warm_up == trainer.WARM_UP
        for found in trainer.compare(case._replace(ways=ways, timed=1 if options.quick else 3), rounds=1)
    ]
    rows += [
        {"what": f"{found['model']}, {found['ours']}", "expected": "at least as fast as Pythae at its best"}
        | {"seen": f"{found['ratio_best']:.2f} times", "holds": _word(found["ratio_best"] >= 1)}
        for found in compared
    ]
    precision = chosen("auto", device()) or torch.float32
    preset: PresetName = "small" if options.quick else "paper"
    name, sizes, batches = ("digits", (128,), 2) if options.quick else ("mnist", limit.SIZES, 50)
    shares = [
        limit.compare(found, batches, precision, sizes, capture)
        for found in suite_runs(preset, "VAE/unidirectional,VAE/bidirectional", name)
        for capture in ((False,) if options.quick else (False, True))
    ]
    rows += [
        {"what": f"{preset} {found['variant']}, one graph: {found['capture']}", "expected": "share of the peak"}
        | {"seen": f"{found['fraction']:.3f} of {found['peak']:,.0f} GFLOP/s", "holds": ""}
        for found in shares
    ]
    return {"benchmark": "accelerator", "settings": {"precision": str(precision)}, "rows": rows} | {
        "trainer": compared,
        "limit": shares,
    }


def checks() -> list[Check]:
    """Return the checks in order."""
    return [
        Check("products and convolutions in float32", "within 1e-5 of float64's", float32_is_float32),
        Check("reconstructions", "within 1e-4 of a processor's", as_on_a_processor),
        Check("one graph", "losses of two epochs within 1e-3 of step by step's", one_graph_trains_alike),
        Check("a step of each row of the digits suite", "no wait for the accelerator", steps_do_not_wait),
        Check("a failed assertion on the accelerator", "is noticed; a new process goes on", assertion_is_noticed),
    ]


def float32_is_float32() -> tuple[str, bool]:
    """Compare a product and a convolution with those of float64; TF32 would differ by about 1e-3."""
    torch.manual_seed(0)
    a, b = torch.randn(2, 256, 256, device=device()).unbind()
    x, w = torch.randn(8, 32, 16, 16, device=device()), torch.randn(32, 32, 3, 3, device=device())
    pairs = (a @ b, a.double() @ b.double()), (F.conv2d(x, w), F.conv2d(x.double(), w.double()))
    worst = max(float((found - exact).abs().max() / exact.abs().max()) for found, exact in pairs)
    return f"{worst:.1e}", worst < 1e-5


def as_on_a_processor() -> tuple[str, bool]:
    """Compare what a network of the digits suite makes of images on both."""
    found = suite_runs("small", "VAE/bidirectional", "digits")[0]
    model, x = build(found, data.image_shape("digits")).eval(), torch.rand(BATCH, 1, 8, 8)
    with torch.no_grad():
        expected = model.decoder(model.encoder(x).embedding).reconstruction
        model.to(device())
        seen = model.decoder(model.encoder(x.to(device())).embedding).reconstruction.cpu()
    worst = float((seen - expected).abs().max())
    return f"{worst:.1e}", worst < 1e-4


def one_graph_trains_alike() -> tuple[str, bool]:
    """Train the digits suite's VAE for two epochs in both ways, in float32, with the same noise."""
    trainers = [_trainer("VAE/unidirectional", capture, epochs=2) for capture in (False, True)]
    with quiet():
        for made in trainers:
            made.train()
    plain, graph = (made.history["train_loss"][-1] for made in trainers)
    return f"{abs(graph - plain):.1e} of {plain:.1f} nats", abs(graph - plain) < 1e-3 * abs(plain)


def steps_do_not_wait() -> tuple[str, bool | None]:
    """Take a second step of each row while every wait for the accelerator is an error."""
    if device() == "cpu":
        return ON_PROCESSOR, None
    waits = []
    for pattern in sorted({f"{found.row}/{found.variant}" for found in suite_runs("small", "*", "digits")}):
        made = _trainer(pattern, capture=False, epochs=1)
        with quiet():
            made.prepare_training()
            made.engine.begin(1)
            index = torch.arange(BATCH, device=device())[None]
            made.engine.step(index)
        torch.cuda.set_sync_debug_mode("error")
        try:
            made.engine.step(index)
        except RuntimeError as error:
            waits.append(f"{pattern}: {' '.join(str(error).split())[:60]}")
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return "; ".join(waits) or "none", not waits


def assertion_is_noticed() -> tuple[str, bool | None]:
    """Let an assertion fail on the accelerator in a process, which says so, and use it in another."""
    if device() == "cpu":
        return ON_PROCESSOR, None
    noticed, goes_on = in_child(_fails), in_child(_adds)
    return f"noticed: {_word(noticed)}, a new process goes on: {_word(goes_on)}", noticed and goes_on


def _fails() -> bool:
    try:
        F.binary_cross_entropy(torch.full((2,), float("nan"), device="cuda"), torch.zeros(2, device="cuda"))
        torch.cuda.synchronize()
    except RuntimeError:
        return lost()
    return False


def _adds() -> bool:
    return float(torch.ones(2, device="cuda").sum()) == 2


def _trainer(pattern: str, capture: bool, epochs: int) -> Trainer:
    found = suite_runs("small", pattern, "digits")[0]
    steps = StepSettings(precision="float32", capture=capture)
    config = TrainerConfig(num_epochs=epochs, per_device_train_batch_size=BATCH, learning_rate=1e-3, steps=steps)
    shape = data.image_shape("digits")
    return Trainer(build(found, shape), uint8_noise(4 * BATCH, shape), None, config)


def _word(holds: bool | None) -> str:
    return "" if holds is None else "yes" if holds else "NO"


if __name__ == "__main__":
    sys.exit(main())
