"""Jobs one after another in this process."""

import faulthandler
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from bench.errors import BadInput
from bench.executors import Hear, Job, Resources, Work
from bench.runs.execute import CRASH, execute
from bench.runs.work import Listener
from bench.storage.heartbeat import Heartbeat
from bench.study.run import Run
from bench.system import accelerator
from bench.system.provenance import git_revision


def carry_out(jobs: Sequence[Job], work: Work, resources: Resources, update: Hear, finished: Hear) -> dict[str, str]:
    """Carry out jobs here; see `Executor`."""
    require_accelerator(resources)
    git_revision()
    statuses: dict[str, str] = {}
    for job in jobs:
        statuses |= carry_out_job(job, work, update, finished)
        if accelerator.lost():
            raise BadInput("an assertion on the accelerator failed, which ends its use here; the same command goes on")
    return statuses


def carry_out_job(job: Job, work: Work, update: Hear, finished: Hear) -> dict[str, str]:
    """Carry out one job in this process, of any executor, and return the statuses of its runs by id."""
    heartbeat = Heartbeat(work.suite_folder, work.token, update)

    def ended(run: Run, status: str) -> None:
        heartbeat.end(run)
        finished(run, status)

    return execute(job, work, Listener(heartbeat.progress, ended))


@contextmanager
def crash_told(job: Job, work: Work) -> Iterator[None]:
    """Have a process that dies of a signal, as of a fault in a library, write where its threads were."""
    path = work.suite_folder / "runs" / job[0].id / CRASH
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.disable()
    path.unlink(missing_ok=True)


def require_accelerator(resources: Resources) -> None:
    """Raise BadInput where runs need an accelerator and this machine has none."""
    if resources.gpu and not torch.cuda.is_available():
        here = f"{os.cpu_count()} cores and torch {torch.__version__}"
        raise BadInput(f"--gpu: no accelerator can be used here ({here}); leave out --gpu, or name a --scheduler")
