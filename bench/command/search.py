"""The search for a suite's settings: `python -m bench.command.search NAME`."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.command.options import Parser
from bench.errors import BadInput
from bench.runs.searching import Task, carry_out, read
from bench.study import search
from bench.study.search import Grid, Outcome, Search


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing of a search, and print its table and choice; return the exit code."""
    parser = Parser(prog="python -m bench.command.search", description=__doc__)
    parser.add_argument("name", help=f"one of {', '.join(search.names())}")
    parser.add_argument("--data-dir", type=Path, help="folder that holds the data sets")
    parser.add_argument("--results", type=Path, default=Path("results/search"), help="folder of the table")
    parser.add_argument("--work", type=Path, default=Path("runs/search"), help="folder of unfinished trainings")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once, a thread each")
    parser.add_argument("--show", action="store_true", help="train nothing")
    try:
        options = parser.parse_args(arguments)
        if options.jobs < 1:
            raise BadInput(f"--jobs {options.jobs}: at least one training at a time")
        grid, table = search.load(options.name), options.results / f"{options.name}.csv"
        found, where = grid.search, (table, options.work / options.name, options.data_dir, options.jobs)
        every = _tasks(grid, dict.fromkeys((*found.screen, *found.seeds)))
        if not options.show:
            carry_out([task for task in every if task.run.seed in found.screen], *where)
            finalists = found.best(read(every, table), found.screen, found.finalists)
            carry_out([task for task in every if task.point in finalists and task.run.seed in found.seeds], *where)
        print(describe(found, read(every, table)))
    except BadInput as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nbench: interrupted; the same command goes on", file=sys.stderr)
        return 130
    return 0


def outcomes(name: str, results: Path) -> list[Outcome]:
    """Return what a folder of tables holds of a declared search."""
    grid = search.load(name)
    return read(_tasks(grid, dict.fromkeys((*grid.screen, *grid.seeds))), results / f"{name}.csv")


def progress(name: str, results: Path) -> tuple[int, int]:
    """Return how many of a search's trainings a folder of tables holds, and how many there are."""
    found, done = search.load(name).search, len(outcomes(name, results))
    later = found.finalists * len(set(found.seeds) - set(found.screen))
    total = (len(found.points) * len(found.screen) + later) * len(found.runs)
    return min(done, total), total


def describe(found: Search, came: list[Outcome]) -> str:
    """Return the means of the criterion, the best first, and the choice."""
    chosen, lines = found.choice(came), []
    for seeds in (found.screen, found.seeds):
        means = found.values(came, seeds)
        lines.append(f"{found.criterion.replace('_', ' ')}, mean over {' and '.join(found.runs)}, seeds {list(seeds)}")
        for point, loss in sorted(means.items(), key=lambda p: float("inf") if p[1] is None else found.sign * p[1]):
            said = "diverged" if loss is None else f"{loss:.3f}"
            lines.append(f"  {said}  {' '.join(found.settings(point))}")
    lines.append(f"chosen: {' '.join(found.settings(chosen))}" if chosen else "not chosen yet: trainings are missing")
    return "\n".join(lines)


def _tasks(grid: Grid, seeds: Iterable[int]) -> list[Task]:
    """Return the trainings of a grid's points."""
    from bench import data

    found = grid.search
    loaded = grid.expand(found.points[0], found.screen, (1, 1, 1))[0]
    shape = data.image_shape(loaded.dataset, dict(loaded.data))
    return [Task(found, point, run) for point in found.points for run in grid.expand(point, seeds, shape)]


if __name__ == "__main__":
    sys.exit(main())
