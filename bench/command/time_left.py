"""How long the rest of a suite takes, by the jobs that are finished: their training and evaluation together."""

import time
from collections.abc import Callable, Sequence
from statistics import fmean

from bench.study.run import Run


class TimeLeft:
    """Hears when runs begin and end, and estimates the seconds until all jobs are finished.

    A job takes as long as those of the same rows did; before one has finished, each of its runs as long as a run of the
    jobs that are like it, alone or together; else as one of any.
    """

    def __init__(self, jobs: Sequence[Sequence[Run]], workers: int, clock: Callable[[], float] = time.monotonic):
        self._workers, self._clock = workers, clock
        self._rows = [tuple(sorted((run.row, run.variant) for run in job)) for job in jobs]
        self._job_of = {run.id: i for i, job in enumerate(jobs) for run in job}
        self._open = [{run.id for run in job} for job in jobs]
        self._begun: dict[int, float] = {}
        self._took: dict[int, float] = {}

    def heard(self, run: Run) -> None:
        """A run is being carried out."""
        if run.id in self._job_of:
            self._begun.setdefault(self._job_of[run.id], self._clock())

    def finished(self, run: Run) -> None:
        """A run has ended; its job has with the last one of it."""
        i = self._job_of[run.id]
        self._open[i].discard(run.id)
        if not self._open[i]:
            now = self._clock()
            self._took[i] = now - self._begun.get(i, now)

    def seconds(self) -> float | None:
        """Return the seconds left; None before a job has finished."""
        if not self._took:
            return None
        now, rest = self._clock(), []
        for i in range(len(self._rows)):
            if i not in self._took:
                rest.append(max(0.0, self._expected(i) - (now - self._begun[i] if i in self._begun else 0.0)))
        return max(sum(rest) / self._workers, max(rest, default=0.0))

    def _expected(self, job: int) -> float:
        rows = self._rows[job]
        same = [seconds for i, seconds in self._took.items() if self._rows[i] == rows]
        if same:
            return fmean(same)
        each = {i: seconds / len(self._rows[i]) for i, seconds in self._took.items()}
        like = [seconds for i, seconds in each.items() if (len(self._rows[i]) > 1) == (len(rows) > 1)]
        return fmean(like or each.values()) * len(rows)
