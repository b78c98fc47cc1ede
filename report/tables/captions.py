"""The sentences above a table: what was run, how to read it, what is left out and why."""

from collections.abc import Mapping, Sequence
from typing import Literal

from report.names import dataset_label, model_label
from report.store import Digest, Suite
from report.stored_json import Number
from report.tables.cells import Line
from report.tables.layout import Column, Layout
from report.tables.tuning import budget

Section = Literal["training", "options", "evaluation"]
_SETTINGS: tuple[
    tuple[Section, str, str], ...
] = (  # section and key of a run's configuration, and how the caption says them
    ("training", "epochs", "{} epochs"),
    ("options", "number_samples", "IWAE trained with K = {}"),
    ("evaluation", "nll_samples", "NLL with K = {} importance samples"),
    ("evaluation", "nll_images", "on the first {} test images"),
)
_VARIANTS = {
    "control": "Control: the unidirectional model narrowed to the bidirectional parameter count.",
    "stock": "Stock: Pythae's own class.",
}


def caption(suite: Suite, lines: list[Line], columns: Sequence[Column], compared: int) -> str:
    """Write what was run (data set, preset, seeds, K) and how to read the numbers, of which so many are compared."""
    what = settings(suite)
    head = [_sentence(suite.title), _sentence(what[0].upper() + what[1:])]
    return " ".join([*head, *_how_to_read(suite, lines, columns, compared)])


def remarks(suite: Suite, layout: Layout, dropped: Mapping[str, str], printed: list[str]) -> list[str]:
    """Write what is missing and why, and what has to be known about printed values.

    `dropped` maps the headings of columns left out to their reasons.
    """
    said = [f"Left out: {', '.join(headers)} ({reason})." for reason, headers in _by_reason(dropped).items()]
    said += _not_run(suite, layout)
    said += [
        f"{model_label(d.row, d.variant)}, seed {d.seed}, {d.ending}." for d in suite.digests if d.status != "done"
    ]
    said += [f"On the printed values: {'; '.join(printed)}."] if printed else []
    note = suite.facts["note"]
    return said + _data_notes(suite) + ([_sentence(note)] if note else [])


def settings(suite: Suite) -> str:
    """Write what was run: "data set MNIST; preset small (not the paper's sizes); seed 0; 6 epochs"."""
    preset = suite.facts["preset"]
    seeds = sorted({d.seed for d in suite.digests})
    parts = [
        f"data set {dataset_label(suite.facts['dataset'])}",
        f"preset {preset}" + (" (not the paper's sizes)" if preset == "small" else ""),
        f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds)) or 'none'}",
    ]
    if images := sorted({n for d in suite.digests if (n := _trained_on(d))}):
        parts.append(f"trained on {' or '.join(f'{n:,}' for n in images)} images")
    if found := budget(suite):
        parts.append(found)
    for section, key, text in _SETTINGS:
        if values := _settings(suite, section, key):
            parts.append(text.format(" or ".join(values)))
    return "; ".join(parts)


def _how_to_read(suite: Suite, lines: list[Line], columns: Sequence[Column], compared: int) -> list[str]:
    said = [text for variant, text in _VARIANTS.items() if any(line.variant == variant for line in lines)]
    cells = [cell for line in lines for cell in line.cells]
    if any(c.half_width is not None for c in cells):
        said.append("± is the half-width of the 95% t-interval over seeds.")
        bold = "Bold: the better of a pair, where the paired 95% t-interval of the difference excludes zero"
        said.append(f"{bold}; uncorrected over {compared} comparisons." if compared else f"{bold}.")
    elif cells:
        said.append("One seed each: no difference is marked.")
    if any(c.standard_error is not None for c in cells):
        said.append("SE is the standard error over images, of one seed.")
    said += _of_likelihoods(suite, columns)
    if accuracies := _classifier_accuracies(suite):
        said.append(
            "FD-classifier: Fréchet distance in the features of the suite's own small classifier "
            f"({accuracies} test accuracy), which is not FID."
        )
    if any(c.metric == "kd_classifier" for c in columns) and newest_version(suite, "kd_classifier") > 1:
        said.append(
            "KD-classifier: kernel distance in those features, divided by their root mean square over the training "
            "images, which is not KID."
        )
    source = suite.facts["published"]
    if source and any(c.printed for c in cells):
        stock = "; stock rows stand beside its unidirectional rows, which were run in Pythae"
        shown = stock if any(line.variant == "stock" for line in lines) else ""
        place = source["table"]
        place = place if place.startswith("Section") else f"Table {place}"
        said.append(f"In italics and parentheses: as printed in {source['paper']}, {place}{shown}.")
    return said


