"""Suites as data: a TOML file becomes a list of runs, with strict keys and overrides."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ValidationError

from bench import plugins
from bench.errors import BadInput, unknown
from bench.study import suite_files
from bench.study.combinations import combination
from bench.study.schema import Evaluation, Preset, Published, Row, Suite, explain
from models import MODELS

VARIANTS = {  # variant -> prefix of the model's name
    "unidirectional": "",
    "control": "",
    "bidirectional": "Bidirectional",
    "stock": "Stock",
    "corrected": "Corrected",
}

# Settings of a training that a run's folder depends on where they are not the default.
SPECIAL = {
    "precision", "capture", "schedule", "adam_epsilon", "adam_beta1", "clip_norm", "clip_value", "labelled_batch_size",
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One model, one data set, one preset, one seed; frozen, and its folder is a function of it."""

    suite: str
    row: str
    model: str
    variant: str
    dataset: str
    preset: str
    seed: int
    latent_dim: int
    data: dict[str, str]
    network: dict[str, Any]
    options: dict[str, Any]
    likelihood: str
    training: dict[str, Any]
    evaluation: dict[str, Any]

    @cached_property
    def id(self) -> str:
        """Folder name: row, variant, seed, and a hash of all that the trained weights depend on."""
        trained_by = {k: v for k, v in self.to_dict().items() if k not in ("suite", "evaluation", "row", "preset")}
        return f"{slug(self.row)}-{self.variant}-s{self.seed}-{digest(trained_by)}"

    @cached_property
    def evaluation_id(self) -> str:
        """Hash of the evaluation settings: a change of these measures anew without training."""
        return digest(self.evaluation)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return {k: self.__dict__[k] for k in self.__dataclass_fields__}


def slug(text: str) -> str:
    """Return text for a file name: lower case, runs of other characters than letters, digits and dots as one "-"."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "row"


def digest(value: Any) -> str:
    """Return ten hexadecimal digits of the SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:10]


def folder_name(name: str, preset: str) -> str:
    """Return the name of the folder of a suite's results: each preset has its own."""
    return name if preset == "small" else f"{name}-{preset}"


def results_name(name: str, preset: str, overrides: Iterable[str] = ()) -> str:
    """Return the name of the folder of a suite's results, with a data set that is not its own in it."""
    raw = suite_files.read(suite_files.find(name))
    own = raw.get("dataset")
    for override in overrides:
        if override.partition("=")[0].strip() == "dataset":
            suite_files.change(raw, preset, override)
    return folder_name(Path(name).stem if raw.get("dataset") == own else f"{Path(name).stem}-{raw['dataset']}", preset)


def load(name: str, preset: str, overrides: Iterable[str] = ()) -> Suite:
    """Read suite `name` (or a path to a TOML file) and apply `key=value` overrides to it and to its preset.

    Raises BadInput for an unknown suite, key, preset, model or value.
    """
    path = suite_files.find(name)
    raw = suite_files.read(path)
    own = raw.get("dataset")
    for override in overrides:
        suite_files.change(raw, preset, override)
    if raw.get("dataset") != own:  # what is said of its own data set is not true of another
        raw |= {"title": f"The rows of {path.stem} on {raw['dataset']}", "published": None, "note": None}
    try:
        suite = Suite.model_validate(raw)
    except ValidationError as error:
        known = (Suite, Preset, Row, Evaluation, Published)
        raise explain(error, path.name, {key for part in known for key in part.model_fields}) from None
    if preset not in suite.presets:
        raise unknown(f"preset of suite {path.stem}", preset, suite.presets)
    controls = suite.presets[preset].controls
    for name in () if controls == "all" else controls:
        if name not in [row.row for row in suite.rows]:
            raise unknown("row in controls", name, (row.row for row in suite.rows))
    for where in ("options", "networks"):
        for name in getattr(suite.presets[preset], where):
            if name not in MODELS:
                raise unknown(f"model in {where}", name, MODELS)
    for row in suite.rows + suite.extra_rows:
        for variant in row.variants:
            if variant not in VARIANTS:
                raise unknown("variant", variant, VARIANTS)
            if VARIANTS[variant] + row.model not in MODELS:
                raise unknown("model", VARIANTS[variant] + row.model, MODELS)
    return suite


def count(suite: Suite, preset: str, seeds: Iterable[int] | None = None) -> int:
    """Return how many runs a suite has."""
    return sum(1 for _ in _rows(suite, preset)) * len(set(suite.seeds_of(preset) if seeds is None else seeds))


