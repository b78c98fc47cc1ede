"""Where jobs are carried out: EXECUTORS, a name each, behind one function.

May import: bench.errors, bench.plugins, bench.runs, bench.storage, bench.study, bench.system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from bench.runs.work import Hear, Job, Work

EXECUTORS: Mapping[str, str] = {  # resolved on use, so that the command line starts without torch
    "in-process": "bench.executors.in_process:carry_out",
    "workers": "bench.executors.workers:carry_out",
    "dask": "bench.executors.dask:carry_out",
}
MOST_WORKERS = 8  # each takes up to 1 GB of memory
ATTEMPTS = 3  # how often a job is tried whose worker dies


@dataclass(frozen=True)
class Resources:
    """What jobs are carried out with.

    workers    processes at once; a cluster that exists has its own number of them
    scheduler  of Dask: an address, or the name of a batch system; None starts a cluster on this machine
    gpu        whether a run needs an accelerator
    wait       seconds without any worker after which there is an error
    """

    workers: int = 1
    scheduler: str | None = None
    gpu: bool = False
    wait: float = 60.0


class Executor(Protocol):
    """Carries out jobs and returns the runs' statuses by id.

    `update` and `finished` are called in the caller's thread as runs go on and end. What they raise, and
    KeyboardInterrupt, stops all workers and propagates. A worker that dies leaves its job to be tried again, ATTEMPTS
    times; then its run is stored as failed and the others go on. Raises BadInput for what cannot be carried out with
    these resources, and locks.Taken where the results have become another's.
    """

    def __call__(
        self, jobs: Sequence[Job], work: Work, resources: Resources, update: Hear, finished: Hear
    ) -> dict[str, str]: ...


def resolve(name: str) -> Executor:
    """Return an executor of the registry."""
    module, _, function = EXECUTORS[name].partition(":")
    return getattr(import_module(module), function)


def default_workers(jobs: int) -> int:
    """Return how many jobs to carry out at once here: one an accelerator, else one a core (at most 8).

    Small networks gain more from a core of their own than from a second thread.
    """
    if jobs <= 1:
        return 1  # without importing torch, which takes seconds
    import os

    import torch

    most = torch.cuda.device_count() if torch.cuda.is_available() else os.cpu_count() or 1
    return max(1, min(most, jobs, MOST_WORKERS))
