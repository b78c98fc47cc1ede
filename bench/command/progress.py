"""What is going on, on standard error: live lines on a terminal, plain ones elsewhere."""

import sys
import time
from collections.abc import Sequence
from itertools import count

from bench.command.streams import say
from bench.command.time_left import TimeLeft
from bench.study.run import Run

QUIET_SECONDS = 20  # a plain display says at most one line a run in this time


class Display:
    """One line a run in progress and one for the suite; `say` for anything else."""

    def __init__(self, jobs: Sequence[Sequence[Run]], total: int, workers: int):
        self.total, self.done, self._left = total, 0, TimeLeft(jobs, workers)
        self.live = sys.stderr.isatty()
        self._spoken: dict[str, float] = {}
        self._slots: dict[str, int] = {}
        if self.live:
            from tqdm import tqdm

            self._suite = tqdm(total=total, position=0, desc="suite", unit="run", leave=True)
            self._lines = [tqdm(total=0, position=i + 1, bar_format="{desc}", leave=False) for i in range(workers)]

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if self.live:
            self._suite.write(text, file=sys.stderr)
        else:
            say(text)

    def update(self, run: Run, doing: str) -> None:
        """Show what a run is doing."""
        now, text = time.time(), f"{name(run)}: {doing}"
        self._left.heard(run)
        if self.live:
            slot = self._slots.setdefault(run.id, next(i for i in count() if i not in self._slots.values()))
            self._lines[slot % len(self._lines)].set_description_str(text)
        elif now - self._spoken.get(run.id, 0) > QUIET_SECONDS:
            self._spoken[run.id] = now
            self.say(text)

    def finish(self, run: Run, status: str) -> None:
        """Count a run as finished."""
        self.done += 1
        self._left.finished(run)
        if self.live:
            self._slots.pop(run.id, None)
            self._suite.update(1)
            if status == "done":
                return
        left = self._left.seconds() if self.done < self.total else None
        rest = "" if left is None else f"; about {left / 60:.0f} min left"
        self.say(f"[{self.done}/{self.total}] {name(run)}: {status}{rest}")

    def close(self) -> None:
        """Leave the terminal tidy."""
        if self.live:
            for bar in (*self._lines, self._suite):
                bar.close()


def name(run: Run) -> str:
    """Return a run's name for a reader."""
    return f"{run.row} {run.variant}, seed {run.seed}"
