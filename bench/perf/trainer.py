"""Stock Pythae's BaseTrainer against ours: the same model class, weights, optimiser, images and batch size."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import BaseAE
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from scipy.stats import t
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

from bench import data
from bench.errors import BadInput
from bench.likelihood import neg_elbo
from bench.perf.common import Clock, Row, device, in_child, least_to_most, median, parser, run
from bench.perf.subjects import as_pixels, images, quiet, stock_vae, suite_runs, tensors
from bench.study import PresetName
from bench.training.precision import SLOWER, times_as_long
from bench.training.settings import StepSettings
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig

WARM_UP, TIMED = 1, 3  # epochs
LATE = 8  # epochs before the timed ones, where units have died and their moments would be denormal numbers
AS_ONE = 12  # models, as the suites train small ones
Way = dict[str, Any]
STOCK: dict[str, Way] = {  # Pythae's trainer as it comes, and with what its configuration and a loader can give
    "stock": {},
    "best": {"optimizer_params": {"fused": True}},
}
OURS: dict[str, Way] = {  # our settings
    "float32": {"precision": "float32"},
    "float32, one graph": {"precision": "float32", "capture": True},
    "bfloat16": {"precision": "bfloat16"},
    "bfloat16, one graph": {"precision": "bfloat16", "capture": True},
}
TOGETHER: dict[str, Way] = {f"float32, {AS_ONE} as one": {"precision": "float32", "models": AS_ONE}}
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
    "stock_seconds": "stock, s/epoch:.3f",
    "best_seconds": "stock at its best, s/epoch:.3f",
    "ours_seconds": "ours, s/epoch:.3f",
    "best_range": "stock at its best, least to most",
    "ours_range": "ours, least to most",
    "ratio_best": "ratio to stock at its best:.2f",
    "ratio": "ratio to stock as it comes:.2f",
    "ours_first": "ours, first epoch s:.1f",
    "stock_loss": "stock, validation nats:.2f",
    "ours_loss": "ours, validation nats:.2f",
    "difference": "difference:.2f",
    "half_width": "± 95 %:.2f",
}


class Case(NamedTuple):
    """A model, its images, the epochs before the timed ones, how many of those, and the batch size.

    `make` gives the same weights for the same seed; `ways` are our settings.
    """

    name: str
    make: Callable[[int], BaseAE]
    training: ImageTensors
    validation: ImageTensors
    ways: Mapping[str, Way]
    warm_up: int = WARM_UP
    timed: int = TIMED
    batch: int = SETTINGS["per_device_train_batch_size"]


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
    timed = 20 if options.quick else 60  # of the digits, whose epochs are short
    rows = [row for case in cases(training, validation, timed) for row in compare(case, options.rounds)]
    sizes = {"images": len(training), "validation_images": len(validation)}
    settings = SETTINGS | sizes | {"rounds": options.rounds, "warm_up": WARM_UP, "timed": TIMED}
    return {"benchmark": "trainer", "settings": settings, "rows": rows}


def cases(training: ImageTensors, validation: ImageTensors, digits_timed: int = 60) -> list[Case]:
    """Return what is compared: Pythae's networks on MNIST, and the digits suite's on its images and batch size.

    The paper's residual network is among them on an accelerator, where its epochs are short; bfloat16 is one of our
    settings where it is not slower.
    """
    fast = device() == "cuda" or times_as_long() < SLOWER
    mnist = training, validation, {key: way for key, way in OURS.items() if fast or way["precision"] == "float32"}
    found = [
        Case("Pythae's MLP VAE", partial(_stock_vae, "MLP"), *mnist),
        Case("Pythae's ResNet VAE", partial(_stock_vae, "ResNet"), *mnist),
        Case(f"Pythae's MLP VAE, from epoch {LATE + 1}", partial(_stock_vae, "MLP"), *mnist, warm_up=LATE),
    ]
    if device() == "cuda":
        found.append(Case("the paper's residual VAE", partial(_suite_vae, "mnist", "paper"), *mnist))
    digits = data.load("digits")
    small = tensors(digits.train), tensors(digits.validation)
    ways, made = {"float32": OURS["float32"]} | TOGETHER, partial(_suite_vae, "digits", "small")
    return [*found, Case("the digits suite's VAE", made, *small, ways, warm_up=5, timed=digits_timed, batch=64)]


def _stock_vae(kind: str, seed: int) -> BaseAE:
    return stock_vae(kind, seed=seed)


def _suite_vae(name: str, preset: PresetName, seed: int) -> BaseAE:
    from bench.runs.train import build

    return build(replace(suite_runs(preset, "VAE/stock", name)[0], seed=seed), data.image_shape(name))


def compare(case: Case, rounds: int) -> list[Row]:
    """Return the seconds an epoch of both trainers, and the negative ELBOs [nats] that they end with: ours in each of
    the case's settings, Pythae's in float32, as it comes and at its best: with fused Adam and whole batches loaded at
    once. Where several models train as one the seconds are divided by their number.

    The first epochs are not timed; the longest first one has the compiler's time in it. Round r starts all from the
    weights of seed r; the order changes from round to round. The losses are of the best epoch on the validation images
    with one noise for all; the half-width of their difference is that of the 95 % t-interval over the rounds (none for
    one round), since two trainings differ by more than their images do. Each training has a process of its own: ours
    changes how a process keeps memory.
    """
    runs: dict[str, Callable[..., Any]] = {key: partial(_stock, way=way) for key, way in STOCK.items()}
    runs |= {key: partial(_ours, way=way) for key, way in case.ways.items()}
    seconds: dict[str, list[float]] = {key: [] for key in runs}
    first: dict[str, list[float]] = {key: [] for key in runs}
    losses: dict[str, list[float]] = {key: [] for key in runs}
    for seed in range(rounds):
        for key in list(runs)[:: -1 if seed % 2 else 1]:
            timed, loss = in_child(_timed, runs[key], case, seed, torch.get_num_threads())
            first[key].append(timed[0])
            seconds[key] += timed[case.warm_up :]
            losses[key].append(loss)
    rows = []
    for key in case.ways:
        difference = np.array(losses[key]) - np.array(losses["stock"])
        spread = float(difference.std(ddof=1)) / rounds**0.5 if rounds > 1 else None
        stock, best, ours = (median(seconds[name]) for name in ("stock", "best", key))
        row = {
            "model": case.name,
            "ours": key,
            "stock_seconds": stock,
            "best_seconds": best,
            "ours_seconds": ours,
            "best_range": least_to_most(seconds["best"]),
            "ours_range": least_to_most(seconds[key]),
            "ratio_best": best / ours,
            "ratio": stock / ours,
            "ours_first": max(first[key]),
            "stock_loss": float(np.mean(losses["stock"])),
            "ours_loss": float(np.mean(losses[key])),
            "difference": float(difference.mean()),
            "half_width": None if spread is None else spread * float(t.ppf(0.975, rounds - 1)),
            "stock_epochs": seconds["stock"],
            "best_epochs": seconds["best"],
            "ours_epochs": seconds[key],
        }
        rows.append(row)
    return rows


def _timed(train: Callable[..., BaseAE], case: Case, seed: int, threads: int) -> tuple[list[float], float]:
    """Return the seconds of the epochs and the final negative ELBO, in a process that did nothing before."""
    torch.set_num_threads(threads)
    clock = Clock()
    with quiet():
        model, models = train(case, seed, clock)
    noise = torch.Generator(device()).manual_seed(0)
    loss = neg_elbo(model.eval(), as_pixels(case.validation).to(device()), generator=noise).mean()
    return [seconds / models for seconds in clock.seconds], float(loss)


class Batches(BaseTrainer):
    """Pythae's trainer with the images of a batch taken at once."""

    def get_train_dataloader(self, train_dataset: BaseDataset) -> DataLoader:
        """Return the training batches, shuffled."""
        return _loader(train_dataset, RandomSampler(train_dataset), self.training_config.per_device_train_batch_size)

    def get_eval_dataloader(self, eval_dataset: BaseDataset) -> DataLoader:
        """Return the validation batches, shuffled as Pythae shuffles them."""
        return _loader(eval_dataset, RandomSampler(eval_dataset), self.training_config.per_device_eval_batch_size)


