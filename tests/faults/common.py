"""Small suites for faults to happen in, the command line in a process, and what became of it."""

import atexit
import csv
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from threadpoolctl import threadpool_limits

ROOT = Path(__file__).parents[2]
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
TIMED = ("seconds_per_epoch",)
PATIENCE = 1800.0  # seconds to wait for what has to happen
QUICK = """
title = "A small study"
dataset = "digits"
seeds = [0, 1]
rows = [{ row = "VAE", model = "VAE", variants = ["unidirectional", "bidirectional"] }]
[presets.small]
latent_dim = 4
epochs = 3
train_images = 200
network = { channels = [4], strides = [2], hidden = [8] }
evaluation = { nll_samples = 2, nll_images = 50, tsne_images = 0, gmm_images = 50, images = 100 }
"""


class Seen(NamedTuple):
    """What was seen, and how much of it: processes killed, bytes flipped, limits of the disk, runs that were lost."""

    text: str
    kills: int = 0
    flips: int = 0
    disks: int = 0
    lost: int = 0


@dataclass(frozen=True)
class Fault:
    """A fault, what is expected, and the function of an empty folder that makes it happen and says what it saw.

    The function raises AssertionError where something else was seen. `slow` ones take more than some seconds.
    """

    name: str
    expected: str
    happen: Callable[[Path], Seen]
    slow: bool = False


@cache
def cache_folder() -> str:
    """Return the user's cache folder of all faults, in which the suite's classifier is trained once."""
    folder = tempfile.mkdtemp(prefix="faults-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def surroundings(folder: Path) -> dict[str, str]:
    """Return the environment of a process: one thread, a cache of its own, the project and tests to import from."""
    known = {key: value for key, value in os.environ.items() if key != "BENCH_DATA"}
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers"), str(folder)])
    return known | ONE_THREAD | {"XDG_CACHE_HOME": cache_folder(), "PYTHONPATH": paths}


class Call:
    """The command line in a process of its own, forked from one that has imported the libraries: that takes seconds."""

    def __init__(self, folder: Path, arguments: Sequence[str], suite: str, first: Callable[[], None] | None):
        _import_all()
        self.folder, self.returncode, self._said = folder, None, b""
        self._pipe, other = os.pipe()
        os.set_blocking(self._pipe, False)
        chosen = ["--suite", suite, "--preset", "small", "--results", "results", *arguments]
        self.pid = os.fork()
        if self.pid == 0:
            self._live(chosen, other, first)
        os.close(other)

    def _live(self, arguments: list[str], pipe: int, first: Callable[[], None] | None) -> NoReturn:
        code = 99
        try:
            os.chdir(self.folder)
            os.environ.update(surroundings(self.folder))
            os.environ.pop("BENCH_DATA", None)
            sys.path[:0] = [str(self.folder), str(ROOT / "tests" / "helpers")]
            os.dup2(pipe, 2)
            sys.stderr, sys.stdout = os.fdopen(2, "w", buffering=1), open(os.devnull, "w")
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.argv = ["bench.run", *arguments]
            threadpool_limits(1)
            if first:
                first()
            from bench.run import main

            code = main(arguments)
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(OSError):
                sys.stderr.flush()
            os._exit(code)

    def poll(self) -> int | None:
        """Return the exit code, the negative signal for a killed one, None while it lives."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        """Wait for its end; raises AssertionError where that does not come."""
        wait_for(lambda: self.poll() is not None)
        assert self.returncode is not None
        return self.returncode

    @property
    def stderr(self) -> str:
        """What it has said by now."""
        with suppress(BlockingIOError):
            while data := os.read(self._pipe, 1 << 16):
                self._said += data
        return self._said.decode()

    def __del__(self) -> None:
        os.close(self._pipe)


@cache
def _import_all() -> None:
    """Import what runs need, once."""
    for name in (
        "bench.runs.execute",
        "bench.executors.workers",
        "bench.runs.cost",
        "bench.run.train",
        "report",
        "sklearn.mixture",
    ):
        import_module(name)
    import torch

    torch.set_num_threads(1)


def bench(folder: Path, *arguments: str, suite: str = "mine.toml", first: Callable[[], None] | None = None) -> Call:
    """Run a suite in a process, after what it is to do first, and wait for it."""
    call = Call(folder, arguments, suite, first)
    call.wait()
    return call


@contextmanager
def begun(folder: Path, *arguments: str, suite: str = "mine.toml") -> Iterator[Call]:
    """Give a process that carries out a suite, killed at the end if it still lives."""
    call = Call(folder, arguments, suite, None)
    try:
        yield call
    finally:
        if call.poll() is None:
            kill(call.pid)
            call.wait()


def wait_for(happened: Callable[[], Any], child: Call | None = None) -> Any:
    """Return what a function gives as soon as it gives something; raises AssertionError after half an hour."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := happened():
            return found
        assert child is None or child.poll() is None, f"it ended: {child.stderr}"
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE:g} s in vain")


def children(pid: int) -> list[int]:
    """Return the workers of a process: its children that carry out runs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            spawned = b"spawn_main" in (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and spawned:
            found.append(int(path.parent.name))
    return found


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def cells(suite_folder: Path) -> list[tuple[str, ...]]:
    """Return the lines of measurements.csv but those of time, sorted: suites begun in another order have another."""
    with (suite_folder / "measurements.csv").open(newline="") as file:
        return sorted(tuple(line.values()) for line in csv.DictReader(file) if line["metric"] not in TIMED)


def assert_same_cells(one: Path, other: Path) -> None:
    """Raise AssertionError, with the first cells that differ, where two tables do."""
    here, there = cells(one), cells(other)
    odd = [pair for pair in zip(here, there, strict=False) if pair[0] != pair[1]]
    assert not odd, f"{len(odd)} of {len(here)} cells differ, the first: {odd[0][0]} and {odd[0][1]}"
    assert len(here) == len(there) > 0, f"{len(here)} cells, and {len(there)}"


def lost(suite_folder: Path, runs: int) -> int:
    """Return how many of so many runs are not done."""
    return runs - list(statuses(suite_folder).values()).count("done")


def statuses(suite_folder: Path) -> dict[str, str]:
    """Return the stored status of each run of a suite by its folder's name."""
    from bench.storage.store import read_record

    return {
        path.parent.name: read_record(path.parent)["status"] for path in sorted(suite_folder.glob("runs/*/record.json"))
    }


def one_line(done: Call, code: int) -> str:
    """Return the only complaint of a call that ended with an exit code and no traceback."""
    assert done.returncode == code and "Traceback" not in done.stderr, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("bench: ")]
    return said
