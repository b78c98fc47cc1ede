"""The jobs that wait, and how often each was tried."""

from collections import Counter, deque
from collections.abc import Sequence

from bench.executors import ATTEMPTS, Hear, Job, Work
from bench.runs.execute import give_up, smaller
from bench.storage import store
from bench.study.run import Run
from bench.system import locks


class Attempts:
    """Jobs in waiting, largest first, and the statuses of the runs that ended.

    A job whose worker died waits again, behind the others, and goes on from its stored state. A group that ended
    ATTEMPTS workers is cut into its runs, so that the one at fault ends alone: as failed, after as many more.
    """

    def __init__(self, jobs: Sequence[Job], work: Work, update: Hear, finished: Hear):
        self.waiting: deque[Job] = deque(tuple(job) for job in jobs)
        self.statuses: dict[str, str] = {}
        self.work = work
        self._by_id = {run.id: run for job in jobs for run in job}
        self._hear_update, self._hear_finished = update, finished
        self._deaths: Counter[tuple[str, ...]] = Counter()
        self._doing: dict[str, str] = {}

    def update(self, identity: str, doing: str) -> None:
        """Hear what a run is doing."""
        self._doing[identity] = doing
        self._hear_update(self._by_id[identity], doing)

    def finished(self, identity: str, status: str) -> None:
        """Hear that a run has ended; a second time is passed over."""
        if identity not in self.statuses:
            self.statuses[identity] = status
            self._hear_finished(self._by_id[identity], status)

    def ended(self, job: Job) -> None:
        """Hear that a job has ended: what its worker did not say is read from the results."""
        for run in job:
            self.finished(run.id, store.status(self.work.suite_folder, run))

    def lost(self, job: Job, how: str) -> None:
        """Hear that a job's worker died; `how` says of what. Raises locks.Taken where the folder is another's now."""
        locks.check(self.work.suite_folder, self.work.token)
        key = tuple(run.id for run in job)
        self._deaths[key] += 1
        left = tuple(run for run in job if not store.is_done(self.work.suite_folder, run))
        for run in left:
            self.statuses.pop(run.id, None)
        self.ended(tuple(run for run in job if run not in left))
        if not left:
            return
        if self._deaths[key] < ATTEMPTS:
            self.waiting.append(job)
            self._hear_update(left[0], f"its worker was lost ({how}); to be tried again")
        elif len(job) > 1:
            self.waiting.extend((run,) for run in left)
            self._hear_update(left[0], f"{ATTEMPTS} workers of its group were lost ({how}); its runs are tried alone")
        else:
            self._give_up(left[0], how)

    def _give_up(self, run: Run, how: str) -> None:
        last = self._doing.get(run.id, "nothing")
        hint = smaller(run, store.is_trained(self.work.suite_folder / "runs" / run.id))
        reason = (
            f"its worker was lost {ATTEMPTS} times, at last {how}, after it said: {last}; if memory was short: {hint}"
        )
        self.finished(run.id, give_up(run, self.work.suite_folder, reason))
