"""Passages made from stored results: tables, verdicts, answers, printed values."""

from fnmatch import fnmatch
from itertools import groupby

from bench.metrics import METRICS
from docs.made import stored
from report import choice
from report.claims import wording
from report.claims.verdicts import VERDICTS
from report.commands import command
from report.names import PAIR, dataset_label, model_label, row_label
from report.statistics import paired_interval, t_interval
from report.store import Suite, seed_values
from report.tables.formats.markdown import escape, row

PAPERS = {
    "BVAE": ("Bidirectional VAE", "bvae.md"),
    "sVAE": ("Symmetric VAE", "svae.md"),
    "LBAE": ("Latent Bernoulli autoencoder", "lbae.md"),
    "selfVAE": ("Self-supervised VAE, learned priors", "selfvae.md"),
    "Untapped": ("M2 and Untapped", "untapped.md"),
}


def table(suite: str, rows: str = "*", columns: str = "*", variants: str = "*") -> str:
    """Return lines and columns of a suite's table: globs of rows, of metrics and of variants, separated by commas."""
    whole = stored.table(suite)
    kept = [i for i, c in enumerate(whole.columns) if any(fnmatch(c.key, glob) for glob in columns.split(","))]
    heads = [escape(f"{whole.columns[i].header} {whole.arrows[i]}".strip()) for i in kept]
    lines = [row(["Model", *heads]), row([":---", *("---:" for _ in heads)])]
    for line in whole.lines:
        if any(fnmatch(line.row, glob) for glob in rows.split(",")) and _any(line.variant, variants):
            cells = [line.cells[i] for i in kept]
            if not any(cell.display for cell in cells):
                continue  # only in the paper, which has no such column
            shown = [f"**{escape(c.measured)}**" if c.best else escape(c.measured) for c in cells]
            beside = [f" ({escape(c.printed)})" if c.printed else "" for c in cells]
            lines.append(row([escape(line.label), *map("".join, zip(shown, beside, strict=True))]))
    assert len(lines) > 2, f"no row of {suite} matches {rows}"
    return "\n".join([*lines, "", escape(_setting(stored.suites()[suite]))])


def strip(style: str = "docs") -> str:
    """Return how many statements of each paper came to which verdict; links are those of the README or of docs/."""
    came = [v for v in VERDICTS if any(found.verdict == v for found in stored.found())]
    lines = [row(["Paper", *(v.capitalize() for v in came)]), row([":---", *("---:" for _ in came)])]
    up = {"readme": "docs/papers/", "docs": "papers/", "papers": ""}[style]
    for paper, group in groupby(stored.found(), key=lambda v: v.claim.paper):
        found = [v.verdict for v in group]
        title, page = PAPERS[paper]
        lines.append(row([f"[{title}]({up}{page})", *(str(found.count(v)) for v in came)]))
    return "\n".join(lines)


def found(paper: str) -> str:
    """Return a paper's statements, a line each: data set, verdict, difference with its interval, at which size."""
    lines = [row(["Statement", "On", "Verdict", "Difference", "How it differs from the paper"]), row([":---"] * 5)]
    for v in (v for v in stored.found() if v.claim.paper == paper):
        difference = wording.difference(v) if v.difference is not None else "–"
        unlike = "; ".join(v.unlike) if v.compared else v.because
        cells = [f"{v.claim.text} ({v.claim.source})", dataset_label(v.claim.dataset), v.verdict]
        lines.append(row([*map(escape, [*cells, difference, unlike or "–"])]))
    return "\n".join(lines)


def measured(
    suite: str, row: str, metric: str, setting: str = "", first: str = "bidirectional", second: str = "unidirectional"
) -> str:
    """Return the mean difference of two variants of a row in one metric, with its interval over seeds, in one line."""
    of = stored.suites()[suite]
    sides = [seed_values(of.runs(row, variant), metric, setting) for variant in (first, second)]
    difference = paired_interval(sides[1], sides[0])
    unit = f" {of.metric(metric).get('unit', '')}".rstrip()
    seeds = len(sides[0].keys() & sides[1].keys())
    if difference is None or difference.half_width is None:
        means = [t_interval(list(side.values())).mean for side in sides]
        return f"{means[0]:.2f} against {means[1]:.2f}{unit} (one seed)"
    sign = "−" if difference.mean < 0 else "+"
    return f"{sign}{abs(difference.mean):.2f} ± {difference.half_width:.2f}{unit} ({seeds} seeds)"


