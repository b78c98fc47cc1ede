"""What a model draws for every label: the canonical images of each trial, and walks over the latent variables."""

from pathlib import Path

import numpy as np

from report.figures.tiles import Panel, draw_panels, first_tile
from report.names import model_label
from report.published import Published
from report.store import Digest, Suite

_TRIALS_ACROSS = 5  # at most


def draw_canonical(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write the canonical images of all labels, model by model and trial by trial, and what is read in them.

    Figure 2, Untapped.
    """
    models = _models(suite, "canonical")
    across = min(_TRIALS_ACROSS, max((len(runs) for _, runs in models), default=1))
    panels: list[Panel] = []
    for label, runs in models:
        panels += [Panel(f"{label}, seed {d.seed}{_read(d)}", first_tile([d], "canonical")) for d in runs]
        blank = np.full_like(panels[-1].pixels, 255)  # each model begins a line
        panels += [Panel("", blank)] * (-len(panels) % across)
    return draw_panels(panels, suite, "canonical", across, 360) if panels else []


def draw_label_walks(suite: Suite, published: Published | None = None) -> list[Path]:
    """Write a grid over the two latent variables for each label, a line for each model, first seed that stores one."""
    panels, across = [], 1
    for label, runs in _models(suite, "label-walks"):
        sheet, classes = first_tile(runs, "label-walks"), runs[0].facts["classes"]
        assert sheet is not None
        width, across = (sheet.shape[1] + 1) // len(classes), max(across, len(classes))
        head = label.replace("Bidirectional", "Bi-directional")  # a place to break the line
        for i, name in enumerate(classes):
            panels.append(Panel(name if i else f"{head}: {name}", sheet[:, i * width : (i + 1) * width - 1]))
    return draw_panels(panels, suite, "label-walks", across, 160) if panels else []


def _models(suite: Suite, tile: str) -> list[tuple[str, list[Digest]]]:
    """Return each model's label and those of its runs that store a readable picture."""
    models = ((model_label(row, variant), runs) for row, variant, runs in suite.models())
    stored = ((label, [d for d in runs if first_tile([d], tile) is not None]) for label, runs in models)
    return [(label, runs) for label, runs in stored if runs]


def _read(digest: Digest) -> str:
    """Return ": " and the class that is read in each canonical image, where they are stored."""
    read, names = digest.facts["plots"].get("canonical_classes"), digest.facts["classes"]
    return ": " + "\u00a0".join(str(names[c]) for c in read) if read else ""  # in one line
