"""Schedulers that are lost, and machines that have not what is asked for."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from .common import QUICK, Fault, begun, bench, cells, children, kill, one_line, statuses, surroundings, wait_for

LONG = QUICK.replace("epochs = 3", "epochs = 300")


def _port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _dask(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", "dask", *words], cwd=folder, env=surroundings(folder), **quiet)


def lost_scheduler(folder: Path) -> str:
    (folder / "mine.toml").write_text(LONG)
    said = one_line(bench(folder, "--scheduler", "tcp://127.0.0.1:1", "--wait", "2"), 2)
    assert "no answer within 2 s" in said, said
    address = f"tcp://127.0.0.1:{_port()}"
    with ExitStack() as after:
        port = address.rpartition(":")[2]
        scheduler = _dask(folder, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        after.callback(scheduler.wait)
        after.callback(scheduler.kill)
        worker = _dask(folder, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        after.callback(worker.wait)
        after.callback(worker.kill)
        with begun(folder, "--scheduler", address, "--set", "epochs=3000") as child:
            wait_for(lambda: any((folder / "results").glob("mine/runs/*/states/*.pt")), child)
            scheduler.kill()
            assert child.wait() == 2, child.stderr
            said = child.stderr
            assert "scheduler" in said and "Traceback" not in said, said
    return "absent: exit 2 after --wait; lost in the middle: exit 2, one line, no hang"


def dask_worker_killed(folder: Path) -> str:
    (folder / "mine.toml").write_text(LONG)
    assert bench(folder, "--jobs", "1").returncode == 0
    (folder / "results").rename(folder / "undisturbed")
    with begun(folder, "--executor", "dask", "--jobs", "2") as child:

        def victims() -> list[int]:
            from bench.store import read_json

            found = (read_json(p) for p in (folder / "results").glob("mine/runs/*/worker.json"))
            return [who["pid"] for who in found if who and who["pid"] != os.getpid()]

        kill(wait_for(victims, child)[0])
        assert child.wait() == 0, child.stderr
    assert set(statuses(folder / "results" / "mine").values()) == {"done"} and not children(child.pid)
    assert cells(folder / "results" / "mine") == cells(folder / "undisturbed" / "mine")
    return "its run goes on in another; the same cells as in one process"


def no_accelerator(folder: Path) -> str:
    (folder / "mine.toml").write_text(QUICK)
    said = one_line(bench(folder, "--gpu"), 2)
    assert "no accelerator can be used here" in said and "cores" in said, said
    return said.removeprefix("bench: ")


FAULTS = [
    Fault("scheduler lost", "clear error, no hang", lost_scheduler, True),
    Fault("Dask worker killed", "resumes elsewhere", dask_worker_killed, True),
    Fault("unsatisfiable GPU request", "error names what is there", no_accelerator, True),
]
