"""Seconds and peak memory of training and of the NLL, against the number of images, of samples, and the width."""

import argparse
import math
import sys
import time
from dataclasses import replace
from typing import Any

import torch

from bench.likelihood import nll
from bench.perf.common import Clock, Row, device, in_child, median, parser, peak_mib, run, synchronise
from bench.perf.subjects import SHAPE, as_pixels, quiet, suite_runs, uint8_noise
from bench.runs.train import build
from bench.training.trainer import Trainer, TrainerConfig

TOLERANCE = 0.15  # of an exponent, about 1
REPEATS = 3
BASE = {"train": {"images": 2048, "width": 1.0}, "nll": {"images": 32, "k": 100, "width": 1.0}}
GRID: dict[tuple[str, str], list[float]] = {
    ("train", "images"): [512, 1024, 2048, 4096, 8192, 16384],
    ("train", "width"): [0.25, 0.5, 1.0, 2.0, 4.0],
    ("nll", "images"): [8, 16, 32, 64, 128, 256],
    ("nll", "k"): [10, 30, 100, 300, 1000, 3000],
    ("nll", "width"): [0.25, 0.5, 1.0, 2.0, 4.0],
}
QUICK_BASE = {"train": {"images": 256, "width": 0.25}, "nll": {"images": 2, "k": 4, "width": 0.25}}
QUICK_GRID: dict[tuple[str, str], list[float]] = {("train", "images"): [128, 256], ("nll", "k"): [2, 4]}
COLUMNS = {
    "what": "what",
    "against": "against",
    "value": "value:g",
    "seconds": "seconds:.4f",
    "exponent": "exponent:.2f",
    "peak_mib": "peak, MiB:.0f",
    "leaves_one": "",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("scaling", "How time and memory of training and of the NLL grow; a process of its own each point.")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Measure all points; the exponent is that of the seconds between a point and the one before it."""
    grid, base = (QUICK_GRID, QUICK_BASE) if options.quick else (GRID, BASE)
    rows: list[Row] = []
    for (what, against), values in grid.items():
        before: tuple[float, float] | None = None
        for value in values:
            seconds, peak = in_child(_point, what, {**base[what], against: value}, torch.get_num_threads())
            power = None if before is None else exponent(before, (value, seconds))
            leaves = power is not None and abs(power - 1) > TOLERANCE
            point = {"what": what, "against": against, "value": value, "seconds": seconds, "peak_mib": peak}
            rows.append(point | {"exponent": power, "leaves_one": "leaves 1" if leaves else ""})
            before = value, seconds
    network = suite_runs("small", "VAE/unidirectional")[0].network
    settings = {"base": base, "tolerance": TOLERANCE, "repeats": REPEATS, "network": network}
    return {"benchmark": "scaling", "settings": settings, "rows": rows, "remarks": remarks(rows)}


def remarks(rows: list[Row]) -> list[str]:
    """Return one line a series that says where its exponent leaves 1."""
    lines = []
    for series in dict.fromkeys((row["what"], row["against"]) for row in rows):
        own = [row for row in rows if (row["what"], row["against"]) == series]
        out = [f"{row['value']:g} ({row['exponent']:.2f})" for row in own if row["leaves_one"]]
        where = f"leaves 1 on the way to {', '.join(out)}" if out else "stays within 1 ± 0.15"
        lines.append(f"{series[0]} against {series[1]}: the exponent {where}")
    return lines


def exponent(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the slope between two points (value, seconds) on logarithmic axes: 1 where seconds are proportional."""
    return math.log(second[1] / first[1]) / math.log(second[0] / first[0])


def _point(what: str, sizes: dict[str, float], threads: int) -> tuple[float, float]:
    """Return seconds and peak memory (MiB; an accelerator's own where there is one) of a point."""
    torch.set_num_threads(threads)
    found = suite_runs("small", "VAE/unidirectional")[0]
    sized = replace(found, network=replace(found.network, width=sizes["width"]))
    with quiet():
        seconds = {"train": _train, "nll": _nll}[what](sized, sizes)
    return seconds, torch.cuda.max_memory_allocated() / 2**20 if device() == "cuda" else peak_mib()


def _train(sized: Any, sizes: dict[str, float]) -> float:
    """Return the seconds of one epoch."""
    clock = Clock()
    config = TrainerConfig(num_epochs=1 + REPEATS, learning_rate=1e-6)  # no divergence at any width
    Trainer(build(sized, SHAPE), uint8_noise(int(sizes["images"]), SHAPE), None, config, [clock]).train()
    return median(clock.seconds[1:])


def _nll(sized: Any, sizes: dict[str, float]) -> float:
    """Return the seconds of one estimate of all images."""
    model = build(sized, SHAPE).to(device()).eval()
    x = as_pixels(uint8_noise(int(sizes["images"]), SHAPE)).to(device())
    seconds = []
    for _ in range(1 + REPEATS):
        synchronise()
        started = time.perf_counter()
        nll(model, x, int(sizes["k"]))
        synchronise()
        seconds.append(time.perf_counter() - started)
    return median(seconds[1:])


if __name__ == "__main__":
    sys.exit(main())
