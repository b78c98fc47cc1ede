"""The digits suite run together, as the command line does by default, against run by run: in one process, and in one a
core."""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.errors import BadInput
from bench.perf.common import Row, interleaved, least_to_most, median, parser, run

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {
    "runs": "runs:d",
    "alone_threads": "threads of the one process:d",
    "alone_seconds": "one process, s:.1f",
    "apart_seconds": "a process a core, run by run, s:.1f",
    "together_seconds": "together, s:.1f",
    "together_range": "together, least to most",
    "ratio": "ratio to one process:.2f",
    "ratio_apart": "ratio to a process a core:.2f",
    "largest_difference": "largest NLL difference, nats:.1e",
}
TRIAL = ["--models=VAE", "--seeds=0"]  # the runs on which the number of threads is chosen
TOY = ["--set=epochs=2", "--set=train_images=256", "--set=evaluation.nll_images=20", "--set=evaluation.images=60"]


TOGETHER = ["-m", "bench.run"]
APART = [*TOGETHER, "--set=stack=false"]  # run by run, several at once
ALONE = [*APART, "--jobs=1"]


class Timed(NamedTuple):
    """One call of the command line: its seconds, the number of runs, and what was measured: by metric, setting, row,
    variant and seed."""

    seconds: float
    runs: int
    values: dict[tuple[str, ...], float]

    def of(self, metric: str) -> dict[tuple[str, ...], float]:
        """Return the values of a metric."""
        return {key: value for key, value in self.values.items() if key[0] == metric}


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("suite", "Wall-clock seconds of the digits suite, training and evaluation: together against alone.")
    add = made.add_argument
    add("--models", metavar="GLOB,…", help="as of bench.run (default: all rows)")
    add("--seeds", metavar="N,…", help="as of bench.run (default: the suite's)")
    add("--repeats", type=int, default=3, help="of each, in turn (default: %(default)s)")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Time all into fresh folders, after one run that is not timed and leaves them its cache.

    What the cache keeps, they would keep from any earlier call: the data set's classifier and reference statistics. The
    one process has the faster of one thread and as many as there are cores (or `--threads`).
    """
    if options.repeats < 1:
        raise BadInput(f"--repeats {options.repeats}: at least one")
    chosen = [f"--{name}={value}" for name in ("models", "seeds") if (value := getattr(options, name)) is not None]
    trial = TRIAL + TOY if options.quick else TRIAL
    chosen = trial if options.quick else chosen
    with tempfile.TemporaryDirectory() as folder:
        command_line(TOGETHER, chosen, folder, None)
        counts = sorted({1, options.threads or os.cpu_count() or 1})
        tried = {n: command_line(ALONE, trial, folder, n).seconds for n in counts}
        threads = min(tried, key=tried.__getitem__)
        todo = {
            "alone": partial(command_line, ALONE, chosen, folder, threads),
            "apart": partial(command_line, APART, chosen, folder, None),
            "together": partial(command_line, TOGETHER, chosen, folder, None),
        }
        _, found = interleaved(todo, options.repeats)
    seconds = {name: [timed.seconds for timed in found[name]] for name in todo}
    alone, together = found["alone"][0], found["together"][0]
    row = {
        "runs": together.runs,
        "alone_threads": threads,
        "alone_seconds": median(seconds["alone"]),
        "apart_seconds": median(seconds["apart"]),
        "together_seconds": median(seconds["together"]),
        "together_range": least_to_most(seconds["together"]),
        "ratio": median(seconds["alone"]) / median(seconds["together"]),
        "ratio_apart": median(seconds["apart"]) / median(seconds["together"]),
        "largest_difference": max(abs(v - together.values[key]) for key, v in alone.of("nll").items()),
        "alone_repeats": seconds["alone"],
        "apart_repeats": seconds["apart"],
        "together_repeats": seconds["together"],
    }
    settings = {"arguments": chosen, "threads_tried": {str(n): s for n, s in tried.items()}}
    return {"benchmark": "suite", "settings": settings, "rows": [row]}


def command_line(
    program: Sequence[str], arguments: Sequence[str], cache: str, threads: int | None, checkout: Path = ROOT
) -> Timed:
    """Run the digits suite of a checkout into a new folder, with torch's `threads` (None: its own choice).

    Raises RuntimeError where a run was not done.
    """
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    environment["XDG_CACHE_HOME"] = cache
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    with tempfile.TemporaryDirectory() as results:
        command = [sys.executable, *program, "--suite=digits", f"--results={results}", "--json", *arguments]
        started = time.perf_counter()
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
        runs = json.loads(done.stdout.splitlines()[-1])
        with Path(results, "digits", "measurements.csv").open(newline="") as file:
            lines = [line for line in csv.DictReader(file) if line["value"]]
    about = ("metric", "setting", "row", "variant", "seed")
    return Timed(seconds, len(runs), {tuple(line[name] for name in about): float(line["value"]) for line in lines})


if __name__ == "__main__":
    sys.exit(main())
