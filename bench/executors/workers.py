"""Jobs in processes of this machine that share its cores, and its accelerators."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait

import torch

from bench import plugins
from bench.errors import BadInput
from bench.executors import ATTEMPTS, Hear, Job, Resources, Work
from bench.executors.attempts import Attempts
from bench.executors.in_process import carry_out_job, crash_told, require_accelerator
from bench.system import accelerator
from bench.system.locks import Taken
from bench.system.provenance import git_revision

STOPPED_IN = 5.0  # seconds that a worker has to end in when it is told to


def carry_out(jobs: Sequence[Job], work: Work, resources: Resources, update: Hear, finished: Hear) -> dict[str, str]:
    """Carry out jobs in `resources.workers` processes, each with an equal share of the cores; see `Executor`.

    Accelerators are dealt out in turn: with more workers than accelerators some share one.
    """
    require_accelerator(resources)
    todo = Attempts(jobs, work, update, finished)
    number = min(resources.workers, len(jobs))
    workers = [_Worker(work, surroundings(place, number)) for place in range(number)]
    try:
        while todo.waiting or any(worker.job for worker in workers):
            for worker in workers:
                if worker.ready and not worker.job and todo.waiting:
                    worker.give(todo.waiting.popleft())
            ready = wait([worker.pipe for worker in workers])
            for worker in [worker for worker in workers if worker.pipe in ready]:
                worker.hear(todo)
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.stop()
    return todo.statuses


def surroundings(place: int, workers: int) -> dict[str, str]:
    """Return the environment of one of several workers: its share of the threads, and an accelerator."""
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    found = {f"{library}_NUM_THREADS": threads for library in ("OMP", "OPENBLAS", "MKL")}
    if torch.cuda.is_available():
        given = os.environ.get("CUDA_VISIBLE_DEVICES")
        devices = given.split(",") if given else [str(i) for i in range(torch.cuda.device_count())]
        found["CUDA_VISIBLE_DEVICES"] = devices[place % len(devices)]
    return found


class _Worker:
    """A process, the pipe to it, and the job that it has.

    Each has a pipe of its own, so that one that is killed in the middle of a word leaves nothing locked.
    """

    def __init__(self, work: Work, environment: Mapping[str, str]):
        self.work, self.environment, self.failed_starts = work, environment, 0
        self.start()

    def start(self) -> None:
        """Start the process; it says when it is ready."""
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.ready = False
        self.job: Job = ()
        self.process = context.Process(target=_serve, args=(other, self.work))
        with _environment(self.environment):
            self.process.start()
        other.close()

    def give(self, job: Job) -> None:
        """Hand over a job."""
        self.job = job
        with suppress(OSError):  # it is dead; `hear` finds out
            self.pipe.send(job)

    def hear(self, todo: Attempts) -> None:
        """Take one message, or the news of its death."""
        try:
            what, *rest = self.pipe.recv()
        except (EOFError, OSError):
            return self._died(todo)
        if what == "ready":
            self.ready, self.failed_starts = True, 0
        elif what == "error":
            raise rest[0]
        elif what == "end":
            self.job = ()
        else:
            {"update": todo.update, "finished": todo.finished}[what](*rest)

    def _died(self, todo: Attempts) -> None:
        self.process.join()
        how, job = _death(self.process.exitcode), self.job
        self.pipe.close()
        self.failed_starts += not self.ready
        if self.failed_starts == ATTEMPTS:
            raise BadInput(f"--jobs: a worker was {how} {ATTEMPTS} times while it started; try fewer --jobs")
        self.start()
        if job:
            todo.lost(job, how)

    def stop(self) -> None:
        """See that a process that was told to end does, and close the pipe."""
        self.process.join(STOPPED_IN)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        self.pipe.close()


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Have these variables for what is started meanwhile: libraries read them as they are loaded."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _death(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended with exit code {code}"
    return f"killed by signal {-code} ({signal.Signals(-code).name})"


def _serve(pipe: Connection, work: Work) -> None:
    """Carry out the jobs that come through the pipe: the life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent alone hears Ctrl-C
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    git_revision()

    def tell(what: str) -> Hear:
        return lambda run, text: pipe.send((what, run.id, text))

    try:
        plugins.load(work.plugins)
        pipe.send(("ready",))
        while True:
            job = pipe.recv()
            with crash_told(job, work):
                carry_out_job(job, work, tell("update"), tell("finished"))
            pipe.send(("end",))
            if accelerator.lost():  # the next worker has it anew
                return
    except (BadInput, OSError) as error:  # what the parent should say: results that cannot be written, for one
        pipe.send(("error", error))
    except Taken:
        pass


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, however that came about."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
