"""The time that is left, against the truth on a clock of the test's own."""

import heapq
from types import SimpleNamespace
from typing import Any

import pytest

from bench.command.time_left import TimeLeft

SECONDS = {"small": 30.0, "medium": 100.0, "large": 400.0}  # of a run, its evaluation included


def jobs_of(seeds: int, group: int) -> list[list[Any]]:
    """Return a group of small runs, then single ones, seed after seed."""
    grouped = [SimpleNamespace(id=f"g{i}", row="grouped", variant="v") for i in range(group)]
    single = [SimpleNamespace(id=f"{row}{s}", row=row, variant="v") for s in range(seeds) for row in SECONDS]
    return [*([grouped] if group else []), *([run] for run in single)]


def lines(jobs: list[list[Any]], workers: int) -> list[tuple[float | None, float]]:
    """Carry jobs out, and return (seconds left as told, in truth) each time a run ends."""
    now = [0.0]
    told: list[tuple[float | None, float]] = []
    left, waiting, at_work = TimeLeft(jobs, workers, lambda: now[0]), list(jobs), []
    while waiting or at_work:
        while waiting and len(at_work) < workers:
            job = waiting.pop(0)
            left.heard(job[0])
            took = SECONDS.get(job[0].row, 50.0 * len(job)) * (1 + 0.1 * (len(waiting) % 3 - 1))
            heapq.heappush(at_work, (now[0] + took, job[0].id, job))
        now[0], _, job = heapq.heappop(at_work)
        for run in job:
            left.finished(run)
            told.append((left.seconds(), now[0]))
    return [(seconds, now[0] - at) for seconds, at in told]


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("group", [0, 12])
def test_it_is_within_a_half_of_the_truth_in_nine_of_ten_lines_from_the_tenth_on(workers: int, group: int) -> None:
    found = [(told, truth) for told, truth in lines(jobs_of(20, group), workers)[9:] if truth > 0]
    right = [told is not None and abs(told - truth) <= truth / 2 for told, truth in found]
    assert sum(right) >= 0.9 * len(right) and len(right) > 15


def test_nothing_is_told_before_a_job_has_ended_and_it_ends_at_nothing() -> None:
    jobs = jobs_of(2, 3)
    left = TimeLeft(jobs, 2, lambda: 5.0)
    left.heard(jobs[0][0])
    for run in jobs[0][:2]:
        left.finished(run)
    assert left.seconds() is None
    assert lines(jobs, 2)[-1] == (0.0, 0.0)
