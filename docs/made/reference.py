"""Passages made from the registries: suites, models, metrics, settings, data sets, commands."""

import contextlib
import io
import os
import tomllib
from collections.abc import Iterable
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

from bench.data import DATASETS, SEMISUPERVISED, image_shape
from bench.evaluation.arrays.registry import ARRAYS
from bench.metrics import METRICS
from bench.samplers import SAMPLERS
from bench.study import suite_files
from bench.study.schema import Suite
from models import MODELS, NO_TWIN, PREFIXES
from report.figures.registry import explained
from report.names import dataset_label
from report.tables.formats.markdown import escape, row

FORMULAS: dict[str, dict[str, str]] = tomllib.loads((Path(__file__).parent / "formulas.toml").read_text("utf-8"))
_ARROWS = {"lower": "↓", "higher": "↑", "none": "–"}
_ROOMS = {
    "bvae": "BVAE",
    "lbae": "LBAE",
    "svae": "sVAE",
    "selfvae": "selfVAE",
    "untapped": "M2, Untapped",
    "pythae": "Pythae",
}


def suites() -> str:
    """Return every suite with its data set, rows, presets and title."""
    lines = []
    for name in suite_files.names():
        suite = _suite(name)
        lines.append([f"`{name}`", dataset_label(suite.dataset), str(len(suite.rows)), ", ".join(suite.presets)])
        lines[-1].append(suite.title)
    return _table(["Suite", "Data set", "Rows", "Presets", "What it studies"], lines, "llrll")


def presets() -> str:
    """Return the sizes of each suite's presets."""
    lines = []
    for name in suite_files.names():
        for preset, size in _suite(name).presets.items():
            seeds = len(_suite(name).seeds_of(preset))
            kind = str(size.network.get("kind", "convolutional"))
            lines.append([f"`{name}`", preset, kind, str(size.latent_dim), str(size.epochs), str(size.batch_size)])
            lines[-1] += [f"{size.learning_rate:g}", str(seeds)]
    heads = ["Suite", "Preset", "Network", "Latents", "Epochs", "Batch", "Learning rate", "Seeds"]
    return _table(heads, lines, "lllrrrrr")


def models() -> str:
    """Return every model with the paper or library it is of, and its forms."""
    found: dict[str, tuple[str, str, list[str]]] = {}
    for name, entry in MODELS.items():
        if not entry.target.startswith("models."):
            continue
        plain = name.removeprefix(PREFIXES.get(entry.variant, ""))
        source = _ROOMS.get(entry.target.split(".")[1].split(":")[0], "")
        found.setdefault(plain, (entry.title, source, []))[2].append(f"{entry.variant} `{name}`")
    lines = [[title, source, ", ".join(forms)] for title, source, forms in found.values()]
    reasons = [f"- {name}: {reason}." for name, reason in NO_TWIN.items()]
    return "\n".join([_table(["Model", "Of", "Forms"], lines), "", "No bidirectional form:", "", *map(escape, reasons)])


def metrics() -> str:
    """Return every metric with its formula, direction and range."""
    lines = []
    for name, metric in METRICS.items():
        known = FORMULAS.get(metric.target, {"formula": "", "range": ""})
        unit = f" ({metric.unit})" if metric.unit else ""
        lines.append([f"`{name}`", metric.label + unit, known["formula"], _ARROWS[metric.direction], known["range"]])
        lines[-1] += [metric.description, metric.extra or "always"]
    heads = ["Name", "Label", "Formula", "Better", "Range", "What it is", "Measured with"]
    return _table(heads, lines)


def arrays() -> str:
    """Return the arrays that metrics take."""
    lines = [[f"`{n}`", a.holds, ", ".join(sorted(a.needs)) or "–"] for n, a in ARRAYS.items()]
    return _table(["Array", "Holds", "Needs of a model"], lines)


def data() -> str:
    """Return the data sets with their shapes and settings."""
    lines = []
    for name, entry in DATASETS.items():
        own = dict(entry.settings) | ({} if entry.attributes or entry.points else dict(SEMISUPERVISED))
        shape = " × ".join(map(str, image_shape(name))) if entry.shape else "by setting"
        settings = "; ".join(f"{key}: {', '.join(values)}" for key, values in own.items())
        lines.append([f"`{name}`", entry.title, shape, str(entry.classes or "by folder"), settings])
    return _table(["Name", "Data", "C × H × W", "Classes", "Settings (the first is the default)"], lines)


def figures() -> str:
    """Return the figures and what they show."""
    return f"| Figure | Shows |\n| :--- | :--- |\n{explained()}"


def registries() -> str:
    """Return the samplers, priors and likelihoods that a suite can name."""
    from models.distributions.likelihoods import LIKELIHOODS
    from models.distributions.priors import PRIORS

    lines = [[f"`{name}`", "sampler", sampler.label] for name, sampler in SAMPLERS.items()]
    lines += [[f"`{name}`", "prior", ""] for name in PRIORS]
    lines += [[f"`{name}`", "likelihood", f"of {entry.pixels} pixels"] for name, entry in LIKELIHOODS.items()]
    return _table(["Name", "Is a", "Which"], lines)


def settings(suite: str, preset: str = "small") -> str:
    """Return every key that --set takes of a suite, with its type, its value at a preset and its meaning."""
    from bench.command.settings import keys

    lines = [[f"`{key.name}`", key.type, key.default, key.meaning] for key in keys(suite, preset)]
    return _table(["Key", "Type", f"In {suite}, {preset}", "Meaning"], lines)


def command_help(of: str) -> str:
    """Return what a command prints with --help, as a block."""
    command, *rest = of.split()
    said = io.StringIO()
    os.environ["COLUMNS"] = "100"  # by which argparse breaks lines
    program = {"vae-bench": "bench.run:vae_bench", "report": "report.__main__:main"}[command]
    module, name = program.split(":")
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        getattr(import_module(module), name)([*rest, "--help"])
    return f"```text\n{said.getvalue().rstrip()}\n```"


def networks() -> str:
    """Return the kinds of network and the keys of each."""
    from models.networks.kinds import KINDS

    lines = []
    for name, kind in KINDS.items():
        hints = get_type_hints(kind)
        own = [f.name for f in fields(kind) if f.name in hints and f.name != "kind"]
        lines.append([f"`{name}`", (kind.__doc__ or "").split("\n")[0], ", ".join(f"`{key}`" for key in own)])
    return _table(["Kind", "What it is", "Keys"], lines)


def _suite(name: str) -> Suite:
    return Suite.model_validate(suite_files.read(suite_files.SUITES / f"{name}.toml"))


def _table(heads: list[str], lines: Iterable[list[str]], sides: str = "") -> str:
    ends = {"l": ":---", "r": "---:"}
    rule = [ends[side] for side in sides or "l" * len(heads)]
    cells = [row([c if c.startswith("`") or "`" in c else escape(c) for c in line]) for line in lines]
    return "\n".join([row(heads), row(rule), *cells])
