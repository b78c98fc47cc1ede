"""The README's command by this revision and by another, of which a checkout is at hand, each into an empty folder."""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from bench.errors import BadInput
from bench.perf.common import Row, interleaved, least_to_most, median, parser, run
from bench.perf.suite import ROOT, TOY, TRIAL

COLUMNS = {
    "runs": "runs:d",
    "before_seconds": "before, s:.0f",
    "after_seconds": "after, s:.0f",
    "before_range": "before, least to most",
    "after_range": "after, least to most",
    "ratio": "ratio:.2f",
    "nll": "largest difference of a row's NLL, nats:.3f",
    "psnr": "of its PSNR, dB:.3f",
}
Values = dict[tuple[str, ...], list[float]]  # metric, setting, row and variant -> a value a seed


class Timed(NamedTuple):
    """One call: its seconds, the number of runs, and what they measured."""

    seconds: float
    runs: int
    values: Values


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("revisions", "Wall-clock seconds of the README's command by two revisions, in turn.")
    made.add_argument("before", type=Path, help="checkout of the other revision")
    made.add_argument("--repeats", type=int, default=3, help="of each, in turn (default: %(default)s)")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Time both as a new user meets them, with an empty cache; of rows that both have, compare the means over seeds."""
    if options.repeats < 1:
        raise BadInput(f"--repeats {options.repeats}: at least one")
    if not (options.before / "bench").is_dir():
        raise BadInput(f"{options.before}: no checkout of this project")
    words = TRIAL + TOY if options.quick else []
    places = {"before": options.before.resolve(), "after": ROOT}
    seconds, found = interleaved({name: partial(call, place, words) for name, place in places.items()}, options.repeats)
    before, after = (found[name][0] for name in places)
    row = {
        "runs": after.runs,
        "before_seconds": median(seconds["before"]),
        "after_seconds": median(seconds["after"]),
        "before_range": least_to_most(seconds["before"]),
        "after_range": least_to_most(seconds["after"]),
        "ratio": median(seconds["before"]) / median(seconds["after"]),
        "nll": difference("nll", before.values, after.values),
        "psnr": difference("psnr", before.values, after.values),
        "before_repeats": seconds["before"],
        "after_repeats": seconds["after"],
    }
    settings = {"arguments": words, "before": _revision(places["before"])}
    return {"benchmark": "revisions", "settings": settings, "rows": [row]}


def call(checkout: Path, words: list[str]) -> Timed:
    """Run the default suite by the code of a checkout; raises RuntimeError where a run was not done."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": f"{folder}/cache", "PYTHONPATH": str(checkout)}
        command = [sys.executable, "-m", "bench.run", "--results", f"{folder}/results", *words]
        started = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
        with Path(folder, "results", "digits", "measurements.csv").open(newline="") as file:
            lines = list(csv.DictReader(file))
    values: Values = {}
    for line in lines:
        if line["value"]:
            key = tuple(line[name] for name in ("metric", "setting", "row", "variant"))
            values.setdefault(key, []).append(float(line["value"]))
    return Timed(seconds, len({line["path"] for line in lines}), values)


def difference(metric: str, before: Values, after: Values) -> float:
    """Return the largest difference of a row's mean over seeds."""
    keys = [key for key in before.keys() & after.keys() if key[0] == metric]
    return max(abs(fmean(before[key]) - fmean(after[key])) for key in keys)


def _revision(checkout: Path) -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
