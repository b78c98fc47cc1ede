"""Where jobs are carried out: in this process, or in workers that share the cores."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from bench import store
from bench.provenance import git_revision
from bench.suite import Run

MOST_WORKERS = 8  # each takes up to 1 GB of memory
Finished = Callable[[Run, str], None]
_queue: Any = None  # set in a worker by its initialiser


def default_workers(jobs: int) -> int:
    """Return how many jobs to carry out at once: one on an accelerator, else one a core (at most 8).

    Small networks gain more from a core of their own than from a second thread.
    """
    import torch

    return 1 if torch.cuda.is_available() else max(1, min(os.cpu_count() or 1, jobs, MOST_WORKERS))


def carry_out(
    jobs: Sequence[Sequence[Run]],
    suite_folder: Path,
    data_dir: Path | None,
    fid_weights: Path | None,
    workers: int,
    update: Callable[[Run, str], None],
    finished: Finished,
) -> dict[str, str]:
    """Carry out jobs, each of one run or of several that train together, and return the runs' statuses by id.

    `update` and `finished` hear of progress. A worker that dies (out of memory, say) ends the runs it and its
    siblings held as "failed"; a later call takes them up again. KeyboardInterrupt stops the workers and propagates.
    """
    if workers == 1:
        from bench.execute import execute

        git_revision()
        statuses: dict[str, str] = {}
        for job in jobs:
            statuses |= execute(job, suite_folder, data_dir, fid_weights, update, finished)
        return statuses
    return _in_workers(jobs, (suite_folder, data_dir, fid_weights), workers, update, finished)


def _in_workers(
    jobs: Sequence[Sequence[Run]], where: tuple[Any, ...], workers: int, update: Finished, finished: Finished
) -> dict[str, str]:
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    by_id = {run.id: run for job in jobs for run in job}
    tell = {"update": update, "finished": finished}

    def listen() -> None:
        while (message := queue.get()) is not None:
            what, identity, text = message
            tell[what](by_id[identity], text)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    statuses: dict[str, str] = {}
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(queue, threads))
    try:
        futures = {pool.submit(_work, job, *where): job for job in jobs}
        for future in as_completed(futures):
            try:
                statuses |= future.result()
            except BrokenProcessPool:
                lost = [run for run in futures[future] if not store.is_done(where[0], run)]
                statuses |= {run.id: "failed" for run in lost}
                for run in lost:
                    finished(run, "failed")
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        queue.put(None)
        listener.join(timeout=5)
    return statuses


def _start(queue: Any, threads: int) -> None:
    """Prepare a worker: its share of the cores; the parent alone hears Ctrl-C."""
    global _queue
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in ("OMP", "OPENBLAS", "MKL"):  # read when NumPy and torch are imported, which is after this
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    import torch

    torch.set_num_threads(threads)
    git_revision()
    _queue = queue


def _work(job: Sequence[Run], folder: Path, data_dir: Path | None, fid_weights: Path | None) -> dict[str, str]:
    """Carry out one job in a worker."""
    from bench.execute import execute

    def tell(what: str) -> Finished:
        return lambda run, text: _queue.put((what, run.id, text))

    return execute(job, folder, data_dir, fid_weights, tell("update"), tell("finished"))
