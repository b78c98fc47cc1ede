"""Suites as data: a TOML file becomes a list of runs, with strict keys and overrides."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from bench import plugins
from bench.errors import BadInput, unknown
from bench.metrics import METRICS
from bench.study import PresetName, suite_files
from bench.study.combinations import combination
from bench.study.run import Run, digest
from bench.study.schema import Evaluation, Preset, Published, Row, Suite, explain
from bench.training.settings import Training
from models import MODELS
from models.networks.kinds import KINDS, NetworkConfig, network_of, network_types

VARIANTS = {  # variant -> prefix of the model's name
    "unidirectional": "",
    "control": "",
    "bidirectional": "Bidirectional",
    "stock": "Stock",
    "corrected": "Corrected",
}


def folder_name(name: str, preset: PresetName) -> str:
    """Return the name of the folder of a suite's results: each preset has its own."""
    return name if preset == "small" else f"{name}-{preset}"


def results_name(name: str, preset: PresetName, overrides: Iterable[str] = ()) -> str:
    """Return the name of the folder of a suite's results, with a data set that is not its own in it."""
    raw = suite_files.read(suite_files.find(name))
    own = raw.get("dataset")
    for override in overrides:
        if override.partition("=")[0].strip() == "dataset":
            suite_files.change(raw, preset, override)
    return folder_name(Path(name).stem if raw.get("dataset") == own else f"{Path(name).stem}-{raw['dataset']}", preset)


def load(name: str, preset: PresetName, overrides: Iterable[str] = (), added: Iterable[str] = ()) -> Suite:
    """Read suite `name` (or a path to a TOML file) and apply `key=value` overrides to it and to its preset.

    `added` are names of MODELS that get a row each. Raises BadInput for an unknown suite, key, preset, model or value.
    """
    path = suite_files.find(name)
    raw = suite_files.read(path)
    own = raw.get("dataset")
    if isinstance(raw.setdefault("rows", []), list):
        raw["rows"] = [*raw["rows"], *(row_of(model) for model in added)]
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
    rows, size = suite.rows + suite.extra_rows, suite.presets[preset]
    for row in rows:
        for variant in row.variants:
            if variant not in VARIANTS:
                raise unknown("variant", variant, VARIANTS)
            if VARIANTS[variant] + row.model not in MODELS:
                raise unknown("model", VARIANTS[variant] + row.model, MODELS)
    for name in () if size.controls == "all" else size.controls:
        if name not in [row.row for row in suite.rows]:
            raise unknown("row in controls", name, (row.row for row in suite.rows))
    models, named_rows = {row.model for row in rows}, {row.row for row in rows}
    for where, named, allowed in (
        ("model in options", size.options, models),
        ("model in networks", size.networks, models),
        ("row in row_options", size.row_options, named_rows),
    ):
        if absent := named.keys() - allowed:
            raise unknown(where, min(absent), allowed)
    return suite


def row_of(model: str) -> dict[str, Any]:
    """Return the row of a name of MODELS, in the variant that it is; raises BadInput for another name."""
    if model not in MODELS:
        raise unknown("model", model, MODELS)
    entry = MODELS[model]
    name = model.removeprefix(VARIANTS.get(entry.variant, ""))
    return {"row": entry.title, "model": name, "variants": [entry.variant]}


def refuse_hidden(suite: Suite, preset: PresetName, runs: Iterable[Run], overrides: Iterable[str]) -> None:
    """Raise BadInput for an override that a row among the runs hides by a value of its own."""
    chosen = {run.row for run in runs}
    rows = [row for row in suite.rows + suite.extra_rows if row.row in chosen]
    for override in overrides:
        key = override.partition("=")[0].strip()
        for hides in filter(None, (_hider(row, suite.presets[preset], key.split(".")) for row in reversed(rows))):
            raise BadInput(f"--set {key}: {hides}, which stands; leave that row out by --models, or write a suite file")


def _hider(row: Row, size: Preset, key: Sequence[str]) -> str | None:
    """Return what hides a key of --set from a row, None where nothing does."""
    first, second, third = (*key, "", "")[:3]
    if first in ("options", "networks") and second != row.model or first == "row_options" and second != row.row:
        return None
    in_grid = {"options": third, "row_options": third, "network": f"network.{second}", "networks": f"network.{third}"}
    if (name := in_grid.get(first)) in size.grid:
        return f"the preset's grid sets {name}"
    part = first.removesuffix("s")
    if part in ("latent_dim", "network") and getattr(row, part) is not None:
        return f"row {row.row!r} has a {part} of its own"
    if first == "network" and row.model in size.networks:
        return f"row {row.row!r} has the network of networks.{row.model}"
    options = row.options | size.row_options.get(row.row, {})
    names = {"data": second, "options": third, "likelihood": "reconstruction_loss"}
    by_key: Mapping[str, Mapping[str, object]] = {
        "data": ({"pixels": size.pixels} if size.pixels else {}) | row.data,
        "pixels": row.data,
        "options": options,
        "likelihood": size.options.get(row.model, {}) | options,
    }
    values = by_key.get(first, row.training)
    name = names.get(first, first)
    return f"row {row.row!r} has {values[name]!r}" if name in values else None


