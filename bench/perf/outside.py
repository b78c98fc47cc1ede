"""The digits suite's stock rows: by the suite, against the script that a user of Pythae would write for them."""

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import BaseAE
from pythae.trainers import BaseTrainerConfig
from scipy.linalg import sqrtm
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE

from bench import data
from bench.errors import BadInput
from bench.perf.common import Row, interleaved, least_to_most, median, parser, run
from bench.perf.subjects import as_pixels, quiet, tensors
from bench.perf.suite import TOGETHER, TOY, command_line
from bench.perf.trainer import Batches
from bench.study import suite
from bench.study.run import Run
from bench.training.trainer import ImageTensors

COLUMNS = {
    "runs": "runs:d",
    "script_seconds": "Pythae's trainer and a script, s:.1f",
    "suite_seconds": "the suite, s:.1f",
    "script_range": "script, least to most",
    "suite_range": "suite, least to most",
    "ratio": "ratio:.2f",
    "script_nll": "script, NLL:.2f",
    "suite_nll": "suite, NLL:.2f",
}
STOCK = "*/stock"


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("outside", "Wall-clock seconds of the digits suite's stock rows: by the suite and by a plain script.")
    made.add_argument("--repeats", type=int, default=3, help="of each, in turn (default: %(default)s)")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Time both, each with a process of one thread a core; before, one run fills the suite's cache.

    The script trains by Pythae's own trainer at its best (fused AdamW, whole batches loaded at once) for as many
    epochs, and measures by its `get_nll`, scikit-image, scikit-learn and SciPy; its Frechet distance is of the model's
    own codes, the suite's of a classifier's features. The mean NLL [nats] shows that both did the same.
    """
    if options.repeats < 1:
        raise BadInput(f"--repeats {options.repeats}: at least one")
    words = ["--models=VAE/stock", "--seeds=0", *TOY] if options.quick else [f"--models={STOCK}"]
    loaded = suite.load("digits", "small", [value.removeprefix("--set=") for value in words if value in TOY])
    seeds = [0] if options.quick else None
    plan = suite.expand(loaded, "digits", "small", seeds=seeds, shape=data.image_shape("digits"))
    runs = suite.select(plan, [words[0].removeprefix("--models=")])
    workers = options.threads or os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        command_line(TOGETHER, ["--models=VAE", "--seeds=0", *TOY], folder, None)
        todo: dict[str, Callable[[], Any]] = {
            "script": partial(_script, runs, workers),
            "suite": partial(command_line, [*TOGETHER, f"--jobs={workers}"], words, folder, None),
        }
        seconds, found = interleaved(todo, options.repeats)
    row = {
        "runs": len(runs),
        "script_seconds": median(seconds["script"]),
        "suite_seconds": median(seconds["suite"]),
        "script_range": least_to_most(seconds["script"]),
        "suite_range": least_to_most(seconds["suite"]),
        "ratio": median(seconds["script"]) / median(seconds["suite"]),
        "script_nll": float(np.mean(found["script"][0])),
        "suite_nll": float(np.mean(list(found["suite"][0].of("nll").values()))),
        "script_repeats": seconds["script"],
        "suite_repeats": seconds["suite"],
    }
    return {"benchmark": "outside", "settings": {"models": STOCK, "workers": workers}, "rows": [row]}


def _script(runs: Sequence[Run], workers: int) -> list[float]:
    """Train and measure runs; return the NLL [nats] of each."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(one, runs))


def one(run: Run) -> float:
    """Train and measure a run as Pythae's documentation and that of each package says, and return its NLL [nats]."""
    from bench.runs.train import build

    torch.set_num_threads(1)
    images, settings = data.load("digits"), run.training
    parts = (images.train, settings.train_images), (images.validation, None), (images.test, None)
    training, validation, test = (tensors(split, count) for split, count in parts)
    model = build(run, images.shape)
    with quiet(), tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=settings.epochs,
            per_device_train_batch_size=settings.batch_size,
            per_device_eval_batch_size=500,
            learning_rate=settings.learning_rate,
            optimizer_cls="AdamW",
            optimizer_params={"weight_decay": settings.weight_decay, "fused": True},
            scheduler_cls="OneCycleLR",  # Pythae makes a step of it an epoch
            scheduler_params={"max_lr": settings.learning_rate, "total_steps": settings.epochs + 1},
            seed=run.seed,
            no_cuda=True,
        )
        sets = [BaseDataset(as_pixels(split), split.labels) for split in (training, validation)]
        trainer = Batches(model, *sets, training_config=config)
        trainer.train()
    return _measured(trainer._best_model.eval(), run, training, test)


@torch.no_grad()
def _measured(model: BaseAE, run: Run, training: ImageTensors, test: ImageTensors) -> float:
    x, settings = as_pixels(test), run.evaluation
    samples, shown = settings.nll_samples, x[: settings.images]
    nll = -float(model.get_nll(x[: settings.nll_images], n_samples=samples, batch_size=samples))
    codes = [model.encoder(part).embedding for part in (as_pixels(training), shown)]
    rebuilt = model.decoder(codes[1]).reconstruction
    for seen, made in zip(shown.numpy()[:, 0], rebuilt.numpy()[:, 0], strict=True):
        peak_signal_noise_ratio(seen, made, data_range=1)
        structural_similarity(seen, made, data_range=1, win_size=7)
    probe = LogisticRegression(max_iter=1000).fit(codes[0].numpy(), training.labels)
    probe.score(codes[1].numpy(), test.labels[: settings.images])
    TSNE(random_state=0).fit_transform(codes[1][: settings.tsne_images].numpy())
    drawn = model.decoder(torch.randn(len(shown), codes[1].shape[1])).reconstruction
    rows = codes[1].numpy(), model.encoder(drawn).embedding.numpy()
    (mean, covariance), (other, others) = [(x.mean(0), np.cov(x, rowvar=False)) for x in rows]
    np.sum((mean - other) ** 2) + np.trace(covariance + others - 2 * sqrtm(covariance @ others).real)
    return nll


if __name__ == "__main__":
    sys.exit(main())
