"""Milliseconds that handing out a run costs, by executor; the runs are finished already, so no work is in them."""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.executors import EXECUTORS, Resources, Work, resolve
from bench.perf.common import Row, parser, run
from bench.perf.subjects import suite_runs
from bench.storage import store
from bench.study.suite import Run

RUNS, WORKERS = 500, 2
COLUMNS = {"executor": "executor", "workers": "workers:d", "runs": "runs:d", "ms": "ms each:.2f"}


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("submission", "What handing out a run costs, from the first that ends to the last.")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Hand out finished runs; what workers take to start is not in the time, which begins with the first end."""
    number = 20 if options.quick else RUNS
    first = suite_runs("small", "VAE/unidirectional")[0]
    runs = [replace(first, dataset="digits", seed=seed) for seed in range(number)]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for each in runs:
            _finish(Path(folder), each)
        for name in EXECUTORS:
            workers = 1 if name == "in-process" else WORKERS
            rows.append({"executor": name, "workers": workers, "runs": number, "ms": _ms(name, runs, folder, workers)})
    return {"benchmark": "submission", "settings": {"runs": number}, "rows": rows}


def _finish(folder: Path, finished: Run) -> None:
    """Write the little that says that a run is finished."""
    record = {"status": "done", "evaluation_id": finished.evaluation_id}
    store.write_json(folder / "runs" / finished.id / "record.json", record)
    store.write_json(folder / "digests" / finished.id / "digest.json", record)


def _ms(name: str, runs: list[Run], folder: str, workers: int) -> float:
    """Return the milliseconds a run, over all but the first."""
    ends = [time.perf_counter()]
    work, resources = Work(Path(folder)), Resources(workers)
    jobs = [[each] for each in runs]
    resolve(name)(jobs, work, resources, lambda *_: None, lambda *_: ends.append(time.perf_counter()))
    began = ends[1] if len(ends) > 1 else ends[0]  # in this process, a finished run is passed over without a word
    ended = ends[-1] if len(ends) > 1 else time.perf_counter()
    return 1000 * (ended - began) / len(runs)


if __name__ == "__main__":
    sys.exit(main())