def best() -> str:
    """Return the recommended model for each use, with its interval against the runner-up and where that comes from."""
    lines = [row(["For", "Model", "Measured by", "On"]), row([":---"] * 4)]
    for of, answer in choice.recommended(stored.suites().values()):
        label = of.metric(answer.use.metric).get("label", answer.use.metric)
        lines.append(row([answer.use.name, *map(escape, (choice.sentence(answer), label, _setting(of)))]))
    return "\n".join(lines)


def printed(paper: str, table: str, rows: str = "*", metrics: str = "*") -> str:
    """Return printed cells of a paper's table, one line a row and variant."""
    cells = [c for c in stored.published() if (c["paper"], c["table"]) == (paper, table)]
    cells = [c for c in cells if _any(c["row"], rows) and _any(c["metric"], metrics)]
    keys = list(dict.fromkeys((c["metric"], c["setting"]) for c in cells))
    heads = [escape(_measure(metric, setting)) for metric, setting in keys]
    lines = [row(["Model, as printed", *heads]), row([":---", *("---:" for _ in keys)])]
    for name, variant in dict.fromkeys((c["row"], c["variant"]) for c in cells):
        of_row = (c for c in cells if (c["row"], c["variant"]) == (name, variant))
        text = {(c["metric"], c["setting"]): c["printed"] for c in of_row}
        label = model_label(name, variant) if variant in PAIR else row_label(name)
        lines.append(row([escape(label), *(escape(text.get(key, "")) for key in keys)]))
    return "\n".join(lines)


def runs() -> str:
    """Return the committed suites: runs, seeds, data set, processor, hours of all runs together."""
    heads = ["Suite", "Data set", "Preset", "Runs", "Seeds", "Epochs", "Hours", "Processor", "Command"]
    lines = [row(heads), row([":---", ":---", ":---", "---:", "---:", "---:", "---:", ":---", ":---"])]
    for name, suite in stored.suites().items():
        hours = sum(float(d.facts["seconds"] or 0) for d in suite.digests) / 3600
        hardware = [d.facts["provenance"].get("hardware") or {} for d in suite.digests]
        processors = dict.fromkeys(f"{h.get('processor')}, {h.get('threads')} threads a run" for h in hardware)
        epochs = dict.fromkeys(str(d.training.get("epochs")) for d in suite.digests)
        seeds = len({d.seed for d in suite.digests})
        cells = [f"`{name}`", dataset_label(suite.facts["dataset"]), suite.facts["preset"], str(len(suite.digests))]
        cells += [str(seeds), ", ".join(epochs), f"{hours:.1f}", "; ".join(processors)]
        lines.append(row([cells[0], *map(escape, cells[1:]), f"`{command(suite)}`".replace("|", "\\|")]))
    return "\n".join(lines)


def _setting(suite: Suite) -> str:
    seeds = sorted({d.seed for d in suite.digests})
    epochs = dict.fromkeys(str(d.training.get("epochs")) for d in suite.digests)
    over = "one seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
    of = f"Suite {suite.folder.name}: {dataset_label(suite.facts['dataset'])}, preset {suite.facts['preset']}"
    return f"{of}, {' or '.join(epochs)} epochs, {over}."


def _measure(metric: str, setting: str) -> str:
    """Write a metric at a setting: "PSNR (sample)"."""
    label = METRICS[metric].label if metric in METRICS else metric
    values = ", ".join(part.partition("=")[2] for part in setting.split(";") if part)
    return f"{label} ({values})" if values else label


def _any(text: str, globs: str) -> bool:
    return any(fnmatch(text, glob) for glob in globs.split(","))


__all__ = ["best", "found", "measured", "printed", "runs", "strip", "table"]
