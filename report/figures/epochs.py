"""What a learned prior does to the two terms of the bound as training goes on (suites `priors-epochs-…`)."""

from pathlib import Path

import numpy as np

from report.figures.colours import COLOURS
from report.figures.style import FAINT, PAGE, new_figure, save
from report.published import Published
from report.store import Digest, Suite, number, seed_values

_TERMS = (("reconstruction_nats", "RE"), ("kl_nats", "KL"))
_DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)))
_PLAIN = "standard"
Key = tuple[str, float]  # prior and rate


def draw_epochs(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write RE and KL of each prior less those of the standard normal against epochs, a line a prior and rate.

    Means over the seeds that both have, and their range. A suite of fewer than two lengths of training has no figure.
    """
    runs = _by_epochs(suite)
    plain = {rate: runs[kind, rate] for kind, rate in runs if kind == _PLAIN}
    lines = {key: found for key, found in runs.items() if key[0] != _PLAIN and key[1] in plain}
    if not any(len(found) > 1 for found in lines.values()):
        return []
    figure = new_figure(PAGE, 2.6)
    panels = figure.subplots(1, len(_TERMS))
    kinds, rates = ([*dict.fromkeys(part)] for part in zip(*lines, strict=True))
    for axes, (metric, label) in zip(panels, _TERMS, strict=True):
        axes.axhline(0, color=FAINT)
        for (kind, rate), found in lines.items():
            beside = {n: _differences(found[n], plain[rate][n], metric) for n in found if n in plain[rate]}
            at = sorted(n for n, values in beside.items() if values)
            style = {"color": COLOURS[kinds.index(kind) % len(COLOURS)], "marker": "o"}
            dash = _DASHES[rates.index(rate) % len(_DASHES)]
            axes.plot(at, [np.mean(beside[n]) for n in at], linestyle=dash, label=f"{kind}, rate {rate:g}", **style)
            low, high = ([f(beside[n]) for n in at] for f in (min, max))
            axes.fill_between(at, low, high, color=style["color"], alpha=0.18)
        axes.set_xscale("log")
        axes.set(xlabel="epochs", ylabel=f"{label} less the standard normal's (nats)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(rates))
    return save(figure, suite.folder / "epochs")


def _by_epochs(suite: Suite) -> dict[Key, dict[int, list[Digest]]]:
    """Return the runs on two networks by prior and rate, then by epochs."""
    found: dict[Key, dict[int, list[Digest]]] = {}
    for row in suite.rows:
        for run in suite.runs(row, "unidirectional"):
            about = run.facts["run"]
            prior = (about.get("options") or {}).get("prior")
            training = about.get("training") or {}
            epochs, rate = number(training.get("epochs")), number(training.get("learning_rate"))
            if epochs is not None and rate is not None:
                found.setdefault((_kind(prior), rate), {}).setdefault(int(epochs), []).append(run)
    return found


def _kind(prior: object) -> str:
    if not isinstance(prior, dict):
        return _PLAIN
    return "-".join(str(prior[key]) for key in ("kind", "components") if key in prior)


def _differences(runs: list[Digest], plain: list[Digest], metric: str) -> list[float]:
    own, other = seed_values(runs, metric, ""), seed_values(plain, metric, "")
    return [own[seed] - other[seed] for seed in own.keys() & other.keys()]
