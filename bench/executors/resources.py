"""Which executor a call uses, and with how many workers."""

from typing import Protocol

from bench.errors import BadInput
from bench.executors import EXECUTORS, Resources, default_workers


class Asked(Protocol):
    """What a command line says of how to carry out jobs."""

    executor: str | None
    scheduler: str | None
    jobs: int | None
    gpu: bool
    wait: float


def choose(options: Asked, jobs: int) -> tuple[str, Resources]:
    """Return the name of the executor for so many jobs, and what it has; raises BadInput for what does not fit."""
    name, scheduler = options.executor, options.scheduler
    if scheduler and name not in (None, "dask"):
        raise BadInput(f"--executor {name} takes no --scheduler; leave out one of the two")
    if scheduler and ":" not in scheduler and options.jobs is None:
        raise BadInput(f"--scheduler {scheduler}: say with --jobs how many jobs to submit to the batch system")
    if not 0 < options.wait < float("inf"):
        raise BadInput(f"--wait {options.wait:g}: more than 0 seconds")
    most = options.jobs or (jobs if scheduler else default_workers(jobs))
    workers = max(1, min(most, jobs))
    if name is None:
        name = "dask" if scheduler else "in-process" if workers == 1 else "workers"
    if name == "in-process" and workers > 1 and options.jobs:
        raise BadInput("--executor in-process carries out one run at once; leave out --jobs")
    assert name in EXECUTORS
    return name, Resources(1 if name == "in-process" else workers, scheduler, options.gpu, options.wait)
