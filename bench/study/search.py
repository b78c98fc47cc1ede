"""Searches for settings: points trained at few seeds, the best at more, and one chosen by a validation criterion.

A declared search has a grid, and one choice for all its runs. A suite whose preset has a `search` has one for every
form of every row: the row's own configuration and draws from stated ranges.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from bench.errors import BadInput, unknown
from bench.metrics import METRICS
from bench.study import PresetName, suite, suite_files
from bench.study.run import Run
from bench.study.schema import Criterion, Drawn, Range, Row, Seed, Suite, explain
from bench.training.settings import Training

DECLARED = suite_files.SUITES / "search"
LOSS = "validation_loss"  # the criterion of a search on a grid: the least of the epochs' validation losses
Point = tuple[JsonValue, ...]  # one value for each key


class Outcome(NamedTuple):
    """What came of a training: the value of the criterion on validation images, or why there is none."""

    point: Point
    run: str
    seed: int
    value: float | None


@dataclass(frozen=True)
class Search:
    """Points to choose one of.

    keys       what a point has values for
    points     the points, in order
    runs       "row/variant" of the runs that have the same say in the choice
    screen     seeds that every point is trained at
    seeds      seeds that the best `finalists` are trained at
    criterion  LOSS, or a metric on validation images: "metric", or "metric[key=value]" at a setting
    """

    keys: tuple[str, ...]
    points: tuple[Point, ...]
    runs: tuple[str, ...]
    screen: tuple[int, ...]
    seeds: tuple[int, ...]
    finalists: int = 1
    criterion: str = LOSS

    @cached_property
    def sign(self) -> int:
        """1 where less is better, -1 where more is."""
        metric = METRICS.get(self.criterion.partition("[")[0])
        return -1 if metric and metric.direction == "higher" else 1

    def settings(self, point: Point) -> list[str]:
        """Return a point as `key=value` for `--set`."""
        return [f"{key}={json.dumps(value)}" for key, value in zip(self.keys, point, strict=True)]

    def values(self, outcomes: Iterable[Outcome], seeds: Iterable[int]) -> dict[Point, float | None]:
        """Return the mean over runs and seeds of each point that has all of them; None where one diverged."""
        found: Mapping[Point, dict[tuple[str, int], float | None]] = defaultdict(dict)
        for outcome in outcomes:
            found[outcome.point][outcome.run, outcome.seed] = outcome.value
        needed = set(product(self.runs, seeds))
        means: dict[Point, float | None] = {}
        for point in self.points:
            if needed <= found[point].keys():
                values = [found[point][key] for key in needed]
                means[point] = None if None in values else sum(value or 0.0 for value in values) / len(values)
        return means

    def best(self, outcomes: Iterable[Outcome], seeds: Iterable[int], n: int) -> list[Point]:
        """Return the n points of best mean; of equals the earlier one."""
        means = {point: self.sign * v for point, v in self.values(outcomes, seeds).items() if v is not None}
        return sorted(means, key=means.__getitem__)[:n]

    def choice(self, outcomes: list[Outcome]) -> Point | None:
        """Return the chosen point: the best of the finalists at all seeds; None while one is missing."""
        finalists = self.best(outcomes, self.screen, self.finalists)
        of_finalists = [outcome for outcome in outcomes if outcome.point in finalists]
        complete = len(self.values(outcomes, self.screen)) == len(self.points)
        complete &= len(self.values(of_finalists, self.seeds)) == len(finalists)
        best = self.best(of_finalists, self.seeds, 1) if complete else []
        return best[0] if best else None


class Grid(BaseModel):
    """A declared search.

    title      what it chooses
    runs       "row/variant" of a suite's runs that share the setting, and have the same say in it
    screen     seeds that every point of the grid is trained at
    finalists  how many of the best points are trained at all `seeds`
    criterion  LOSS, or a metric on validation images where the losses of its runs are no bounds
    grid       values of keys that `--set` takes; the last key changes first
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[str, Field(min_length=1)]
    suite: str
    preset: PresetName
    runs: tuple[str, ...] = Field(min_length=1)
    screen: tuple[Seed, ...] = (0,)
    seeds: tuple[Seed, ...] = (0, 1, 2)
    finalists: Annotated[int, Field(ge=1)] = 3
    criterion: Literal["validation_loss"] | Criterion = LOSS
    grid: dict[str, Annotated[tuple[JsonValue, ...], Field(min_length=1)]] = Field(min_length=1)

    @property
    def search(self) -> Search:
        """What is searched."""
        points = tuple(product(*self.grid.values()))
        return Search(tuple(self.grid), points, self.runs, self.screen, self.seeds, self.finalists, self.criterion)

    def expand(self, point: Point, seeds: Iterable[int], shape: tuple[int, ...]) -> list[Run]:
        """Return the runs of a point; controls are none of them."""
        loaded = suite.load(self.suite, self.preset, [*self.search.settings(point), "controls=[]"])
        return suite.select(suite.expand(loaded, self.suite, self.preset, seeds=seeds, shape=shape), self.runs)


