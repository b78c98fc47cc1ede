"""Which model should I use? Quality against what it costs, with the models that no other beats in both."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter

from report.figures.colours import COLOURS
from report.figures.style import CROWD, FAINT, LEGEND, PAGE, SMALL, new_figure, save
from report.names import model_label
from report.published import Published
from report.statistics import t_interval
from report.store import Digest, Suite, log, number, seed_values
from report.tables.columns import TABLES
from report.tables.layout import Column

TABLE = "all"  # the kind of table that this figure stands beside
QUALITIES = ("fd_classifier", "psnr", "nll", "probe_accuracy")  # columns of that table
_MARKERS = {"unidirectional": "o", "bidirectional": "s", "control": "^", "stock": "D", "corrected": "v"}
_SAMPLERS = {"hyperplane": "hyperplanes", "normal": "", "gmm": "GMM"}  # the first that serves is the model's own
_AROUND = ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))
_STEPS = 0.9 * np.array(_AROUND)  # [8, 2]: where a point's number may stand, in sizes of its type
_PANEL = 2.1  # inches: height of a panel


class Point(NamedTuple):
    """A model among others: what it costs and how good it is, in the units of the two axes."""

    cost: float
    quality: float


class _Model(NamedTuple):
    number: int
    row: str
    variant: str
    runs: list[Digest]


_Place = tuple[_Model, Point, float | None]


def front(points: Sequence[Point], higher: bool) -> list[int]:
    """Return the places of the points that no other dominates, by ascending cost.

    a dominates b if it costs no more and is no worse, and is better in one of the two. Equal points do not dominate
    each other. `higher` says that more is better in quality.
    """
    sign = 1 if higher else -1

    def dominated(b: Point) -> bool:
        return any(
            a.cost <= b.cost and sign * a.quality >= sign * b.quality and (a.cost, a.quality) != (b.cost, b.quality)
            for a in points
        )

    return sorted((i for i, p in enumerate(points) if not dominated(p)), key=lambda i: (points[i].cost, i))


def draw_pareto(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write quality against parameters and training time, mean over seeds with 95 % t-intervals, for an "all" suite."""
    if suite.facts["table"] != TABLE:
        return []
    columns = [next(c for c in TABLES[TABLE].columns if c.metric == metric) for metric in QUALITIES]
    columns = [c for c in columns if any(d.value(c.metric, c.setting) is not None for d in suite.digests)]
    measured = ((row, variant, [d for d in runs if d.status == "done"]) for row, variant, runs in suite.models())
    models = [_Model(i, *model) for i, model in enumerate((m for m in measured if m[2]), start=1)]
    if not models:
        log.warning("pareto is not drawn: no run of %s is done", suite.folder)
        return []
    placed = {(c, cost): _placed(models, c, cost) for c in columns for _, cost in _COSTS}
    best = {cell: front([p for _, p, _ in shown], suite.sign(cell[0].metric) > 0) for cell, shown in placed.items()}
    named = {placed[cell][i][0].number for cell, places in best.items() for i in places}
    if len(models) <= CROWD:
        named = {model.number for model in models}
    across = 3
    figure = new_figure(PAGE, 2 * _PANEL + LEGEND * -(-len(named) // across))
    panels = figure.subplots(2, len(columns), sharey="col", sharex="row", squeeze=False)
    points = []
    for line, (title, cost) in zip(panels, _COSTS, strict=True):
        for axes, column in zip(line, columns, strict=True):
            shown = placed[column, cost]
            _panel(axes, suite, shown, best[column, cost], named)
            points.append((axes, [(model.number, point) for model, point, _ in shown if model.number in named]))
            axes.set_xlabel(title)
    for axes, column in zip(panels[0], columns, strict=True):
        unit = suite.metric(column.metric).get("unit")
        arrow = ("", " ↑", " ↓")[suite.sign(column.metric)]
        axes.set_title(f"{column.header.splitlines()[0]}{f' ({unit})' if unit else ''}{arrow}")
    handles = [_handle(model, suite, columns[0]) for model in models if model.number in named]
    figure.legend(handles=handles, loc="outside lower center", ncols=across, handletextpad=0.3)
    figure.draw_without_rendering()  # numbers are placed where the points have come to lie
    for axes, numbered in points:
        _number_points(axes, numbered)
    return save(figure, suite.folder / "pareto")


def _placed(models: list[_Model], column: Column, cost: Callable[[Digest], float | None]) -> list[_Place]:
    """Return the place of every model that has both numbers, with the half-width of its quality."""
    shown = []
    for model in models:
        costs = [found for run in model.runs if (found := cost(run)) is not None]
        values = list(seed_values(model.runs, column.metric, column.setting).values())
        if costs and values:
            mean, half_width = t_interval(values)
            shown.append((model, Point(t_interval(costs).mean, mean), half_width))
    return shown


def _panel(axes: Axes, suite: Suite, shown: list[_Place], best: Sequence[int], named: set[int]) -> None:
    """Draw models at their places, those without a name faintly, and a step through the best, by ascending cost."""
    if _wide([point.cost for _, point, _ in shown]):
        axes.set_xscale("log")
    else:
        axes.locator_params(axis="x", nbins=5)
    if _wide([point.quality for _, point, _ in shown]):
        axes.set_yscale("log", nonpositive="clip")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.margins(0.12)
    steps = [shown[i][1] for i in best]
    axes.step([p.cost for p in steps], [p.quality for p in steps], where="post", color=FAINT, linewidth=0.8, zorder=1)
    for model, point, half_width in shown:
        axes.errorbar(
            *point,
            yerr=half_width,
            color=_colour(suite, model.row) if model.number in named else FAINT,
            zorder=2.5 if model.number in named else 2,
            marker=_MARKERS.get(model.variant, "o"),
            markersize=4,
            markeredgecolor="white",
            markeredgewidth=0.4,
            elinewidth=0.8,
        )


def _wide(values: Sequence[float]) -> bool:
    """Whether values have more than a decade between them, which a linear axis would not tell apart."""
    return bool(values) and max(values) > 10 * min(values) > 0


def _number_points(axes: Axes, points: list[tuple[int, Point]]) -> None:
    """Write each point's number beside it, where it covers no other point or number."""
    places = np.array([axes.transData.transform(point) for _, point in points])  # [N, 2] pixels
    type_size = axes.get_figure(root=True).dpi / 72 * SMALL  # type: ignore[union-attr]
    for i, (name, point) in enumerate(points):
        others = np.delete(places, i, axis=0)
        rooms = [np.abs((others - places[i]) / type_size - step).max(axis=1) for step in _STEPS]
        room = [float(distances.min(initial=np.inf)) for distances in rooms]
        best = next((k for k, free in enumerate(room) if free > 1.2), int(np.argmax(room)))
        places = np.vstack([places, places[i] + type_size * _STEPS[best]])
        offset = tuple(SMALL * _STEPS[best])
        axes.annotate(str(name), point, offset, textcoords="offset points", size=SMALL, ha="center", va="center")


def _parameters(run: Digest) -> float | None:
    return run.value("parameters")


def _seconds(run: Digest) -> float | None:
    """Return the time of the whole training: that of the median epoch times their number."""
    epoch, epochs = run.value("seconds_per_epoch"), number(run.training.get("epochs"))
    return None if epoch is None or epochs is None else epoch * epochs


_COSTS = (("parameters", _parameters), ("training time (s)", _seconds))


def _colour(suite: Suite, row: str) -> str:
    return COLOURS[suite.rows.index(row) % len(COLOURS)]


def _handle(model: _Model, suite: Suite, samples: Column) -> Line2D:
    """Return a model's entry in the legend: its number, its name, and how its samples are drawn if not from a prior."""
    served = [s for s in _SAMPLERS if model.runs[0].value(samples.metric, f"sampler={s}") is not None]
    sampler = _SAMPLERS[served[0]] if served else ""
    label = f"{model.number}  {model_label(model.row, model.variant)}{f' ({sampler})' if sampler else ''}"
    marker = _MARKERS.get(model.variant, "o")
    return Line2D([], [], linestyle="", marker=marker, markersize=4, color=_colour(suite, model.row), label=label)