def count(suite: Suite, preset: PresetName, seeds: Iterable[int] | None = None) -> int:
    """Return how many runs a suite has."""
    return sum(1 for _ in _rows(suite, preset)) * len(set(suite.seeds_of(preset) if seeds is None else seeds))


def description(suite: Suite, folder: str, preset: PresetName) -> dict[str, object]:
    """Return what is told of a suite in its folder of results besides its runs; a plug-in's metric has a column.

    Its "configuration" is a hash of all that is not the default; the runs of two calls are of one study where it is
    the same.
    """
    read = {"dataset", "data", "likelihood", "rows", "extra_rows"}
    settings = suite.model_dump(mode="json", include=read, exclude_defaults=True)
    sizes = suite.presets[preset].model_dump(mode="json", exclude_defaults=True)
    about = suite.model_dump(mode="json", include={"title", "dataset", "table", "published", "note"})
    return about | {
        "configuration": digest(settings | {"preset": sizes}),
        "suite": folder,
        "preset": preset,
        "rows": [row.row for row in suite.rows],
        "metrics": metrics(),
    }


def metrics() -> dict[str, dict[str, object]]:
    """Return what a table needs to know of every metric; a plug-in's has a column."""
    added = plugins.entries("METRICS")
    return {
        name: {"label": metric.label, "unit": metric.unit, "direction": metric.direction}
        | ({"column": True} if name in added else {})
        for name, metric in METRICS.items()
    }


def _rows(suite: Suite, preset: PresetName) -> Iterator[tuple[Row, str]]:
    """Yield the rows with each of their variants that the preset runs, in table order."""
    controls = suite.presets[preset].controls
    for row in suite.rows + suite.extra_rows:
        for variant in row.variants:
            if variant != "control" or controls == "all" or row.row in controls:
                yield row, variant


def expand(
    suite: Suite, name: str, preset: PresetName, *, seeds: Iterable[int] | None = None, shape: tuple[int, ...]
) -> list[Run]:
    """Return the runs of a suite in table order: by row, then variant, then seed. `shape` is an image's (C, H, W)."""
    size = suite.presets[preset]
    general = size.evaluation.model_copy(update={"plugin_metrics": plugins.entries("METRICS")})
    networks: dict[str, Any] = {}  # seeds share them

    def network_of_run(*about: Any) -> Any:
        key = json.dumps(about, sort_keys=True)
        if key not in networks:
            networks[key] = _network(*about)
        return networks[key]

    runs = []
    for row, variant in _rows(suite, preset):
        evaluation = general.model_copy(update={"blank": general.blank | row.blank}) if row.blank else general
        try:
            training = size.training(row)
        except ValidationError as error:
            raise explain(error, f"training of row {row.row!r}", Training.model_fields) from None
        latent = row.latent_dim or size.latent_dim
        network = row.network or size.networks.get(row.model, size.network)
        options = {**size.options.get(row.model, {}), **row.options, **size.row_options.get(row.row, {})}
        likelihood = str(options.get("reconstruction_loss", suite.likelihood)) if variant == "control" else None
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
                data=suite.data | ({"pixels": size.pixels} if size.pixels else {}) | row.data,
                network=network_of_run(VARIANTS[variant] + row.model, network | fields, shape, latent, likelihood),
                options=options | chosen,
                likelihood=suite.likelihood,
                training=training,
                evaluation=evaluation,
            )
            for seed in dict.fromkeys(suite.seeds_of(preset) if seeds is None else seeds)
            for fields, chosen in [combination(size.grid, seed)]
        ]
    if twice := [k for k, n in Counter((r.row, r.variant, r.seed) for r in runs).items() if n > 1]:
        raise BadInput(
            f"row {twice[0][0]!r} stands twice in its variant {twice[0][1]!r}; give each row a name of its own"
        )
    if long := [r for r in runs if len(r.id) > suite_files.LONGEST]:
        raise BadInput(f"the row {long[0].row[:20]!r}… is too long for a folder's name; shorten it")
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
            if "/" in pattern:
                raise unknown("row", pattern, {f"{run.row}/{run.variant}" for run in runs})
            raise unknown("model", pattern, {n for run in runs for n in (run.row, run.model)})
        chosen.update((run.id, run) for run in hits)
    return [run for run in runs if run.id in chosen]


def _network(
    model: str, settings: Mapping[str, JsonValue], shape: tuple[int, ...], latent: int, control: str | None
) -> Any:
    """Return a model's network; a control's is narrowed to the bidirectional parameters.

    `control` is a control's likelihood, which its decoder's size depends on.
    """
    from models.distributions.likelihoods import numbers_a_pixel
    from models.networks.two_way import matched_width

    config_class = MODELS[model].resolve().config_class
    types = network_types(config_class)
    if control and not issubclass(types[0], NetworkConfig):
        raise BadInput(f"{model} has no control: a {types[0].__name__} has no width to match; leave out that variant")
    try:
        network = network_of(config_class, settings)
        return matched_width(network, shape, latent, numbers_a_pixel(control, shape[0])) if control else network
    except ValidationError as error:
        kind = KINDS.get(str((error.errors()[0]["loc"] or [""])[0]))
        known = fields(kind) if kind else (field for of in types for field in fields(of))
        raise explain(error, "network", (field.name for field in known)) from None
    except ValueError as error:
        raise BadInput(f"network: {error}") from None