def _loader(dataset: BaseDataset, order: RandomSampler, size: int) -> DataLoader:
    batches = BatchSampler(order, size, drop_last=False)
    return DataLoader(dataset, batch_size=None, sampler=batches, collate_fn=lambda batch: batch)


def _stock(case: Case, seed: int, clock: Clock, way: Way) -> tuple[BaseAE, int]:
    sets = [BaseDataset(as_pixels(split), split.labels) for split in (case.training, case.validation)]
    kind = Batches if way else BaseTrainer
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(case) | {"output_dir": folder, "seed": seed, "no_cuda": device() == "cpu"} | way
        trainer = kind(case.make(seed), *sets, training_config=BaseTrainerConfig(**settings), callbacks=[clock])
        trainer.train()
    return trainer._best_model, 1


def _ours(case: Case, seed: int, clock: Clock, way: Way) -> tuple[BaseAE, int]:
    steps = {key: value for key, value in way.items() if key != "models"}
    seeds = [seed + 1_000 * i for i in range(way.get("models", 1))]
    configs = [TrainerConfig(seed=own, steps=StepSettings(**steps), **_settings(case)) for own in seeds]
    trainer = Trainer([case.make(own) for own in seeds], case.training, case.validation, configs, [clock])
    trainer.train()
    return trainer.model, len(seeds)


def _settings(case: Case) -> Way:
    return SETTINGS | {"per_device_train_batch_size": case.batch, "num_epochs": case.warm_up + case.timed}


if __name__ == "__main__":
    sys.exit(main())
