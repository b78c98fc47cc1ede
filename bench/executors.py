"""Where runs are carried out: in this process, or in workers that share the cores."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from bench.provenance import git_revision
from bench.suite import Run

MOST_JOBS = 8  # each takes up to 1 GB of memory
Finished = Callable[[Run, str], None]
_queue: Any = None  # set in a worker by its initialiser


def default_jobs(runs: int) -> int:
    """Return how many runs to carry out at once: one on an accelerator, else one a core (at most 8).

    Small networks gain more from a core of their own than from a second thread.
    """
    import torch

    return 1 if torch.cuda.is_available() else max(1, min(os.cpu_count() or 1, runs, MOST_JOBS))


def carry_out(
    runs: Sequence[Run],
    suite_folder: Path,
    data_dir: Path | None,
    fid_weights: Path | None,
    jobs: int,
    update: Callable[[Run, str], None],
    finished: Finished,
) -> dict[str, str]:
    """Carry out the runs and return their statuses by id; `update` and `finished` hear of progress.

    A worker that dies (out of memory, say) ends the runs it and its siblings held as "failed"; a later call takes
    them up again. KeyboardInterrupt stops the workers and propagates.
    """
    if jobs == 1:
        from bench.execute import execute

        git_revision()
        statuses = {}
        for run in runs:
            statuses[run.id] = execute(run, suite_folder, data_dir, fid_weights, update)
            finished(run, statuses[run.id])
        return statuses
    return _in_workers(runs, (suite_folder, data_dir, fid_weights), jobs, update, finished)


def _in_workers(
    runs: Sequence[Run], where: tuple[Any, ...], jobs: int, update: Finished, finished: Finished
) -> dict[str, str]:
    threads = max(1, (os.cpu_count() or 1) // jobs)
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    by_id = {run.id: run for run in runs}

    def listen() -> None:
        while (message := queue.get()) is not None:
            update(by_id[message[0]], message[1])

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    statuses: dict[str, str] = {}
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(queue, threads))
    try:
        futures = {pool.submit(_work, run, *where): run for run in runs}
        for future in as_completed(futures):
            run = futures[future]
            try:
                statuses[run.id] = future.result()
            except BrokenProcessPool:
                statuses[run.id] = "failed"
            finished(run, statuses[run.id])
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


def _work(run: Run, folder: Path, data_dir: Path | None, fid_weights: Path | None) -> str:
    """Carry out one run in a worker."""
    from bench.execute import execute

    return execute(run, folder, data_dir, fid_weights, lambda r, doing: _queue.put((r.id, doing)))
