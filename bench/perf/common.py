"""What the benchmark programs share: arguments, timing, the machine, a table and a JSON file."""

import argparse
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import torch
from pythae.trainers.training_callbacks import TrainingCallback

from bench.errors import BadInput
from bench.storage.store import write_json
from bench.system.provenance import collect

T = TypeVar("T")
Row = dict[str, Any]
Columns = Mapping[str, str]  # field of a row -> heading and format, as "seconds:.2f"


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return the arguments that every program takes."""
    made = argparse.ArgumentParser(prog=f"python -m bench.perf.{name}", description=description)
    made.add_argument("--out", type=Path, default=Path("results/perf") / f"{name}.json", help="default: %(default)s")
    made.add_argument("--data-dir", type=Path, help="folder that holds MNIST (else $BENCH_DATA, the cache, a download)")
    made.add_argument("--threads", type=int, help="processor threads of torch (default: its own choice)")
    made.add_argument(
        "--quick", "--tiny", action="store_true", help="a toy size, to see that it works; its times mean nothing"
    )
    return made


def run(options: argparse.Namespace, measure: Callable[[argparse.Namespace], Row], columns: Columns) -> int:
    """Measure, print the table, write the JSON file, and return the exit code: 0, or 2 for bad input.

    `measure` returns what goes into the file: its settings, and `rows`, which the table shows.
    """
    threads = torch.get_num_threads()
    try:
        if options.threads is not None:
            if options.threads < 1:
                raise BadInput(f"--threads {options.threads}: at least one thread")
            torch.set_num_threads(options.threads)
        about = machine()
        found = measure(options)
        write_json(options.out, {"machine": about, "quick": options.quick} | found)
    except BadInput as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    finally:
        torch.set_num_threads(threads)
    print(table(found["rows"], columns))
    print("\n".join([*found.get("remarks", ()), describe(about), f"wrote {options.out}"]))
    return 0


def machine() -> Row:
    """Return versions, revision and hardware, the accelerator's name included."""
    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return collect(torch.get_num_threads(), device()) | {"accelerator": accelerator}


def describe(about: Row) -> str:
    """Return the machine as one line."""
    hardware = about["hardware"]
    parts = [
        hardware["processor"],
        f"{hardware['cores']} cores",
        f"{hardware['threads']} threads",
        f"torch {about['versions']['torch']}",
        about["accelerator"] or "no accelerator",
    ]
    return ", ".join(parts)


def device() -> str:
    """Return where models run: "cuda" if there is one, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def table(rows: Iterable[Row], columns: Columns) -> str:
    """Return rows as aligned text; a column is a field with its heading and format, as "ours, s:.2f"."""
    lines = [[heading.partition(":")[0] for heading in columns.values()]]
    for row in rows:
        lines.append([_cell(row.get(key), heading.partition(":")[2]) for key, heading in columns.items()])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = [":" in heading for heading in columns.values()]
    return "\n".join(
        "  ".join(c.rjust(w) if n else c.ljust(w) for c, w, n in zip(line, widths, numeric, strict=True)).rstrip()
        for line in lines
    )


def _cell(value: object, form: str) -> str:
    return "" if value is None else format(value, form) if form else str(value)


def interleaved(todo: Mapping[str, Callable[[], Any]], repeats: int) -> tuple[dict[str, list[float]], dict[str, list]]:
    """Call each of `todo` in turn, `repeats` times over; return the seconds and the results of each, by name.

    The order is reversed in every second round, so that a drift of the machine falls on all alike.
    """
    seconds: dict[str, list[float]] = {name: [] for name in todo}
    results: dict[str, list] = {name: [] for name in todo}
    for repeat in range(repeats):
        for name in list(todo)[:: -1 if repeat % 2 else 1]:
            synchronise()
            started = time.perf_counter()
            result = todo[name]()
            synchronise()
            seconds[name].append(time.perf_counter() - started)
            results[name].append(result)
    return seconds, results


def synchronise() -> None:
    """Wait until the accelerator, if there is one, has done all that it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Clock(TrainingCallback):
    """Times each epoch as a trainer announces it, stock or ours; `before` is called first, outside the time."""

    def __init__(self, before: Callable[[], object] = lambda: None):
        self.seconds: list[float] = []
        self._before = before

    def on_epoch_begin(self, training_config: object, **kwargs: object) -> None:
        """Start the clock."""
        self._before()
        synchronise()
        self._started = time.perf_counter()

    def on_epoch_end(self, training_config: object, **kwargs: object) -> None:
        """Stop the clock."""
        synchronise()
        self.seconds.append(time.perf_counter() - self._started)


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def least_to_most(values: Sequence[float]) -> str:
    """Return the range of measured values as text."""
    return f"{min(values):.3g} to {max(values):.3g}"


def peak_mib() -> float:
    """Return the most memory (MiB) that this process has had resident since it was started.

    Linux's VmHWM where there is one: getrusage's maximum there includes that of the process which started this one.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 2**10  # bytes, or kilobytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def in_child(function: Callable[..., T], *arguments: object) -> T:
    """Return `function(*arguments)` of a new process, which has no memory, thread or cache of an earlier one."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()
