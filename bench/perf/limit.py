"""How near a training step comes to the machine: its FLOP/s over those of a matrix product, and where the rest goes."""

import argparse
import re
import sys
import time
from typing import Any

import torch
from pythae.trainers.training_callbacks import TrainingCallback
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from bench import data
from bench.perf.common import Clock, Row, device, median, parser, run, synchronise
from bench.perf.subjects import quiet, suite_runs, uint8_noise
from bench.runs.train import build
from bench.study import PresetName
from bench.study.run import Run
from bench.training.flops import training_cost
from bench.training.precision import chosen
from bench.training.settings import StepSettings
from bench.training.trainer import Trainer, TrainerConfig
from models.networks.kinds import Convolutions

BATCH = 128
TIMED = 3  # epochs, after one to warm up
SIZES = (1024, 2048, 4096)  # of the square matrices whose product is the measure
CLASSES = {  # of operators (or, on an accelerator, of kernels): the first pattern that is found in a name
    "fused passes": r"compiledfxgraph",
    "optimiser": r"optimizer|adam|multi_tensor_apply",
    "convolution": r"conv|fprop|dgrad|wgrad",
    "normalisation": r"norm(?!al)|bn_",
    "matrix product": r"mm\b|gemm|matmul|linear|dot|cutlass|nvjet",
    "movement": r"copy|clone|contiguous|to_copy|cat|index|gather|pad|memcpy|memset|nhwc|nchw|empty|resize|zero|"
    r"fill|arange",
    "elementwise": r"silu|sigmoid|exp|log|add|sub|mul|div|sum|mean|pow|square|neg|cross_entropy|random|normal|"
    r"elementwise|reduce|where|threshold|clamp|relu|fused|triton",
}
COLUMNS = {
    "preset": "preset",
    "variant": "variant",
    "capture": "one graph",
    "strides": "strides",
    "ms": "ms/step:.1f",
    "gflop": "GFLOP/step:.1f",
    "rate": "GFLOP/s:.1f",
    "peak": "matrix product, GFLOP/s:.1f",
    "fraction": "fraction:.3f",
    "where": "where the time goes",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("limit", "FLOP/s of a whole training step, optimiser included, over those of a matrix product.")
    made.add_argument("--batches", type=int, help="steps an epoch that is timed (default: 8; 200 on an accelerator)")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Time the training of the VAE pair at both presets' sizes."""
    name, sizes = ("digits", (128,)) if options.quick else ("mnist", SIZES)
    presets: tuple[PresetName, ...] = ("small",) if options.quick else ("paper", "small")
    batches = options.batches or (200 if device() == "cuda" else 8)
    precision = chosen("auto", device()) or torch.float32  # what the trainer uses
    rows = []
    for preset in presets:
        for found in suite_runs(preset, "VAE/unidirectional,VAE/bidirectional", name):
            rows += [compare(found, batches, precision, sizes, capture) for capture in (False, True)]
    settings = {"batch": BATCH, "batches": batches, "precision": str(precision), "matrices": sizes}
    return {"benchmark": "limit", "settings": settings, "rows": rows}


def compare(found: Run, batches: int, precision: torch.dtype, sizes: tuple[int, ...], capture: bool) -> Row:
    """Return the rates of a run's training step and of the matrix product, measured between its epochs.

    With `capture` the step is one compiled graph. FLOPs are those of the direct convolutions and matrix
    products, forward and backward, as counted by torch.
    """
    shape = data.image_shape(found.dataset)
    strides = found.network.strides if isinstance(found.network, Convolutions) else ()
    parameters, per_image = training_cost(lambda: build(found, shape), shape)
    products: list[float] = []
    clock = Clock(before=lambda: products.append(max(product_rate(n, precision) for n in sizes)))
    profiled = Profiled()
    with quiet():
        _train(found, shape, batches, clock, 1 + TIMED, capture)
        _train(found, shape, batches, profiled, 2, capture)
    seconds, peak = median(clock.seconds[1:]) / batches, max(products)
    rate = per_image * BATCH / seconds
    return {
        "preset": found.preset,
        "variant": found.variant,
        "capture": "yes" if capture else "no",
        "network": found.to_dict()["network"],
        "strides": "-".join(map(str, strides)),
        "parameters": parameters,
        "ms": 1e3 * seconds,
        "gflop": per_image * BATCH / 1e9,
        "rate": rate / 1e9,
        "peak": peak / 1e9,
        "fraction": rate / peak,
        "epochs": clock.seconds,
        "shares": profiled.shares,
        "where": ", ".join(f"{name} {share:.0%}" for name, share in profiled.shares.items() if share >= 0.005),
        "operators": profiled.operators,
    }


def _train(
    found: Run, shape: tuple[int, ...], batches: int, callback: TrainingCallback, epochs: int, capture: bool
) -> None:
    config = TrainerConfig(
        num_epochs=epochs,
        per_device_train_batch_size=BATCH,
        learning_rate=1e-6,  # no divergence
        steps=StepSettings(capture=capture),
    )
    Trainer(build(found, shape), uint8_noise(BATCH * batches, shape), None, config, [callback]).train()


def product_rate(n: int, precision: torch.dtype) -> float:
    """Return the FLOP/s of the product of two n x n matrices, the best of three after one to warm up: 2 n^3 / t."""
    a = torch.randn(n, n, device=device()).to(precision)
    b, out = a.t().contiguous(), torch.empty_like(a)
    best = float("inf")
    for _ in range(4):
        synchronise()
        started = time.perf_counter()
        torch.mm(a, b, out=out)
        synchronise()
        best = min(best, time.perf_counter() - started)
    return 2 * n**3 / best


class Profiled(TrainingCallback):
    """Profiles the last epoch; `shares` are of the time by class of operator, `operators` the ten longest by name."""

    def on_epoch_begin(self, training_config: Any, **kwargs: Any) -> None:
        """Start the profiler at the last epoch."""
        if kwargs["epoch"] == training_config.num_epochs:
            activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device() == "cuda" else [])]
            self._profile = profile(activities=activities)
            self._profile.start()

    def on_train_end(self, training_config: Any, **kwargs: Any) -> None:
        """Stop it and sort the time into classes."""
        synchronise()
        self._profile.stop()
        times = _times(self._profile)
        total = sum(times.values())
        by_class = dict.fromkeys([*CLASSES, "other"], 0.0)
        for name, time_ in times.items():
            by_class[classify(name)] += time_ / total
        self.shares = dict(sorted(by_class.items(), key=lambda item: -item[1]))
        longest = sorted(times, key=times.__getitem__, reverse=True)[:10]
        self.operators = {name[:80]: times[name] / total for name in longest}


def _times(profiled: profile) -> dict[str, float]:
    """Return microseconds by operator, without those that it calls; on an accelerator by kernel."""
    wanted = DeviceType.CUDA if device() == "cuda" else DeviceType.CPU
    events = [event for event in profiled.key_averages() if event.device_type == wanted]
    on_device = wanted == DeviceType.CUDA
    return {e.key: e.self_device_time_total if on_device else e.self_cpu_time_total for e in events}


def classify(name: str) -> str:
    """Return the class of an operator's or a kernel's name."""
    lower = name.lower()
    return next((kind for kind, pattern in CLASSES.items() if re.search(pattern, lower)), "other")


if __name__ == "__main__":
    sys.exit(main())
