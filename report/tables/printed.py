"""Measured beside printed: by how much they differ, and whether they were made with the same settings."""

from collections.abc import Mapping, Sequence

from report.store import Suite
from report.tables.cells import Line
from report.tables.layout import Column

_EPOCHS = {  # that the papers state, by paper and data set
    ("LBAE", "mnist"): 2000,
    ("LBAE", "cifar10"): 2000,
    ("LBAE", "celeba"): 500,
    ("Untapped", "mnist"): 300,  # 150 of its own, which pass over the labelled images
}
_DATA = {  # the variants of the data sets that they use, where there are several
    ("BVAE", "celeba"): {"split": "identity", "preprocess": "resize"},
    ("LBAE", "celeba"): {"split": "official", "preprocess": "center-crop"},
}


def unlike_printed(suite: Suite) -> list[str]:
    """Return how the settings differ from those of the suite's printed values, a phrase each; empty where they agree.

    Compared are preset, epochs (where the paper states them), the variant of the data and the number of images.
    """
    source, preset = suite.facts["published"], suite.facts["preset"]
    key = (source["paper"] if source else "", suite.facts["dataset"])
    found = [f"preset {preset}, not the paper's"] if preset != "paper" else []
    epochs = sorted({int(n) for d in suite.digests if (n := d.training.get("epochs")) is not None})
    stated = _EPOCHS.get(key)
    if epochs and epochs != [stated]:
        found.append(
            f"{' or '.join(map(str, epochs))} epochs, the paper {f'has {stated}' if stated else 'states none'}"
        )
    images = sorted({int(n) for d in suite.digests if (n := d.training.get("train_images")) is not None})
    found += [f"trained on {' or '.join(map(str, images))} images only"] if images else []
    theirs: Mapping[str, str] = _DATA.get(key, {})
    ours = {name: value for d in suite.digests for name, value in (d.facts["run"].get("data") or {}).items()}
    found += [f"{k} {ours[k]}, the paper's {theirs[k]}" for k in theirs if k in ours and ours[k] != theirs[k]]
    notes = dict.fromkeys(d.data.get("note") for d in suite.digests)
    return found + [f"data: {note}" for note in notes if note]


def beside_printed(suite: Suite, lines: Sequence[Line], columns: Sequence[Column]) -> list[str]:
    """Write the mean difference of each column with printed values, and how the settings compare; or nothing."""
    means = []
    for i, column in enumerate(columns):
        found = [d for line in lines if (d := line.cells[i].printed_difference) is not None]
        if found:
            mean = sum(found) / len(found)
            means.append(f"{' '.join(column.header.split())} {'−' if mean < 0 else '+'}{column.show(abs(mean))}")
    if not means:
        return []
    unlike = unlike_printed(suite)
    settings = (
        f"Settings differ from the printed values': {'; '.join(unlike)}."
        if unlike
        else "Settings are the printed values', as far as the paper states them."
    )
    return [settings, f"Measured minus printed, mean over the lines: {', '.join(means)}."]
