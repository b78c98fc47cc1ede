"""Annealed importance sampling: all images and chains at once against image after image, and chain after chain."""

import argparse
import sys
from functools import partial

import torch
from torch import Tensor

from bench.errors import BadInput
from bench.evaluation.annealing import Schedule, lower_bound
from bench.likelihood import Density, rows_at_once
from bench.perf.common import Row, device, interleaved, least_to_most, median, parser, run
from bench.perf.subjects import as_pixels, images
from models import MODELS

COLUMNS = {
    "way": "way",
    "chain_steps": "chain-steps",
    "seconds": "s:.2f",
    "rate": "chain-steps/s:.0f",
    "range": "s, least to most",
    "ratio": "ratio to chain after chain:.1f",
    "ratio_batched": "ratio to image after image:.2f",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("ais", "Chain-steps a second of annealed importance sampling: vectorised against plain loops.")
    add = made.add_argument
    add("--images", type=int, default=16, help="default: %(default)s")
    add("--chains", type=int, default=16, help="an image (default: %(default)s)")
    add("--distributions", type=int, default=12, help="default: %(default)s")
    add("--repeats", type=int, default=5, help="of each, in turn (default: %(default)s)")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Anneal the same images by all on the decoder of Table 3, sVAE. One loop takes an image's chains one after the
    other, the other the images, all chains of each as a batch; all are counted by their leapfrog steps."""
    if min(options.images, options.chains) < 1 or options.distributions < 3 or options.repeats < 2:
        raise BadInput("--images and --chains must be at least 1, --repeats 2, --distributions 3")
    kind = MODELS["SymmetricVAER"].resolve()
    torch.manual_seed(0)
    model = kind(kind.config_class(input_dim=(1, 28, 28), latent_dim=50)).to(device()).eval()
    x = as_pixels(images(options, 1_000, options.images)[1]).to(device()).round()
    schedule = Schedule(options.distributions, options.chains)
    todo = {
        "vectorised": partial(_vectorised, model, x, schedule),
        "image after image": partial(_images, model, x, schedule),
        "chain after chain": partial(_chains, model, x[:1], schedule),
    }
    seconds, _ = interleaved(todo, options.repeats)
    moves = (options.distributions - 2) * schedule.leapfrog
    steps = dict.fromkeys(todo, len(x) * options.chains * moves) | {"chain after chain": options.chains * moves}
    rates = {way: steps[way] / median(seconds[way]) for way in todo}
    rows = [
        {"way": way, "chain_steps": steps[way], "seconds": median(seconds[way]), "rate": rates[way]}
        | {"range": least_to_most(seconds[way]), "repeats": seconds[way]}
        | {"ratio": rates[way] / rates["chain after chain"], "ratio_batched": rates[way] / rates["image after image"]}
        for way in todo
    ]
    names = ("images", "chains", "distributions", "repeats")
    return {"benchmark": "ais", "settings": {name: getattr(options, name) for name in names}, "rows": rows}


def _vectorised(model: Density, x: Tensor, schedule: Schedule) -> float:
    return float(lower_bound(model, x, schedule, rows=rows_at_once(x)).mean())


def _images(model: Density, x: Tensor, schedule: Schedule) -> float:
    return sum(float(lower_bound(model, image, schedule)) for image in x.split(1)) / len(x)


def _chains(model: Density, x: Tensor, schedule: Schedule) -> float:
    alone = Schedule(schedule.distributions, 1, schedule.leapfrog, schedule.first_step)
    chains = [float(lower_bound(model, x, alone)) for _ in range(schedule.chains)]
    return sum(chains) / len(chains)


if __name__ == "__main__":
    sys.exit(main())
