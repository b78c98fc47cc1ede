"""Schedulers that are lost, and machines that have not what is asked for."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .checks import tested
from .common import (
    QUICK,
    Fault,
    Seen,
    assert_same_cells,
    begun,
    bench,
    kill,
    lost,
    one_line,
    surroundings,
    wait_for,
)

LONG = QUICK.replace("epochs = 3", "epochs = 300")


# a scheduler, which may say that it is of another version, and writes its address into a file
SCHEDULER = """
import sys
import distributed.versions as versions
from distributed.cli.dask_scheduler import main
real, pretended = versions.get_package_info, sys.argv.pop(1)
versions.get_package_info = lambda names: real(names) | ({"distributed": pretended} if pretended else {})
main(["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", sys.argv.pop(1)])
"""


@contextmanager
def _process(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Python that is there meanwhile."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen([sys.executable, *words], cwd=folder, env=surroundings(folder), **quiet)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@contextmanager
def _scheduler(folder: Path, version: str = "") -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A scheduler of its own, and its address."""
    from bench.storage.store import read_json

    place = folder / f"scheduler{version}.json"
    with _process(folder, "-c", SCHEDULER, version, str(place)) as child:
        yield child, wait_for(lambda: read_json(place) if child.poll() is None else {"address": ""})["address"]


def lost_scheduler(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(LONG)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for port in (1, silent.getsockname()[1]):
            said = one_line(bench(folder, "--scheduler", f"tcp://127.0.0.1:{port}", "--wait", "2"), 2)
            assert "no answer within 2 s" in said, said
    with _scheduler(folder, "2019.1.0") as (_, address):
        said = one_line(bench(folder, "--scheduler", address), 2)
        assert "its distributed is 2019.1.0, here it is " in said, said
    with (
        _scheduler(folder) as (scheduler, address),
        _process(folder, "-m", "dask", "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"),
        begun(folder, "--scheduler", address, "--wait", "600", "--set", "epochs=100000") as child,
    ):
        wait_for(lambda: any((folder / "results").glob("mine/runs/*/states/*.pt")), child)
        scheduler.kill()
        assert child.wait() == 2 and f"the Dask scheduler at {address} is gone" in child.stderr, child.stderr
        assert "Traceback" not in child.stderr, child.stderr
    return Seen("absent, silent, of another version, lost in the middle: exit 2, one line, no hang", kills=1)


def dask_worker_killed(folder: Path) -> Seen:
    from bench.storage.store import read_json

    (folder / "mine.toml").write_text(LONG)
    assert bench(folder, "--jobs", "1").returncode == 0
    (folder / "results").rename(folder / "undisturbed")
    with begun(folder, "--executor", "dask", "--jobs", "2") as child:

        def victims() -> list[int]:
            found = (read_json(p) for p in (folder / "results").glob("mine/runs/*/worker.json"))
            return [who["pid"] for who in found if who and who["pid"] != child.pid]

        kill(wait_for(victims, child)[0])
        assert child.wait() == 0, child.stderr
    assert_same_cells(folder / "results" / "mine", folder / "undisturbed" / "mine")
    seen = "its run goes on in another; the same cells as in one process"
    return Seen(seen, kills=1, lost=lost(folder / "results" / "mine", 4))


def no_accelerator(folder: Path) -> Seen:
    import torch

    if torch.cuda.is_available():
        return Seen("there is an accelerator here: it cannot be asked for in vain")
    (folder / "mine.toml").write_text(QUICK)
    said = one_line(bench(folder, "--gpu"), 2)
    assert "no accelerator can be used here" in said and "cores" in said, said
    on_dask = one_line(bench(folder, "--gpu", "--executor", "dask", "--jobs", "1"), 2)
    assert "no Dask worker can be used" in on_dask and "threads" in on_dask and "GiB" in on_dask, on_dask
    return Seen(f"{said.removeprefix('bench: ')}; of Dask: threads and memory of each worker")


def stranger(folder: Path) -> Seen:
    test = "test_a_cluster_of_its_own_refuses_a_stranger_at_every_port"
    assert tested(folder, f"tests/bench/executors/test_dask.py::{test}") == {"passed": 1}
    return Seen("no credentials, another certificate, none, HTTP: refused at every port of scheduler and workers")


FAULTS = [
    Fault("scheduler lost, silent, of another version", "clear error, no hang", lost_scheduler, True),
    Fault("Dask worker killed", "resumes elsewhere", dask_worker_killed, True),
    Fault("unsatisfiable GPU request", "error names what is there", no_accelerator, True),
    Fault("another user at Dask's ports", "refused", stranger, True),
]