def _of_likelihoods(suite: Suite, columns: Sequence[Column]) -> list[str]:
    """Say of which side importance-sampled likelihoods err, and what they are of, where there are such columns."""
    shown = [c for c in columns if c.metric in ("nll", "bits_per_dim")]
    samples = " or ".join(_settings(suite, "evaluation", "nll_samples"))
    if not shown or not samples:
        return []
    headings = " and ".join(" ".join(c.header.split()) for c in shown)
    bound = "in expectation an upper bound of the exact value, which tightens with the number of importance samples"
    said = [f"{headings}: {bound} (K = {samples})."]
    if any(newest_version(suite, c.metric) > 1 for c in shown):
        said.append(
            "Where there are more test images, the estimate is carried to all of them by regression on their -ELBO."
        )
    return said


def newest_version(suite: Suite, metric: str) -> int:
    """Return the newest version of a metric that a value of the suite was measured by; 1 where none was."""
    measured = (m for d in suite.digests for m in d.facts["measurements"] if m["metric"] == metric)
    return max((m.get("version", 1) for m in measured if m["status"] == "ok"), default=1)


def _not_run(suite: Suite, layout: Layout) -> list[str]:
    run = {(row, v) for row, v, _ in suite.models(layout.variants)}
    rows = {row for row, _ in run}
    paired = [r for r in suite.rows if r not in rows or any((r, v) in run for v in layout.pair)]
    planned = {name.rpartition("/")[0] for name in suite.facts["runs"] or ()}  # "row/variant"
    wanted = [(row, v) for row in paired for v in layout.pair if not planned or f"{row}/{v}" in planned]
    missing = [model_label(row, v) for row, v in wanted if (row, v) not in run]
    return [f"Not run: {', '.join(missing)}."] if missing else []


def _by_reason(dropped: Mapping[str, str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for header, reason in dropped.items():
        grouped.setdefault(reason.rstrip("."), []).append(header.replace("\n", " "))
    return grouped


def _settings(suite: Suite, section: Section, key: str) -> list[str]:
    """Return the different values of one setting over the runs, as text; runs without it do not count.

    More images than there are count as those that there are.
    """
    found: set[str] = set()
    for digest in suite.digests:
        options: Mapping[str, object] = digest.facts["run"].get(section) or {}
        value = options.get(key)
        if value is None or (key.startswith("nll_") and "nll" not in _metrics(digest)):
            continue
        there = (digest.data.get("images") or {}).get("test") if key == "nll_images" else None
        found.add(str(value if there is None or not isinstance(value, Number) else min(value, there)))
    return sorted(found)


def _trained_on(digest: Digest) -> Number | None:
    """Return how many images a run was trained on, those of the split or fewer where so set; None: unknown."""
    known = ((digest.data.get("images") or {}).get("train"), digest.training.get("train_images"))
    return min((n for n in known if n is not None), default=None)


def _metrics(digest: Digest) -> Sequence[str]:
    return (digest.facts["run"].get("evaluation") or {}).get("metrics", ("nll",))


def _classifier_accuracies(suite: Suite) -> str:
    stored = ((d.facts["provenance"].get("classifier") or {}).get("test_accuracy") for d in suite.digests)
    return " or ".join(sorted({f"{100 * value:.1f}%" for value in stored if value is not None}))


def _data_notes(suite: Suite) -> list[str]:
    """Return what has to be said of the data, as stored with the runs."""
    return [_sentence(note) for note in dict.fromkeys(d.data.get("note") for d in suite.digests) if note]


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else text + "."
