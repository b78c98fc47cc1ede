"""Stock Pythae's get_nll against ours: the same model, images and number of importance samples."""

import argparse
import math
import statistics
import sys
from collections.abc import Callable
from functools import partial

import torch
from pythae.models import VAE
from torch import Tensor

from bench.errors import BadInput
from bench.likelihood import nll
from bench.perf.common import Row, device, interleaved, median, parser, run
from bench.perf.subjects import as_pixels, images, stock_vae
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig

COLUMNS = {
    "model": "model",
    "likelihood": "likelihood",
    "stock_seconds": "stock, s:.2f",
    "ours_seconds": "ours, s:.2f",
    "ratio": "ratio:.2f",
    "stock_nats": "stock, nats:.3f",
    "ours_nats": "ours, nats:.3f",
    "difference": "difference:.3f",
    "standard_error": "± SE:.3f",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("nll", "Seconds of an importance-weighted NLL: stock Pythae's get_nll against ours.")
    add = made.add_argument
    add("--images", type=int, default=64, help="default: %(default)s")
    add("--samples", type=int, default=500, help="importance samples an image (default: %(default)s)")
    add("--repeats", type=int, default=5, help="estimates of each, in turn (default: %(default)s)")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Estimate the NLL of the same images by both, on models that were trained for one epoch."""
    if options.repeats < 2 or options.samples < 2 or options.images < 1:
        raise BadInput("--repeats and --samples must be at least 2, --images at least 1")
    training, validation = images(options, 5_000, options.images)
    x = as_pixels(validation).to(device())
    rows = []
    for kind in ("MLP", "ResNet"):
        for likelihood in ("bce", "mse"):
            model = _trained(stock_vae(kind, likelihood), training)
            rows.append({"model": f"Pythae's {kind} VAE", "likelihood": likelihood} | compare(model, x, options))
    settings = {"images": len(x), "samples": options.samples, "repeats": options.repeats}
    return {"benchmark": "nll", "settings": settings, "rows": rows}


def compare(model: VAE, x: Tensor, options: argparse.Namespace) -> Row:
    """Return the seconds of both and their estimates; stock decodes as many samples at once as suits it best.

    The batch size divides K, since stock uses another number of samples otherwise. The standard error is the
    Monte-Carlo error of the difference, from the repeats.
    """
    k = options.samples
    sizes = [size for size in range(math.ceil(k / 20), k + 1) if k % size == 0]
    trial: dict[str, Callable[[], float]] = {str(size): partial(_stock, model, x[:2], k, size) for size in sizes}
    for warm_up in trial.values():
        warm_up()
    nll(model, x[:2], k)
    seconds, _ = interleaved(trial, 2)
    size = min(sizes, key=lambda size: median(seconds[str(size)]))
    todo: dict[str, Callable[[], float]] = {
        "stock": partial(_stock, model, x, k, size),
        "ours": lambda: float(nll(model, x, k).mean()),
    }
    seconds, nats = interleaved(todo, options.repeats)
    variance = sum(statistics.variance(nats[name]) / options.repeats for name in todo)
    stock, ours = (statistics.mean(nats[name]) for name in todo)
    return {
        "stock_seconds": median(seconds["stock"]),
        "ours_seconds": median(seconds["ours"]),
        "ratio": median(seconds["stock"]) / median(seconds["ours"]),
        "stock_nats": stock,
        "ours_nats": ours,
        "difference": ours - stock,
        "standard_error": math.sqrt(variance),
        "stock_batch_size": size,
        "stock_repeats": seconds["stock"],
        "ours_repeats": seconds["ours"],
    }


@torch.no_grad()
def _stock(model: VAE, x: Tensor, k: int, batch_size: int) -> float:
    """Return Pythae's estimate as an NLL: its get_nll returns + ln p(x)."""
    return -float(model.get_nll(x, n_samples=k, batch_size=batch_size))


def _trained(model: VAE, training: ImageTensors) -> VAE:
    trainer = Trainer(model, training, None, TrainerConfig(num_epochs=1))
    trainer.train()
    return model.to(memory_format=torch.contiguous_format).eval()  # as Pythae loads it


if __name__ == "__main__":
    sys.exit(main())
