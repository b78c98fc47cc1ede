"""A search carried out: what is missing of it is trained and judged on validation images, a line of its table each."""

import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import lru_cache
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from bench.data.types import ImageDataset
from bench.runs.work import Job
from bench.study.run import Run
from bench.study.schema import Evaluation
from bench.study.search import LOSS, Outcome, Point, Search, label, with_point
from bench.system.files import write_whole

ABOUT = ("epoch", "seconds", "reason", "git", "cpu", "id")
Line = dict[str, object]


class Task(NamedTuple):
    """A training of a search: the run of a point at a seed."""

    search: Search
    point: Point
    run: Run


def tasks_of(among: Mapping[str, Search], runs: Iterable[Run]) -> list[Task]:
    """Return the tasks of searches by "row/variant", of whose rows there are runs."""
    own = {label(run): run for run in runs}
    return [
        Task(search, point, replace(with_point(own[of], search.keys, point), seed=seed))
        for of, search in among.items()
        for seed in search.screen
        for point in search.points
    ]


def read(tasks: Iterable[Task], table: Path) -> list[Outcome]:
    """Return the outcomes of tasks that a table holds; a line with an `id` is of the run of that name alone."""
    tasks = list(tasks)
    by_id = {task.run.id: task for task in tasks}
    by_point = {(label(task.run), str(task.run.seed), *map(str, task.point)): task for task in tasks}
    keys = {run: search.keys for search, _, _ in tasks for run in search.runs}
    found = []
    for line in _lines(table):
        values = (line.get(key) or "" for key in keys.get(line["run"], ()))
        task = by_id.get(line["id"]) if line.get("id") else by_point.get((line["run"], line["seed"], *values))
        if task:
            value = line[task.search.criterion]
            found.append(Outcome(task.point, line["run"], int(line["seed"]), float(value) if value else None))
    return found


