"""A call's part in a folder of results: what is left to do, whether it may go on, and by what means."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from bench import code_version, store
from bench.errors import BadInput
from bench.executors import EXECUTORS, Means, default_workers
from bench.suite import Run

log = logging.getLogger("bench")


def unfinished(folder: Path, runs: Sequence[Run], force: bool) -> list[Run]:
    """Return the runs that are not finished, or whose files are no longer what they were; those are named."""
    found = []
    for run in runs:
        damaged = store.damage(folder, run) if store.is_done(folder, run) and not force else []
        if damaged:
            log.warning("%s is damaged and is made anew: %s", folder / "runs" / run.id, ", ".join(damaged))
        if force or damaged or not store.is_done(folder, run):
            found.append(run)
    return found


def refuse_other_code(folder: Path, runs: Sequence[Run]) -> None:
    """Raise BadInput, with the files that differ, where other code began the training of some of these runs."""
    begun, files = code_version.unfinished_by_other(folder, runs)
    if begun:
        many = f" and {len(begun) - 1} others" if len(begun) > 1 else ""
        differ = f"{', '.join(files)} {'differs' if len(files) == 1 else 'differ'}"
        raise BadInput(
            f"the training of {begun[0].id}{many} was begun by other code ({differ}): "
            "--accept-code-change goes on with it, --force begins anew"
        )


def finished_by_other_code(folder: Path, runs: Sequence[Run]) -> dict[str, str]:
    """Return the code that trained those finished runs that other code trained, by id, and say that there are some."""
    found = code_version.finished_by_other(folder, runs)
    if found:
        some = f"{len(found)} finished runs were" if len(found) > 1 else "1 finished run was"
        log.warning("%s trained by other code, kept, and listed in %s", some, folder / "suite.json")
    return found


def means(options: argparse.Namespace, jobs: int) -> tuple[str, Means]:
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
    return name, Means(1 if name == "in-process" else workers, scheduler, options.gpu, options.wait)
