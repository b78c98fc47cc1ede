"""The search for a suite's settings: `python -m bench.command.search NAME`."""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from bench.command.options import Parser
from bench.errors import BadInput
from bench.study import search
from bench.study.run import Run
from bench.study.search import Outcome, Search
from bench.system.files import write_whole

COLUMNS = ("run", "seed", "validation_loss", "epoch", "seconds", "reason", "git", "cpu")


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
        declared = search.load(options.name)
        table = options.results / f"{options.name}.csv"
        if not options.show:
            _train_missing(declared, table, options.work / options.name, options.data_dir, options.jobs)
        print(describe(declared, read(declared, table)))
    except BadInput as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nbench: interrupted; the same command goes on", file=sys.stderr)
        return 130
    return 0


def read(declared: Search, table: Path) -> list[Outcome]:
    """Return the outcomes that a table holds."""
    return [
        Outcome(
            tuple(next(value for value in values if str(value) == line[key]) for key, values in declared.grid.items()),
            line["run"],
            int(line["seed"]),
            float(line["validation_loss"]) if line["validation_loss"] else None,
        )
        for line in _lines(table)
    ]


def _lines(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8")))) if table.is_file() else []


def describe(declared: Search, outcomes: list[Outcome]) -> str:
    """Return the mean losses, the best first, and the choice."""
    chosen, lines = declared.choice(outcomes), []
    for seeds in (declared.screen, declared.seeds):
        means = declared.losses(outcomes, seeds)
        lines.append(f"validation loss, mean over {' and '.join(declared.runs)}, seeds {list(seeds)}")
        for point, loss in sorted(means.items(), key=lambda pair: pair[1] if pair[1] is not None else float("inf")):
            said = "diverged" if loss is None else f"{loss:.3f}"
            lines.append(f"  {said}  {' '.join(declared.settings(point))}")
    lines.append(
        f"chosen: {' '.join(declared.settings(chosen))}" if chosen else "not chosen yet: trainings are missing"
    )
    return "\n".join(lines)


def _train_missing(declared: Search, table: Path, work: Path, data_dir: Path | None, jobs: int) -> None:
    """Train every point at the seeds of the screen, then the finalists at all; each outcome is a line at once."""
    from bench import data

    loaded = declared.expand(declared.points()[0], declared.screen, (1, 1, 1))[0]
    shape = data.image_shape(loaded.dataset, dict(loaded.data))
    for seeds, points in ((declared.screen, declared.points), (declared.seeds, lambda: finalists(declared, table))):
        done = {(o.point, o.run, o.seed) for o in read(declared, table)}
        todo = [
            (point, run)
            for point in points()
            for run in declared.expand(point, seeds, shape)
            if (point, f"{run.row}/{run.variant}", run.seed) not in done
        ]
        print(f"{len(todo)} trainings", flush=True)
        for (point, run), outcome in _carry_out(todo, work, data_dir, jobs):
            line = dict(zip(declared.grid, point, strict=True))
            _append(table, line | {"run": f"{run.row}/{run.variant}", "seed": run.seed} | outcome)


def _carry_out(
    todo: list[tuple[search.Point, Run]], work: Path, data_dir: Path | None, jobs: int
) -> Iterator[tuple[tuple[search.Point, Run], dict[str, object]]]:
    """Yield each training with its outcome as it ends; several at once in processes of their own."""
    if jobs == 1:
        yield from ((pair, train(pair[1], work, data_dir)) for pair in todo)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(train, pair[1], work, data_dir): pair for pair in todo}
        yield from ((futures[future], future.result()) for future in as_completed(futures))


def finalists(declared: Search, table: Path) -> list[search.Point]:
    """Return the best points of the screen."""
    return declared.best(read(declared, table), declared.screen, declared.finalists)


def train(run: Run, work: Path, data_dir: Path | None) -> dict[str, object]:
    """Train a run, going on where it was, and return its line of the table. No test image is read."""
    import torch
    from pythae.trainers.training_callbacks import TrainingCallback

    from bench.runs.execute import load_data
    from bench.runs.train import train_alone
    from bench.storage import store
    from bench.system import provenance
    from bench.training.trainer import Diverged

    torch.set_num_threads(1)  # so that the bits are those of any number of jobs
    made: dict[str, object] = {"git": provenance.git_revision(), "cpu": provenance.processor()}
    folder = work / "runs" / run.id
    folder.mkdir(parents=True, exist_ok=True)
    images = load_data(run.dataset, data_dir, tuple(sorted(run.data.items())))
    try:
        if not store.is_trained(folder):
            train_alone(run, work, images, lambda run, text: None, TrainingCallback())
    except Diverged as error:
        return made | {"validation_loss": "", "reason": str(error)}
    curves = store.read_json(folder / "trained.json")["curves"]
    losses = curves["validation_loss"]
    best = min(range(len(losses)), key=losses.__getitem__)
    return made | {
        "validation_loss": losses[best],
        "epoch": curves["epoch"][best],
        "seconds": round(sum(curves["seconds"]), 1),
        "reason": "",
    }


def _append(table: Path, line: dict[str, object]) -> None:
    table.parent.mkdir(parents=True, exist_ok=True)
    columns, text = [*(key for key in line if key not in COLUMNS), *COLUMNS], io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows([*_lines(table), line])
    write_whole(table, text.getvalue().encode())
    print(" ".join(str(line.get(key, "")) for key in columns[:-2]), flush=True)


if __name__ == "__main__":
    sys.exit(main())
