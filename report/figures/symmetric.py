"""Figures of the symmetric VAE: what lambda does (Figure 7), and gradients as the critic gets better (Section 4.4)."""

from pathlib import Path

import numpy as np

from report.figures.colours import COLOURS
from report.figures.samples import first_with
from report.figures.style import FAINT, PAGE, new_figure, save
from report.names import model_label
from report.published import Published, printed_cell
from report.store import Suite, number, seed_values

_SCORES = (("inception_score_imagenet", "inception score"), ("inception_score", "score by the own classifier"))
_LEAST = 3  # values of lambda that make a curve
_ACROSS, _PANEL, _LEGEND = 3, 1.8, 0.35  # panels; inches
_DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)))
_LOSSES = (
    ("symmetric", "symmetric (Eq. 14)"),
    ("ali", "labels exchanged (Eq. 19)"),
    ("literal", "literal minimum (Eq. 18)"),
)


def draw_lambda(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write score and squared error against lambda, a line a model, mean and range over seeds; 0 is at the left end.

    Grey dots are published scores, of Inception.
    """
    curves = _curves(suite)
    if not curves:
        return []
    scored = [score for score in _SCORES if any(_values(suite, row, score[0]) for c in curves.values() for row in c[1])]
    metrics = [*scored[:1], ("mse", "mean squared error")]
    smallest = min(weight for weights, _ in curves.values() for weight in weights if weight > 0)
    figure = new_figure(PAGE, 2.6)
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
    for axes, (metric, label) in zip(panels, metrics, strict=True):
        for i, (weights, rows) in enumerate(curves.values()):
            found = [(w, v) for w, row in zip(weights, rows, strict=True) if (v := _values(suite, row, metric))]
            if found:
                at, values = [w for w, _ in found], [v for _, v in found]
                axes.plot(at, [np.mean(v) for v in values], color=COLOURS[i], linestyle=_DASHES[i % 3], marker="o")
                axes.fill_between(at, [min(v) for v in values], [max(v) for v in values], color=COLOURS[i], alpha=0.18)
            for weight, row in zip(weights, rows, strict=True):
                if printed := printed_cell(published, row, "unidirectional", metric, ""):
                    axes.plot(weight, printed.value, color=FAINT, marker="s", markersize=4, linestyle="")
        axes.set_xscale("symlog", linthresh=smallest)
        axes.set(xlabel="λ", ylabel=label)
    for i, name in enumerate(curves):
        panels[0].plot([], [], color=COLOURS[i], linestyle=_DASHES[i % 3], marker="o", label=name)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(curves))
    return save(figure, suite.folder / "lambda")


def draw_gradients(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write the norm of the decoder's gradient against the accuracy of a critic that learns, a line a loss.

    One panel a model, its first seed; all three losses at the same critic, the trained networks standing still.
    """
    runs = first_with(suite, "critic_gradients")
    if not runs:
        return []
    across = min(_ACROSS, len(runs))
    down = -(-len(runs) // across)
    figure = new_figure(PAGE, down * _PANEL + _LEGEND)
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for i, axes in enumerate(panels.flat):
        if i >= len(runs):
            axes.remove()
            continue
        found = runs[i].facts["plots"]["critic_gradients"]
        for k, (name, label) in enumerate(_LOSSES):
            axes.plot(found["accuracy"], found[name], color=COLOURS[k], linestyle=_DASHES[k], marker="o", label=label)
        axes.set_title(model_label(runs[i].row, runs[i].variant))
        axes.set_yscale("log")
        if i % across == 0:
            axes.set_ylabel("norm of the gradient")
        if i + across >= len(runs):
            axes.set_xlabel("accuracy of the critic (%)")
            axes.tick_params(labelbottom=True)
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=len(_LOSSES))
    return save(figure, suite.folder / "gradients")


def _curves(suite: Suite) -> dict[str, tuple[list[float], list[str]]]:
    """Return, by the name that rows have before their lambda, the lambdas in order and the rows that have them."""
    found: dict[str, list[tuple[float, str]]] = {}
    for row in suite.rows:
        for run in suite.runs(row, "unidirectional")[:1]:
            weight = number((run.facts["run"].get("options") or {}).get("reconstruction_weight"))
            if weight is not None:
                found.setdefault(row.rpartition(" ")[0] or row, []).append((weight, row))
    curves = {name: sorted(pairs) for name, pairs in found.items() if len(pairs) >= _LEAST}
    return {name: ([w for w, _ in pairs], [row for _, row in pairs]) for name, pairs in curves.items()}


def _values(suite: Suite, row: str, metric: str) -> list[float]:
    """Return a metric's values over a row's seeds."""
    return list(seed_values(suite.runs(row, "unidirectional"), metric, "").values())