def names() -> list[str]:
    """Return the names of the declared searches."""
    return sorted(path.stem for path in DECLARED.glob("*.toml"))


def load(name: str) -> Grid:
    """Read a declared search; raises BadInput for an unknown name or key."""
    if name not in names():
        raise unknown("search", name, names())
    try:
        return Grid.model_validate(suite_files.read(DECLARED / f"{name}.toml"))
    except ValidationError as error:
        raise explain(error, f"{name}.toml", Grid.model_fields) from None


def label(run: Run) -> str:
    """Return "row/variant" of a run."""
    return f"{run.row}/{run.variant}"


def searches(loaded: Suite, preset: PresetName, runs: Iterable[Run]) -> dict[str, Search]:
    """Return the search of each "row/variant" among a suite's runs; none where its preset has no `search`.

    Raises BadInput for a range of a setting whose own value is not written in the row.
    """
    drawn = loaded.presets[preset].search
    if drawn is None:
        return {}
    rows = {row.row: row for row in loaded.rows + loaded.extra_rows}
    own = {label(run): run for run in reversed(list(runs))}
    return {of: _search(drawn, rows[run.row], run) for of, run in own.items()}


def _search(drawn: Drawn, row: Row, run: Run) -> Search:
    ranges = {"learning_rate": drawn.learning_rate, **row.ranges}
    criterion = row.criteria.get(run.variant, row.criterion)
    own = tuple(_value(run, key) for key in ranges)
    points = (own, *draws(list(ranges.values()), drawn.configurations, drawn.sobol)[1:])
    seeds = (drawn.seed,)
    return Search(tuple(ranges), points, (label(run),), seeds, seeds, criterion=criterion)


def draws(ranges: list[Range], n: int, seed: int) -> list[Point]:
    """Return n draws from ranges, evenly in the logarithm, of three digits; whole numbers where both ends are whole.

    They are a scrambled Sobol' sequence (Owen 1998) as SciPy draws it.
    """
    from scipy.stats import qmc

    low, high = np.log(np.array(ranges, float).T)
    exponent = (n - 1).bit_length()
    unit = qmc.Sobol(len(ranges), scramble=True, rng=seed).random_base2(exponent)[:n]  # [n, keys]
    drawn = np.exp(low + (high - low) * unit)
    whole = [all(isinstance(end, int) for end in ends) for ends in ranges]
    return [tuple(round(v) if w else float(f"{v:.3g}") for v, w in zip(row, whole, strict=True)) for row in drawn]


def _value(run: Run, key: str) -> JsonValue:
    """Return a run's own value of a key of `Row.ranges`."""
    found: Any = run.training.model_dump() if key in Training.model_fields else dict(run.options)
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            raise BadInput(f"row {run.row!r} has a range of {key}, whose own value is not in its options")
        found = found[part]
    return found


def with_point(run: Run, keys: Iterable[str], point: Point) -> Run:
    """Return a run with the values of a point, by the keys of `Row.ranges`, in place of its own."""
    training, options = run.training.model_dump(), deepcopy(dict(run.options))
    for key, value in zip(keys, point, strict=True):
        target: Any = training if key in Training.model_fields else options
        *outer, last = key.split(".")
        for part in outer:
            target = target[part]
        target[last] = value
    return replace(run, training=Training.model_validate(training), options=options)


def with_choices(runs: Iterable[Run], among: Mapping[str, Search], outcomes: list[Outcome]) -> list[Run]:
    """Return runs with what was chosen for their "row/variant"; those without a choice as they are."""
    chosen = {of: search.choice([o for o in outcomes if o.run == of]) for of, search in among.items()}
    return [with_point(run, among[of].keys, point) if (point := chosen.get(of := label(run))) else run for run in runs]
