"""What a Dask worker does: say what it is, and carry out a job."""

import os
import socket
import threading
from typing import TypedDict

import torch

from bench import plugins
from bench.errors import BadInput
from bench.executors import Hear, Job, Work
from bench.executors.in_process import carry_out_job, crash_told
from bench.runs.execute import load_data
from bench.storage import code_version
from bench.study.run import Run
from bench.system import locks
from bench.system.provenance import collect


class About(TypedDict, total=False):
    """What a worker is and has: memory in bytes; `obstacle` is why it is not used."""

    host: str
    threads: int
    memory: int
    accelerators: int
    versions: dict[str, str | None]
    obstacle: str | None


_alone = threading.Lock()  # a training has its process for itself, however many threads the worker has


def versions(model: str) -> dict[str, str | None]:
    """Return what has to be equal on all workers for their numbers to be: of the packages, and of our own code."""
    found = collect(1, "cpu")["versions"]
    return {name: found[name] for name in ("torch", "numpy", "pythae", "scikit-learn")} | {
        "source code of models and bench": code_version.version(model)
    }


def images(run: Run, work: Work) -> dict[str, str | None]:
    """Return what has to be equal as well: the first digits of the SHA-256 of a run's images."""
    return {"images": load_data(run.dataset, work.data_dir, tuple(sorted(run.data.items()))).sha256[:10]}


def probe(work: Work, run: Run) -> About:
    """Return what this worker is and has; `obstacle` is why it cannot carry out a run like this one, or None."""
    import distributed

    worker = distributed.get_worker()
    about: About = {
        "host": socket.gethostname(),
        "threads": worker.state.nthreads,
        "memory": worker.memory_manager.memory_limit or _memory(),
        "accelerators": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "versions": {},
        "obstacle": None,
    }
    try:
        if work.token is not None and not locks.is_held(work.suite_folder, work.token):
            raise BadInput(f"it does not see {work.suite_folder}: name --results on storage that all workers share")
        plugins.load(work.plugins)
        about["versions"] = versions(run.model) | images(run, work)
    except (BadInput, OSError) as error:
        about["obstacle"] = str(error)
    return about


def perform(job: Job, work: Work, topic: str) -> None:
    """Carry out a job; progress and ends of runs are told under a topic of the scheduler's."""
    import distributed

    worker = distributed.get_worker()

    def tell(what: str) -> Hear:
        return lambda run, text: worker.log_event(topic, [what, run.id, text])

    with _alone:
        torch.set_num_threads(worker.state.nthreads)
        with crash_told(job, work):
            carry_out_job(job, work, tell("update"), tell("finished"))


def _memory() -> int:
    """Return the machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