def _rows(suite: Suite, preset: str) -> Iterator[tuple[Row, str]]:
    """Yield the rows with each of their variants that the preset runs, in table order."""
    controls = suite.presets[preset].controls  # type: ignore[index]
    for row in suite.rows + suite.extra_rows:
        for variant in row.variants:
            if variant != "control" or controls == "all" or row.row in controls:
                yield row, variant


def expand(
    suite: Suite, name: str, preset: str, *, seeds: Iterable[int] | None = None, shape: tuple[int, ...]
) -> list[Run]:
    """Return the runs of a suite in table order: by row, then variant, then seed. `shape` is an image's (C, H, W)."""
    size = suite.presets[preset]  # type: ignore[index]
    added = {"plugin_metrics": list(measured)} if (measured := plugins.entries("METRICS")) else {}
    runs = []
    for row, variant in _rows(suite, preset):
        latent = row.latent_dim or size.latent_dim
        network = row.network or size.networks.get(row.model, size.network)
        options = {**size.options.get(row.model, {}), **row.options}
        likelihood = options.get("reconstruction_loss", suite.likelihood) if variant == "control" else None
        runs += [
            Run(
                suite=Path(name).stem,
                row=row.row,
                model=VARIANTS[variant] + row.model,
                variant=variant,
                dataset=suite.dataset,
                preset=preset,
                seed=seed,
                latent_dim=latent,
                data=suite.data | row.data,
                network=_network(VARIANTS[variant] + row.model, network | fields, shape, latent, likelihood),
                options=options | chosen,
                likelihood=suite.likelihood,
                training={
                    **size.model_dump(include={"epochs", "batch_size", "learning_rate", "weight_decay", "pct_start"}),
                    "train_images": size.train_images,
                    **size.model_dump(include=SPECIAL, exclude_defaults=True),
                },
                evaluation=size.evaluation.model_dump(mode="json") | added,
            )
            for seed in dict.fromkeys(suite.seeds_of(preset) if seeds is None else seeds)
            for fields, chosen in [combination(size.grid, seed)]
        ]
    if twice := [k for k, n in Counter((r.row, r.variant, r.seed) for r in runs).items() if n > 1]:
        raise BadInput(
            f"row {twice[0][0]!r} stands twice in its variant {twice[0][1]!r}; give each row a name of its own"
        )
    if shared := [k for k, n in Counter(r.id for r in runs).items() if n > 1]:
        rows = " and ".join(repr(run.row) for run in runs if run.id == shared[0])
        raise BadInput(
            f"the rows {rows} would share one folder ({shared[0]}); name one otherwise, in letters or digits"
        )
    return runs


def select(runs: Iterable[Run], patterns: Iterable[str]) -> list[Run]:
    """Return the runs whose row, model or "row/variant" matches one of the globs (case ignored).

    Raises BadInput for a glob that matches nothing.
    """
    runs = list(runs)
    chosen: dict[str, Run] = {}
    for pattern in patterns:
        wanted = pattern.lower()
        hits = [
            run
            for run in runs
            if any(fnmatchcase(n.lower(), wanted) for n in (run.row, run.model, f"{run.row}/{run.variant}"))
        ]
        if not hits:
            raise unknown("model", pattern, {n for run in runs for n in (run.row, run.model)})
        chosen.update((run.id, run) for run in hits)
    return [run for run in runs if run.id in chosen]


def _network(
    model: str, network: Mapping[str, Any], shape: tuple[int, ...], latent: int, control: str | None
) -> dict[str, Any]:
    """Return the full configuration of a model's network; a control's is narrowed to the bidirectional parameters.

    `control` is a control's likelihood, which its decoder's size depends on. Fields without a value are left out.
    """
    from models.distributions.likelihoods import numbers_a_pixel
    from models.networks.two_way import NetworkConfig, matched_width

    kind = get_type_hints(MODELS[model].resolve().config_class)["network"]
    if control and kind is not NetworkConfig:
        raise BadInput(f"{model} has no control: a {kind.__name__} has no width to match; leave out that variant")
    try:
        config = kind(**network)
        if control:
            config = matched_width(config, tuple(shape), latent, numbers_a_pixel(control, shape[0]))
    except ValidationError as error:
        raise explain(error, "network", (f.name for f in fields(kind))) from None
    except ValueError as error:
        raise BadInput(f"network: {error}") from None
    return json.loads(json.dumps({key: value for key, value in asdict(config).items() if value is not None}))
