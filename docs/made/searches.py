"""Passages made from the declared searches: what each was to choose, what came of it, what was chosen."""

from bench.command.search import outcomes, progress
from bench.metrics import METRICS
from bench.study import search
from bench.study.search import LOSS, Grid, Outcome, Point
from docs.made.stored import RESULTS
from report.tables.formats.markdown import escape, row


def searches(name: str) -> str:
    """Return a declared search: its runs, its criterion, the values of every point and the choice."""
    grid, came = search.load(name), outcomes(name, RESULTS / "search")
    chosen = grid.search.choice(came)
    if chosen:
        said = f"Chosen: {_said(grid, chosen)}."
    else:
        done, all_of_it = progress(name, RESULTS / "search")
        said = f"Not chosen yet: {done} of {all_of_it} trainings are done (`python -m bench.command.search {name}`)."
    lines = [f"{grid.title}: {_criterion(grid)} of suite `{grid.suite}`, preset {grid.preset}, the least mean over"]
    lines[0] += f" {escape(' and '.join(grid.runs))}. {said}"
    if came:
        lines += ["", *_table(grid, came, chosen)]
    return "\n".join(lines)


def _table(grid: Grid, came: list[Outcome], chosen: Point | None) -> list[str]:
    found = grid.search
    first, finals = _seeds(found.screen), _seeds(found.seeds)
    heads = [*(f"`{key}`" for key in found.keys), *map(escape, found.runs), f"Mean, {first}", f"Mean, {finals}"]
    lines = [row(heads), row([":---", *("---:" for _ in heads[1:])])]
    screened, final = found.values(came, found.screen), found.values(came, found.seeds)
    for point in found.points:
        of = [o for o in came if o.point == point and o.seed in found.screen]
        values = [_mean([o.value for o in of if o.run == run]) for run in found.runs]
        values += [_number(screened, point), _number(final, point)]
        shown = [*map(str, point), *values]
        lines.append(row([f"**{cell}**" if point == chosen and cell else cell for cell in shown]))
    return lines


def _mean(values: list[float | None]) -> str:
    if None in values:
        return "diverged"
    return f"{sum(v or 0.0 for v in values) / len(values):.2f}" if values else ""


def _number(means: dict[Point, float | None], point: Point) -> str:
    return _mean([means[point]]) if point in means else ""


def _seeds(seeds: tuple[int, ...]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"


def _said(grid: Grid, point: Point) -> str:
    return ", ".join(f"{key} {value}" for key, value in zip(grid.search.keys, point, strict=True))


def _criterion(grid: Grid) -> str:
    metric = METRICS.get(grid.criterion.partition("[")[0])
    return "validation loss" if grid.criterion == LOSS or metric is None else f"{metric.label} on validation images"