def _lines(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8")))) if table.is_file() else []


def carry_out(
    tasks: Sequence[Task], table: Path, work: Path, data_dir: Path | None, jobs: int = 1, stack: bool = False
) -> None:
    """Carry out those of some tasks that a table lacks, several at once; each outcome is a line of it at once.

    `stack` says that runs train as one which can: those of a model that differ in its rate and in loss weights.
    Raises BadInput for a configuration that cannot be, before anything is trained.
    """
    from bench import data
    from bench.runs import groups
    from bench.runs.cost import refuse_impossible

    done = {(o.run, o.seed, o.point) for o in read(tasks, table)}
    todo = {task.run.id: task for task in tasks if (label(task.run), task.run.seed, task.point) not in done}
    print(f"{len(todo)} trainings", file=sys.stderr, flush=True)
    if not todo:
        return
    first, runs = tasks[0].run, [task.run for task in tasks]
    shape = data.image_shape(first.dataset, dict(first.data))
    refuse_impossible(runs, shape)
    cut = groups.jobs(runs, [task.run for task in todo.values()], shape, stack, rates=True)
    given = [(job, {run.id: todo[run.id].search.criterion for run in job if run.id in todo}) for job in cut]
    for outcomes in _each(given, work, data_dir, jobs):
        for run, outcome in outcomes.items():
            search, point, of = todo[run]
            about = dict(zip(search.keys, point, strict=True)) | {"run": label(of), "seed": of.seed}
            _append(table, about | outcome | {"id": run})


def _each(
    given: Sequence[tuple[Job, Mapping[str, str]]], work: Path, data_dir: Path | None, jobs: int
) -> Iterator[dict[str, Line]]:
    """Yield the outcomes of each job as it ends; several at once in processes of their own."""
    if jobs == 1:
        yield from (train(job, criteria, work, data_dir) for job, criteria in given)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        futures = [pool.submit(train, job, criteria, work, data_dir) for job, criteria in given]
        try:
            yield from (future.result() for future in as_completed(futures))
        except BaseException:  # of a stop too: what is trained is kept in its states
            pool.shutdown(wait=False, cancel_futures=True)
            for child in active_children():
                child.terminate()
            raise


def _end_with_parent() -> None:
    """Have a worker end when the process does that started it."""

    def watch() -> None:
        parent = parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def train(job: Job, criteria: Mapping[str, str], work: Path, data_dir: Path | None) -> dict[str, Line]:
    """Train runs, going on where they were, and return the lines of those that have a criterion, by id.

    No test image is read.
    """
    import torch
    from pythae.trainers.training_callbacks import TrainingCallback

    from bench.runs.train import train_alone, try_together
    from bench.storage import store
    from bench.system import provenance
    from bench.system.memory import out_of_memory

    torch.set_num_threads(1)  # so that the bits are those of any number of jobs
    made: Line = {"git": provenance.git_revision(), "cpu": provenance.processor()}
    images = without_test(job[0].dataset, data_dir, tuple(sorted(job[0].data.items())))
    diverged = {}
    if len(job) > 1:
        diverged = try_together(job, work, lambda: images, lambda run, text: None)
    found: dict[str, Line] = {}
    for run in (run for run in job if run.id in criteria):
        folder = work / "runs" / run.id
        folder.mkdir(parents=True, exist_ok=True)
        try:
            if run.id in diverged:
                raise ArithmeticError(diverged[run.id])
            if not store.is_trained(folder):
                train_alone(run, work, images, lambda run, text: None, TrainingCallback())
            found[run.id] = made | _judged(run, folder, images, criteria[run.id])
        except Exception as error:  # of a configuration that cannot be trained or judged, which is its outcome
            if out_of_memory(error):
                raise
            found[run.id] = made | {criteria[run.id]: "", "reason": " ".join(str(error).split())}
    return found


@lru_cache(maxsize=1)
def without_test(name: str, data_dir: Path | None, settings: tuple[tuple[str, str], ...]) -> ImageDataset:
    """Return a data set whose validation images stand in for its test images."""
    from bench.runs.execute import load_data

    images = load_data(name, data_dir, settings)
    return replace(images, test=images.validation, factors={})


def _judged(run: Run, folder: Path, images: ImageDataset, criterion: str) -> Line:
    """Return the criterion's value of a trained run, its best epoch and its seconds."""
    from bench.storage import store

    curves = store.read_json(folder / "trained.json")["curves"]
    losses = curves.get(LOSS) or [0.0] * (len(curves["epoch"]) - 1) + [-1.0]  # without any the last epoch is kept
    best = min(range(len(losses)), key=losses.__getitem__)
    value = losses[best] if criterion == LOSS else _measured(run, folder, images, criterion)
    seconds = round(sum(curves["seconds"]), 1)
    return {criterion: value, "epoch": curves["epoch"][best], "seconds": seconds, "reason": ""}


def _measured(run: Run, folder: Path, images: ImageDataset, criterion: str) -> float:
    """Return a metric of a trained run on validation images; raises ArithmeticError where it has none."""
    import torch

    from bench.evaluation.evaluate import Evaluation as Evaluated
    from bench.evaluation.evaluate import measure
    from bench.evaluation.features.networks import FeatureNetworks
    from models import load_model

    name, _, setting = criterion.removesuffix("]").partition("[")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    settings = Evaluation(metrics=(name,), samplers=("own",))
    networks = FeatureNetworks(images, None, device)
    evaluated = Evaluated(load_model(folder).to(device), images, settings, run.seed, networks, None)
    found = next(m for m in measure(evaluated) if m.setting == setting)
    if found.value is None or abs(found.value) == float("inf"):
        raise ArithmeticError(found.reason or "not finite")
    return found.value


def _append(table: Path, line: Line) -> None:
    """Add a line to a table: settings, run and seed, criteria, and what is told of the training."""
    table.parent.mkdir(parents=True, exist_ok=True)
    lines: list[Mapping[str, object]] = [*_lines(table), line]
    middle, columns = ("run", "seed"), dict.fromkeys(name for known in lines for name in known)
    settings = {name for known in lines for name in known if list(known).index(name) < list(known).index("run")}
    criteria = [name for name in columns if name not in (*settings, *middle, *ABOUT)]
    names = [*(name for name in columns if name in settings), *middle, *criteria, *ABOUT]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    write_whole(table, text.getvalue().encode())
    said = (f"{name}={line[name]}" for name in names[: -len(ABOUT) + 3] if line.get(name) not in (None, ""))
    print(" ".join(said), file=sys.stderr, flush=True)
