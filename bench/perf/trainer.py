"""Stock Pythae's BaseTrainer against ours: the same model class, weights, optimiser, images and batch size."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import BaseAE
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from scipy.stats import t

from bench.errors import BadInput
from bench.likelihood import neg_elbo
from bench.perf.common import Clock, Row, device, in_child, median, parser, run
from bench.perf.subjects import SHAPE, as_pixels, images, quiet, stock_vae, suite_runs
from bench.training.settings import StepSettings
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig

WARM_UP, TIMED = 1, 3  # epochs
LATE = 8  # epochs before the timed ones, where units have died and their moments would be denormal numbers
OURS: dict[str, dict[str, Any]] = {  # our settings
    "float32": {"precision": "float32"},
    "float32, one graph": {"precision": "float32", "capture": True},
    "bfloat16": {"precision": "bfloat16"},
    "bfloat16, one graph": {"precision": "bfloat16", "capture": True},
}
SETTINGS: dict[str, Any] = {
    "per_device_train_batch_size": 128,
    "per_device_eval_batch_size": 500,
    "learning_rate": 1e-3,
    "optimizer_cls": "Adam",
    "optimizer_params": None,
    "scheduler_cls": None,
}
COLUMNS = {
    "model": "model",
    "ours": "ours in",
    "stock_seconds": "stock, s/epoch:.2f",
    "ours_seconds": "ours, s/epoch:.2f",
    "ratio": "ratio:.2f",
    "ours_first": "ours, first epoch s:.1f",
    "stock_loss": "stock, validation nats:.2f",
    "ours_loss": "ours, validation nats:.2f",
    "difference": "difference:.2f",
    "half_width": "± 95 %:.2f",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("trainer", "Seconds an epoch, validation included: stock Pythae's trainer against ours.")
    made.add_argument("--rounds", type=int, default=3, help="trainings of each, in turn (default: %(default)s)")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Train each model by both trainers, from one state, in turn."""
    if options.rounds < 1:
        raise BadInput(f"--rounds {options.rounds}: at least one")
    training, validation = images(options, 20_000, 5_000)
    cases = [(name, make, WARM_UP) for name, make in models().items()]
    cases.append((f"Pythae's MLP VAE, from epoch {LATE + 1}", partial(_stock_vae, "MLP"), LATE))
    rows = [row for case in cases for row in compare(*case, training, validation, options.rounds)]
    sizes = {"images": len(training), "validation_images": len(validation)}
    settings = SETTINGS | sizes | {"rounds": options.rounds, "warm_up": WARM_UP, "timed": TIMED}
    return {"benchmark": "trainer", "settings": settings, "rows": rows}


def models() -> dict[str, Callable[[int], BaseAE]]:
    """Return the models by name, as functions that give the same weights for the same seed.

    The paper's residual network is among them on an accelerator, where its epochs are short.
    """
    found: dict[str, Callable[[int], BaseAE]] = {
        "Pythae's MLP VAE": partial(_stock_vae, "MLP"),
        "Pythae's ResNet VAE": partial(_stock_vae, "ResNet"),
    }
    if device() == "cuda":
        found["the paper's residual VAE"] = _paper
    return found


def _stock_vae(kind: str, seed: int) -> BaseAE:
    return stock_vae(kind, seed=seed)


def _paper(seed: int) -> BaseAE:
    from bench.runs.train import build

    return build(replace(suite_runs("paper", "VAE/stock")[0], seed=seed), SHAPE)


def compare(
    name: str,
    make: Callable[[int], BaseAE],
    warm_up: int,
    training: ImageTensors,
    validation: ImageTensors,
    rounds: int,
) -> list[Row]:
    """Return the seconds an epoch of both trainers, and the negative ELBOs [nats] that they end with: ours in float32,
    as stock Pythae's is, and with networks in bfloat16, each step by step and with each step compiled as one
    graph (`capture`). The first `warm_up` epochs are not timed; the longest first one has the compiler's time in it.

    Round r starts all from the weights of seed r; the order changes from round to round. The losses are of the best
    epoch on the validation images with one noise for all; the half-width of their difference is that of the 95 %
    t-interval over the rounds (none for one round), since two trainings differ by more than their images do. Each
    training has a process of its own: ours changes how a process keeps memory.
    """
    runs: dict[str, Callable[..., Any]] = {"stock": _stock} | {
        key: partial(_ours, options=o) for key, o in OURS.items()
    }
    seconds: dict[str, list[float]] = {key: [] for key in runs}
    first: dict[str, list[float]] = {key: [] for key in runs}
    losses: dict[str, list[float]] = {key: [] for key in runs}
    for seed in range(rounds):
        for key in list(runs)[:: -1 if seed % 2 else 1]:
            timed, loss = in_child(
                _timed, runs[key], make, warm_up, training, validation, seed, torch.get_num_threads()
            )
            first[key].append(timed[0])
            seconds[key] += timed[warm_up:]
            losses[key].append(loss)
    rows = []
    for key in OURS:
        difference = np.array(losses[key]) - np.array(losses["stock"])
        spread = float(difference.std(ddof=1)) / rounds**0.5 if rounds > 1 else None
        row = {
            "model": name,
            "ours": key,
            "stock_seconds": median(seconds["stock"]),
            "ours_seconds": median(seconds[key]),
            "ratio": median(seconds["stock"]) / median(seconds[key]),
            "ours_first": max(first[key]),
            "stock_loss": float(np.mean(losses["stock"])),
            "ours_loss": float(np.mean(losses[key])),
            "difference": float(difference.mean()),
            "half_width": None if spread is None else spread * float(t.ppf(0.975, rounds - 1)),
            "stock_epochs": seconds["stock"],
            "ours_epochs": seconds[key],
        }
        rows.append(row)
    return rows


def _timed(
    train: Callable[..., BaseAE],
    make: Callable[[int], BaseAE],
    warm_up: int,
    training: ImageTensors,
    validation: ImageTensors,
    seed: int,
    threads: int,
) -> tuple[list[float], float]:
    """Return the seconds of the epochs and the final negative ELBO, in a process that did nothing before."""
    torch.set_num_threads(threads)
    clock = Clock()
    with quiet():
        model = train(make(seed), training, validation, seed, clock, warm_up + TIMED)
    noise = torch.Generator(device()).manual_seed(0)
    loss = neg_elbo(model.eval(), validation.data.to(device()), generator=noise).mean()
    return clock.seconds, float(loss)


def _stock(
    model: BaseAE, training: ImageTensors, validation: ImageTensors, seed: int, clock: Clock, epochs: int
) -> BaseAE:
    sets = [BaseDataset(as_pixels(split), split.labels) for split in (training, validation)]
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=epochs, seed=seed, no_cuda=device() == "cpu", **SETTINGS
        )
        trainer = BaseTrainer(model, *sets, training_config=config, callbacks=[clock])
        trainer.train()
    return trainer._best_model


def _ours(
    model: BaseAE,
    training: ImageTensors,
    validation: ImageTensors,
    seed: int,
    clock: Clock,
    epochs: int,
    options: dict[str, Any],
) -> BaseAE:
    config = TrainerConfig(num_epochs=epochs, seed=seed, steps=StepSettings(**options), **SETTINGS)
    trainer = Trainer(model, training, validation, config, [clock])
    trainer.train()
    return trainer.model


if __name__ == "__main__":
    sys.exit(main())
