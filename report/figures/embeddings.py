"""t-SNE of the latent means, pairs side by side under one legend, as in Figure 4 of BVAE."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from report.figures.colours import CLASSES
from report.figures.style import FAINT, PAGE, SIZE, SMALL, new_figure, save
from report.names import PAIR, model_label
from report.published import Published, printed_cell
from report.store import Digest, Suite, log
from report.stored_json import Embedding

_TITLE, _PAD, _LEGEND = 0.14, 0.1, 0.2  # inches: a line of a title, its distance, a line of the legend


def draw_tsne(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write the embeddings of every pair, first seed that has one; those at latent 128 have a figure of their own."""
    rows = [row for row in suite.rows if not row.endswith(" z128") and any(_embedded(suite, row, v) for v in PAIR)]
    if not rows:
        log.warning("tsne is not drawn: no run of %s stores a t-SNE", suite.folder)
        return []
    titles = {(row, v): model_label(row, v) for row in rows for v in PAIR}
    return save(_draw(suite, rows, titles, pairs_across=2), suite.folder / "tsne")


def draw_figure4(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write Figure 4 of BVAE, the pairs at latent 128, probe accuracies in the titles; nothing without such rows."""
    known = (*suite.rows, *suite.extra_rows)
    rows = [row for row in known if row.endswith(" z128") and any(_embedded(suite, row, v) for v in PAIR)]
    if not rows:
        return []
    titles = {
        (row, v): f"({'ab'[i]}) {model_label(row, v)}\n{_accuracies(suite, row, v, published)}"
        for row in rows
        for i, v in enumerate(PAIR)
    }
    return save(_draw(suite, rows, titles, pairs_across=1), suite.folder / "figure4")


def _embedded(suite: Suite, row: str, variant: str) -> Digest | None:
    return next((d for d in suite.runs(row, variant) if d.facts["tsne"]), None)


def _accuracies(suite: Suite, row: str, variant: str, published: Published | None) -> str:
    run = _embedded(suite, row, variant)
    value = run.value("probe_accuracy", "probe=linear") if run else None
    said = "linear probe: not measured" if value is None else f"linear probe {value:.2f}%"
    printed = printed_cell(published, row, variant, "probe_accuracy", "probe=linear")
    return said + (f" (published {printed.text})" if printed else "")


def _draw(suite: Suite, rows: list[str], titles: dict[tuple[str, str], str], pairs_across: int) -> Figure:
    across = 2 * min(pairs_across, len(rows))
    down = -(-2 * len(rows) // across)
    panel = min(2.6, PAGE / across)
    title = _PAD + _TITLE * (1 + max(text.count("\n") for text in titles.values()))
    shown = _classes(suite, rows)
    columns = max(1, min(len(shown), int(across * panel / (0.35 + 0.07 * max(map(len, shown.values()), default=0)))))
    figure = new_figure(across * panel, down * (panel + title) + _LEGEND * -(-len(shown) // columns))
    panels = figure.subplots(down, across, squeeze=False)
    size = 3.0 if panel < 2 else 4.5
    for i, axes in enumerate(panels.flat):
        if i >= len(titles):
            axes.remove()
            continue
        row, variant = list(titles)[i]
        axes.set(xticks=[], yticks=[])
        axes.set_box_aspect(1)
        axes.spines[:].set(color="#cccccc", visible=True)
        axes.set_title(titles[row, variant], size=SIZE if panel > 2 else SMALL)
        run = _embedded(suite, row, variant)
        if run is None or run.facts["tsne"] is None:
            axes.text(0.5, 0.5, "no t-SNE stored", ha="center", color=FAINT, transform=axes.transAxes)
            continue
        _scatter(axes, run.facts["tsne"], size)
    handles = [Line2D([], [], marker="o", ls="", color=_colour(k), ms=4, label=name) for k, name in shown.items()]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, handletextpad=0.1)
    return figure


def _classes(suite: Suite, rows: list[str]) -> dict[int, str]:
    """Return the classes among the points shown, by number, with the names of the legend."""
    runs = [run for row in rows for v in PAIR if (run := _embedded(suite, row, v))]
    names = {k: name for run in runs for k, name in enumerate(run.facts["classes"])}
    present = sorted({int(k) for run in runs if (tsne := run.facts["tsne"]) for k in tsne["label"]})
    return {k: names[k] if names.get(k, str(k)) == str(k) else f"{k} {names[k]}" for k in present if k in names}


def _scatter(axes: Axes, tsne: Embedding, size: float) -> None:
    x, y, label = (np.asarray(values) for values in (tsne["x"], tsne["y"], tsne["label"]))  # [N]
    for k in np.unique(label):
        here = label == k
        axes.plot(x[here], y[here], ".", ms=size, mew=0, color=_colour(int(k)), alpha=0.75)
    for k in np.unique(label):  # the class's number at its middle: colour is not the only sign
        middle = np.median(x[label == k]), np.median(y[label == k])
        outline = [withStroke(linewidth=2, foreground="white")]
        axes.annotate(str(int(k)), middle, ha="center", va="center", weight="bold", path_effects=outline)


def _colour(k: int) -> str:
    return CLASSES[k % len(CLASSES)]
