"""Stock Pythae's BaseTrainer against ours: the same model class, weights, optimiser, images and batch size."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import BaseAE
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from scipy.stats import t

from bench.engine import ImageTensors, Trainer, TrainerConfig
from bench.errors import BadInput
from bench.likelihood import neg_elbo
from bench.perf.common import Clock, Row, device, median, parser, run
from bench.perf.subjects import SHAPE, as_pixels, images, quiet, stock_vae, suite_runs

WARM_UP, TIMED = 1, 3  # epochs
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
    "stock_seconds": "stock, s/epoch:.2f",
    "ours_seconds": "ours, s/epoch:.2f",
    "ratio": "ratio:.2f",
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
    rows = [compare(name, make, training, validation, options.rounds) for name, make in models().items()]
    sizes = {"images": len(training), "validation_images": len(validation)}
    settings = SETTINGS | sizes | {"rounds": options.rounds, "warm_up": WARM_UP, "timed": TIMED}
    return {"benchmark": "trainer", "settings": settings, "rows": rows}


def models() -> dict[str, Callable[[int], BaseAE]]:
    """Return the models by name, as functions that give the same weights for the same seed.

    The paper's residual network is among them on an accelerator, where its epochs are short.
    """
    found: dict[str, Callable[[int], BaseAE]] = {
        "Pythae's MLP VAE": lambda seed: stock_vae("MLP", seed=seed),
        "Pythae's ResNet VAE": lambda seed: stock_vae("ResNet", seed=seed),
    }
    if device() == "cuda":
        found["the paper's residual VAE"] = _paper
    return found


def _paper(seed: int) -> BaseAE:
    from bench.train import build

    return build(replace(suite_runs("paper", "VAE/stock")[0], seed=seed), SHAPE)


def compare(
    name: str, make: Callable[[int], BaseAE], training: ImageTensors, validation: ImageTensors, rounds: int
) -> Row:
    """Return the seconds an epoch of both trainers, and the negative ELBOs [nats] that they end with.

    Round r starts both from the weights of seed r; the order changes from round to round. The losses are of the best
    epoch on the validation images with one noise for both; the half-width of their difference is that of the 95 %
    t-interval over the rounds (none for one round), since two trainings differ by more than their images do.
    """
    runs: dict[str, Callable[..., Any]] = {"stock": _stock, "ours": _ours}
    seconds: dict[str, list[float]] = {key: [] for key in runs}
    losses: dict[str, list[float]] = {key: [] for key in runs}
    for seed in range(rounds):
        for key in list(runs)[:: -1 if seed % 2 else 1]:
            clock = Clock()
            with quiet():
                model = runs[key](make(seed), training, validation, seed, clock)
            seconds[key] += clock.seconds[WARM_UP:]
            noise = torch.Generator(device()).manual_seed(0)
            losses[key].append(float(neg_elbo(model.eval(), validation.data.to(device()), generator=noise).mean()))
    stock, ours = np.array(losses["stock"]), np.array(losses["ours"])
    difference = ours - stock
    spread = float(difference.std(ddof=1)) / rounds**0.5 if rounds > 1 else None
    return {
        "model": name,
        "stock_seconds": median(seconds["stock"]),
        "ours_seconds": median(seconds["ours"]),
        "ratio": median(seconds["stock"]) / median(seconds["ours"]),
        "stock_loss": float(stock.mean()),
        "ours_loss": float(ours.mean()),
        "difference": float(difference.mean()),
        "half_width": None if spread is None else spread * float(t.ppf(0.975, rounds - 1)),
        "stock_epochs": seconds["stock"],
        "ours_epochs": seconds["ours"],
    }


def _stock(model: BaseAE, training: ImageTensors, validation: ImageTensors, seed: int, clock: Clock) -> BaseAE:
    sets = [BaseDataset(as_pixels(split), split.labels) for split in (training, validation)]
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=WARM_UP + TIMED, seed=seed, no_cuda=device() == "cpu", **SETTINGS
        )
        trainer = BaseTrainer(model, *sets, training_config=config, callbacks=[clock])
        trainer.train()
    return trainer._best_model


def _ours(model: BaseAE, training: ImageTensors, validation: ImageTensors, seed: int, clock: Clock) -> BaseAE:
    config = TrainerConfig(num_epochs=WARM_UP + TIMED, seed=seed, **SETTINGS)
    trainer = Trainer(model, training, validation, config, [clock])
    trainer.train()
    return trainer.model


if __name__ == "__main__":
    sys.exit(main())
