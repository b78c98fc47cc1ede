"""Jobs on the workers of a Dask cluster, one at a time each."""

import logging
import queue
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.errors import BadInput
from bench.executors import Hear, Job, Resources, Work
from bench.executors.attempts import Attempts
from bench.executors.dask_cluster import connected
from bench.executors.dask_worker import About, images, perform, probe, versions
from bench.study.run import Run
from bench.system import locks

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger("bench")
LOOK = 1.0  # seconds between two looks at which workers there are
ANSWER = 30.0  # seconds in which the scheduler has to answer


def carry_out(jobs: Sequence[Job], work: Work, resources: Resources, update: Hear, finished: Hear) -> dict[str, str]:
    """Carry out jobs on the workers of a cluster; see `Executor`.

    The folder of results, and that of the data, lie on storage that all workers see under the same path. Workers that
    come later are used; one that lacks something is left out, with a warning that says what; where all do, or none
    comes in `resources.wait` seconds, BadInput says so.
    """
    given = {name: getattr(work, name) for name in ("suite_folder", "data_dir", "fid_weights", "feature_network")}
    work = replace(work, **{name: path.absolute() for name, path in given.items() if path is not None})
    todo = Attempts(jobs, work, update, finished)
    with connected(resources, work.suite_folder / "runs") as client:
        _Coordinator(client, todo, work, resources, jobs[0][0]).run()
    return todo.statuses


class _Coordinator:
    """Hands a job to every worker that is free, and hears how they get on.

    Only what a worker can begin at once is handed out, to that worker: when one dies it is known which job it had.
    """

    def __init__(self, client: "Client", todo: Attempts, work: Work, resources: Resources, example: Run):
        self.client, self.todo, self.work, self.resources, self.example = client, todo, work, resources, example
        self.topic = f"bench-{uuid.uuid4().hex}"
        self.inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.present: set[str] = set()
        self.about: dict[str, About] = {}  # worker -> what it is, and its obstacle
        self.futures: dict[str, Future] = {}  # worker -> what it does now
        self.jobs: dict[str, Job] = {}  # worker -> its job, where that is what it does
        self.here = versions(example.model) | images(example, work)
        self.without_worker = self.looked = time.monotonic()

    def run(self) -> None:
        """Carry out all jobs."""
        self.client.subscribe_topic(self.topic, lambda event: self.inbox.put(("told", event[1])))
        try:
            self._look()
            while self.todo.waiting or self.jobs:
                self._hand_out()
                self._hear()
                if time.monotonic() - self.looked >= LOOK:
                    self._look()
        finally:
            for future in self.futures.values():
                future.release()

    def _look(self) -> None:
        """See which workers there are: new ones are asked what they are, jobs of those that left are taken back."""
        self.looked = time.monotonic()
        locks.check(self.work.suite_folder, self.work.token)
        self.present = self._workers()
        for address in self.futures.keys() - self.present:
            self._lost(address, f"{address} left the cluster")
        self.about = {address: about for address, about in self.about.items() if address in self.present}
        for address in self.present - self.about.keys() - self.futures.keys():
            self._submit(address, probe, self.work, self.example)
        if self.present:
            self.without_worker = self.looked
        elif self.looked - self.without_worker > self.resources.wait:
            raise BadInput(
                f"no Dask worker within {self.resources.wait:g} s at {self._address()}; start some, and call again"
            )
        known = {address: self.about[address] for address in self.present & self.about.keys()}
        if known and len(known) == len(self.present) and all(about["obstacle"] for about in known.values()):
            raise BadInput("; ".join(["no Dask worker can be used", *sorted(map(describe, known, known.values()))]))

    def _workers(self) -> set[str]:
        """Return the addresses of the workers. Raises BadInput where the scheduler is gone."""
        try:
            if self.client.status == "running":
                identity = self.client.sync(self.client.scheduler.identity, n_workers=-1, callback_timeout=ANSWER)
                return set(identity["workers"])
        except (OSError, TimeoutError):
            pass
        raise BadInput(
            f"the Dask scheduler at {self._address()} is gone; what has finished is kept, the same command goes on"
        )

    def _address(self) -> str:
        return self.resources.scheduler or "this machine"

    def _hand_out(self) -> None:
        for address in sorted(self.present - self.futures.keys()):
            about = self.about.get(address)
            if about and not about["obstacle"] and self.todo.waiting and len(self.jobs) < self.resources.workers:
                self.jobs[address] = self.todo.waiting.popleft()
                self._submit(address, perform, self.jobs[address], self.work, self.topic)

    def _submit(self, address: str, function: Callable[..., object], *arguments: object) -> None:
        future = self.client.submit(function, *arguments, workers=[address], pure=False, key=uuid.uuid4().hex)
        self.futures[address] = future
        future.add_done_callback(lambda ended: self.inbox.put(("ended", (address, ended))))

    def _hear(self) -> None:
        """Take what has been told, waiting a second at most for the first."""
        try:
            what, news = self.inbox.get(timeout=LOOK)
            while True:
                self._told(*news) if what == "told" else self._ended(*news)
                what, news = self.inbox.get_nowait()
        except queue.Empty:
            pass

    def _told(self, what: str, identity: str, text: str) -> None:
        (self.todo.update if what == "update" else self.todo.finished)(identity, text)

    def _ended(self, address: str, future: "Future") -> None:
        if future is not self.futures.get(address, ()):  # of a worker that was given up
            return
        if future.status != "finished":
            error = future.exception() if future.status == "error" else None
            return self._lost(address, f"{address}: {type(error).__name__}: {error}" if error else f"{address} stopped")
        del self.futures[address]
        if address in self.jobs:
            self.todo.ended(self.jobs.pop(address))
            return
        about = self.about[address] = future.result(timeout=ANSWER)
        about["obstacle"] = about["obstacle"] or self._obstacle(about)
        if about["obstacle"]:
            log.warning("left out: %s", describe(address, about))

    def _obstacle(self, about: About) -> str | None:
        """Return why a worker's runs would not be what they are here, or None."""
        for name, ours in self.here.items():
            if about["versions"][name] != ours:
                return f"its {name} is {about['versions'][name]}, here it is {ours}"
        return "--gpu: it has no accelerator" if self.resources.gpu and not about["accelerators"] else None

    def _lost(self, address: str, how: str) -> None:
        """Take back what a worker had. One that could not even say what it is is not asked again."""
        self.futures.pop(address).release()
        if job := self.jobs.pop(address, None):
            self.todo.lost(job, how)
        else:
            self.about[address] = {"obstacle": f"it could not say what it is ({how}); is this project installed there?"}


def describe(address: str, about: About) -> str:
    """Return a worker as one line: where it is, what it has, why it is not used."""
    if "host" not in about:
        return f"{address}: {about['obstacle']}"
    accelerators = about["accelerators"] or "no"
    has = f"{about['threads']} threads, {about['memory'] / 2**30:.0f} GiB, {accelerators} accelerator"
    return f"{address} on {about['host']} ({has}): {about['obstacle']}"
