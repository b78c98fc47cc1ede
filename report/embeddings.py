"""t-SNE of the latent means, pairs side by side under one legend, as in Figure 4 of BVAE."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from report.names import PAIR, model_label
from report.published import Published, printed_cell
from report.store import Digest, Suite, log, number
from report.style import CLASSES, FAINT, INK, SIZE, SMALL, new_figure, save

_TITLE, _MARGIN, _LEGEND = 30, 24, 32  # pixels


def draw_tsne(suite: Suite, path: Path) -> Path | None:
    """Write the embeddings of every pair, first seed that has one; those at latent 128 have a figure of their own."""
    rows = [row for row in suite.rows if not row.endswith(" z128") and any(_embedded(suite, row, v) for v in PAIR)]
    if not rows:
        log.warning("%s is not drawn: no run of %s stores a t-SNE", path.name, suite.folder)
        return None
    titles = {(row, v): model_label(row, v) for row in rows for v in PAIR}
    return _write(suite, rows, titles, path, pairs_across=2, panel=400)


def draw_figure4(suite: Suite, path: Path, published: Published | None) -> Path | None:
    """Write Figure 4 of BVAE, the pairs at latent 128, probe accuracies in the titles; None without such rows."""
    known = (*suite.rows, *suite.extra_rows)
    rows = [row for row in known if row.endswith(" z128") and any(_embedded(suite, row, v) for v in PAIR)]
    if not rows:
        return None
    titles = {
        (row, v): f"({'ab'[i]}) {model_label(row, v)}\n{_accuracies(suite, row, v, published)}"
        for row in rows
        for i, v in enumerate(PAIR)
    }
    return _write(suite, rows, titles, path, pairs_across=1, panel=620)


def _embedded(suite: Suite, row: str, variant: str) -> Digest | None:
    return next((d for d in suite.runs(row, variant) if d.facts.get("tsne")), None)


def _accuracies(suite: Suite, row: str, variant: str, published: Published | None) -> str:
    run = _embedded(suite, row, variant)
    stored = (run.values().get(("probe_accuracy", "probe=linear")) or {}) if run else {}
    value = number(stored.get("value"))
    said = "linear probe: not measured" if value is None else f"linear probe {value:.2f}%"
    printed = printed_cell(published, row, variant, "probe_accuracy", "probe=linear")
    return said + (f" (published {printed.text})" if printed else "")


def _write(
    suite: Suite,
    rows: list[str],
    titles: dict[tuple[str, str], str],
    path: Path,
    pairs_across: int,
    panel: int,
) -> Path:
    across = 2 * min(pairs_across, len(rows))
    down = -(-2 * len(rows) // across)
    title = _TITLE * max(text.count("\n") + 1 for text in titles.values())
    width = across * panel + (across + 1) * _MARGIN
    shown = _classes(suite, rows)
    columns = max(1, (width - 2 * _MARGIN) // (60 + 16 * max(map(len, shown.values()), default=0)))
    height = down * (panel + title + _MARGIN) + _MARGIN + _LEGEND * -(-len(shown) // columns)
    figure = new_figure(width, height)
    for i, (row, variant) in enumerate((row, v) for row in rows for v in PAIR):
        left = _MARGIN + (i % across) * (panel + _MARGIN)
        bottom = height - (i // across + 1) * (panel + title + _MARGIN)
        axes = figure.add_axes((left / width, bottom / height, panel / width, panel / height))
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#cccccc")
        axes.set_title(titles[row, variant], size=SIZE, color=INK, loc="left", pad=5)
        run = _embedded(suite, row, variant)
        if run is None:
            axes.text(0.5, 0.5, "no t-SNE stored", ha="center", size=SMALL, color=FAINT, transform=axes.transAxes)
            continue
        _scatter(axes, run.facts["tsne"])
    handles = [
        Line2D([], [], marker="o", linestyle="", color=_colour(k), markersize=5, label=name)
        for k, name in shown.items()
    ]
    if handles:
        columns = min(columns, len(handles))
        figure.legend(
            handles=handles, loc="lower center", ncols=columns, fontsize=SIZE, frameon=False, handletextpad=0.1
        )
    return save(figure, path)


def _classes(suite: Suite, rows: list[str]) -> dict[int, str]:
    """Return the classes among the points shown, by number, with the names of the legend."""
    runs = [run for row in rows for v in PAIR if (run := _embedded(suite, row, v))]
    names = {k: str(name) for run in runs for k, name in enumerate(run.facts.get("classes") or [])}
    present = sorted({int(k) for run in runs for k in run.facts["tsne"]["label"]})
    return {k: names[k] if names.get(k, str(k)) == str(k) else f"{k} {names[k]}" for k in present if k in names}


def _scatter(axes: Axes, tsne: dict[str, Any]) -> None:
    x, y, label = (np.asarray(tsne[key]) for key in ("x", "y", "label"))  # [N]
    axes.scatter(x, y, s=5, c=[_colour(int(k)) for k in label], linewidths=0, alpha=0.75)
    for k in np.unique(label):  # the class's number at its middle: colour is not the only sign
        middle = np.median(x[label == k]), np.median(y[label == k])
        outline = [withStroke(linewidth=2.5, foreground="white")]
        axes.annotate(str(int(k)), middle, ha="center", va="center", size=SIZE, weight="bold", path_effects=outline)


def _colour(k: int) -> str:
    return CLASSES[k % len(CLASSES)]
