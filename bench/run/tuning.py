"""The search that a suite's preset declares: carried out before its runs, which take what was chosen."""

from collections.abc import Collection, Iterable
from pathlib import Path

from bench.runs.searching import carry_out, read, tasks_of
from bench.study import PresetName
from bench.study.run import Run
from bench.study.schema import Suite
from bench.study.search import label, searches, with_choices


class Tuning:
    """The searches of a suite's rows, whose outcomes stand in a table; none where its preset declares no search."""

    def __init__(self, loaded: Suite, preset: PresetName, runs: Collection[Run], table: Path):
        self.searches, self.table = searches(loaded, preset, runs), table
        self.tasks = tasks_of(self.searches, runs)

    def carry_out(self, runs: Iterable[Run], work: Path, data_dir: Path | None, jobs: int) -> None:
        """Train and judge what the table lacks for the rows of some runs; no test image is read."""
        wanted = {label(run) for run in runs}
        tasks = [task for task in self.tasks if label(task.run) in wanted]
        if tasks:
            carry_out(tasks, self.table, work, data_dir, jobs, stack=True)

    def applied(self, runs: Iterable[Run]) -> list[Run]:
        """Return runs with what was chosen for their rows; as they are where nothing was chosen yet."""
        return with_choices(runs, self.searches, read(self.tasks, self.table))

    def description(self) -> dict[str, object]:
        """Return by "row/variant" the criterion, the values of all configurations, and the place of the chosen one.

        The first configuration is the row's own. A value is None where a training diverged or could not be judged.
        """
        outcomes = read(self.tasks, self.table)
        found: dict[str, object] = {}
        for of, search in self.searches.items():
            own = [outcome for outcome in outcomes if outcome.run == of]
            if (chosen := search.choice(own)) is not None:
                values = search.values(own, search.screen)
                found[of] = {
                    "criterion": search.criterion,
                    "keys": search.keys,
                    "points": search.points,
                    "values": [values[point] for point in search.points],
                    "chosen": search.points.index(chosen),
                }
        return found
