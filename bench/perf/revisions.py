"""The README's command by this revision and by another, of which a checkout is at hand, each into an empty folder."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

from bench.errors import BadInput
from bench.perf.common import Row, interleaved, least_to_most, median, parser, run
from bench.perf.suite import ROOT, TOGETHER, TOY, TRIAL, Timed, command_line

COLUMNS = {
    "runs": "runs:d",
    "before_seconds": "before, s:.0f",
    "after_seconds": "after, s:.0f",
    "before_range": "before, least to most",
    "after_range": "after, least to most",
    "ratio": "ratio:.2f",
    "nll": "largest difference of a row's NLL, nats:.1e",
    "psnr": "of its PSNR, dB:.1e",
}


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
    words = TRIAL + TOY if options.quick else []
    revision, places = _revision(options.before), {"before": options.before.resolve(), "after": ROOT}
    todo = {name: partial(call, place, words, options.threads) for name, place in places.items()}
    seconds, found = interleaved(todo, options.repeats)
    before, after = (found[name][0] for name in places)
    row = {
        "runs": after.runs,
        "before_seconds": median(seconds["before"]),
        "after_seconds": median(seconds["after"]),
        "before_range": least_to_most(seconds["before"]),
        "after_range": least_to_most(seconds["after"]),
        "ratio": median(seconds["before"]) / median(seconds["after"]),
        "nll": difference("nll", before, after),
        "psnr": difference("psnr", before, after),
        "before_repeats": seconds["before"],
        "after_repeats": seconds["after"],
    }
    settings = {"arguments": words, "before": revision}
    return {"benchmark": "revisions", "settings": settings, "rows": [row]}


def call(checkout: Path, words: Sequence[str], threads: int | None) -> Timed:
    """Run the default suite by the code of a checkout; raises RuntimeError where a run was not done."""
    with tempfile.TemporaryDirectory() as cache:
        return command_line(TOGETHER, words, cache, threads, checkout)


def difference(metric: str, before: Timed, after: Timed) -> float:
    """Return the largest difference of a row's mean over seeds, of the rows that both have."""
    old, new = (_means(timed.of(metric)) for timed in (before, after))
    return max(abs(old[key] - new[key]) for key in old.keys() & new.keys())


def _means(values: Mapping[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    rows: dict[tuple[str, ...], list[float]] = {}
    for (*row, _), value in values.items():
        rows.setdefault(tuple(row), []).append(value)
    return {row: fmean(of_seeds) for row, of_seeds in rows.items()}


def _revision(checkout: Path) -> str:
    found = (checkout / "bench").is_dir() and subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True
    )
    if not found or found.returncode:
        raise BadInput(f"{checkout}: no checkout of this project")
    return found.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
