"""A search for settings: a grid declared in a file, screened at few seeds, chosen at more by the validation loss."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from bench.errors import unknown
from bench.study import PresetName, suite, suite_files
from bench.study.run import Run
from bench.study.schema import Seed, explain

DECLARED = suite_files.SUITES / "search"
Point = tuple[JsonValue, ...]  # one value for each key of the grid


class Outcome(NamedTuple):
    """What came of a training: the least validation loss over its epochs (nats an image), or why there is none."""

    point: Point
    run: str
    seed: int
    loss: float | None


class Search(BaseModel):
    """A declared search.

    runs       "row/variant" of a suite's runs that share the setting, and have the same say in it
    screen     seeds that every point of the grid is trained at
    finalists  how many of the best points are trained at all `seeds`
    grid       values of keys that `--set` takes
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    suite: str
    preset: PresetName
    runs: tuple[str, ...] = Field(min_length=1)
    screen: tuple[Seed, ...] = (0,)
    seeds: tuple[Seed, ...] = (0, 1, 2)
    finalists: Annotated[int, Field(ge=1)] = 3
    grid: dict[str, Annotated[tuple[JsonValue, ...], Field(min_length=1)]] = Field(min_length=1)

    def points(self) -> list[Point]:
        """Return the points of the grid; the last key changes first."""
        return list(product(*self.grid.values()))

    def settings(self, point: Point) -> list[str]:
        """Return a point as `key=value` for `--set`."""
        return [f"{key}={json.dumps(value)}" for key, value in zip(self.grid, point, strict=True)]

    def expand(self, point: Point, seeds: Iterable[int], shape: tuple[int, ...]) -> list[Run]:
        """Return the runs of a point; controls are none of them."""
        loaded = suite.load(self.suite, self.preset, [*self.settings(point), "controls=[]"])
        return suite.select(suite.expand(loaded, self.suite, self.preset, seeds=seeds, shape=shape), self.runs)

    def losses(self, outcomes: Iterable[Outcome], seeds: Iterable[int]) -> dict[Point, float | None]:
        """Return the mean loss over runs and seeds of each point that has all of them; None where one diverged."""
        found: Mapping[Point, dict[tuple[str, int], float | None]] = defaultdict(dict)
        for outcome in outcomes:
            found[outcome.point][outcome.run, outcome.seed] = outcome.loss
        needed = set(product(self.runs, seeds))
        means: dict[Point, float | None] = {}
        for point in self.points():
            if needed <= found[point].keys():
                losses = [found[point][key] for key in needed]
                means[point] = None if None in losses else sum(loss or 0.0 for loss in losses) / len(losses)
        return means

    def best(self, outcomes: Iterable[Outcome], seeds: Iterable[int], n: int) -> list[Point]:
        """Return the n points of least mean loss; of equals the earlier one."""
        means = {point: loss for point, loss in self.losses(outcomes, seeds).items() if loss is not None}
        return sorted(means, key=means.__getitem__)[:n]

    def choice(self, outcomes: list[Outcome]) -> Point | None:
        """Return the chosen point: of the finalists that of least loss at all seeds; None while one is missing."""
        finalists = self.best(outcomes, self.screen, self.finalists)
        of_finalists = [outcome for outcome in outcomes if outcome.point in finalists]
        complete = len(self.losses(outcomes, self.screen)) == len(self.points())
        complete &= len(self.losses(of_finalists, self.seeds)) == len(finalists)
        best = self.best(of_finalists, self.seeds, 1) if complete else []
        return best[0] if best else None


def names() -> list[str]:
    """Return the names of the declared searches."""
    return sorted(path.stem for path in DECLARED.glob("*.toml"))


def load(name: str) -> Search:
    """Read a declared search; raises BadInput for an unknown name or key."""
    if name not in names():
        raise unknown("search", name, names())
    try:
        return Search.model_validate(suite_files.read(DECLARED / f"{name}.toml"))
    except ValidationError as error:
        raise explain(error, f"{name}.toml", Search.model_fields) from None
