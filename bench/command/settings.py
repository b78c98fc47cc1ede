"""The command `settings`: every key that --set takes of a suite, with its type, its default and its meaning."""

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, asdict, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bench.command.options import Parser
from bench.command.streams import answer
from bench.data import DATASETS, SEMISUPERVISED
from bench.errors import unknown
from bench.study import PRESETS, suite, suite_files
from bench.study.schema import Annealing, Suite
from models import MODELS
from models.networks.kinds import network_of

_NOT_SET = ("rows", "extra_rows", "presets", "evaluation", "network", "networks", "options")  # made of others' keys
_LINE = re.compile(r"^ *(\w+)(?: \([^)]*\):|  ) *(.+?)\.?$", re.MULTILINE)  # "name  meaning", "name (type): Meaning."

# What stands in no table of a docstring.
MEANINGS = {
    "title": "what the suite studies",
    "dataset": "the data set's name",
    "data": "settings of the data set: data.KEY=VALUE",
    "table": "the kind of table",
    "published": "where the printed numbers stand: published.paper, published.table",
    "likelihood": "p(x|z) of every model",
    "seeds": "seeds of the runs, where --seeds names none",
    "note": "what a table of the suite must say",
    "stack": "whether runs of one architecture train as one model",
    "latent_dim": "numbers of a code",
    "controls": "rows with a parameter-matched control: their names, or all",
    "row_options": "fields of the models' configurations, by row: row_options.ROW.KEY=VALUE",
    "pixels": "the data set's setting `pixels`, in place of the suite's",
    "search": "how each row's configuration is chosen on validation images",
    "blank": "metrics that have no number, each with the reason",
    "grid": "settings of which each seed takes one combination",
    "epochs": "passes over the training images",
    "batch_size": "images of a step",
    "weight_decay": "of AdamW",
    "schedule": "of the learning rate",
    "adam_epsilon": "of AdamW, beside the root of the second moment",
    "nll_samples": "importance samples of an image's likelihood",
    "nll_images": "test images whose likelihood is estimated",
    "images": "test images, and samples to compare with them",
    "probes": "classifiers that read codes",
    "samplers": "ways of drawing codes for samples",
    "extras": "what is measured on top of what always is",
    "metrics": "the only metrics to measure; empty: all",
    "gmm_components": "of the mixture that codes are drawn from",
    "gmm_images": "training images that samplers are fitted to",
    "tsne_images": "test images whose codes are embedded in the plane",
    "tsne_seeds": "seeds whose codes are",
    "fid_weights": "SHA-256 of the Inception weights (--fid-weights sets it)",
    "feature_network": "name and SHA-256 of one's own feature network (--feature-network sets it)",
    "annealing": "how likelihoods are annealed; none: not",
    "score_classifier": "how the classifier behind inception scores is trained",
    "plugin_metrics": "metrics of plug-ins (--plugin sets it)",
    "distributions": "between prior and posterior",
    "chains": "of an image",
    "leapfrog": "steps of a proposal",
    "first_step": "size of the first",
    "kind": "of network",
    "alpha": "of the activation G-NoVa",
    "beta": "of the activation G-NoVa",
    "prior": "p(z): prior.kind, prior.components, prior.hidden",
    "width": "factor of every hidden size",
}


class Key(NamedTuple):
    """A key of --set, its type and default as text, and what it means."""

    name: str
    type: str
    default: str
    meaning: str


def main(arguments: list[str]) -> int:
    """Print the keys of a suite, with a model's options, or the JSON Schema of suite files; return 0."""
    parser = Parser(prog="vae-bench settings", description="Print every key that --set takes of a suite.")
    parser.add_argument("suite", nargs="?", default="digits", help="name of a suite, or a TOML file of your own")
    parser.add_argument("model", nargs="?", help="a model of the suite, whose options are printed too")
    parser.add_argument("--preset", choices=PRESETS, default="small")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of suite files, for editors")
    options = parser.parse_args(arguments, argparse.Namespace())
    if options.schema:
        answer(json.dumps(schema(), indent=1))
        return 0
    found = list(keys(options.suite, options.preset, options.model))
    if options.json:
        answer(json.dumps([key._asdict() for key in found]))
        return 0
    widths = [min(40, max(len(key[i]) for key in found)) for i in range(3)]
    answer("\n".join("  ".join([*(f"{key[i]:{widths[i]}}" for i in range(3)), key.meaning]) for key in found))
    return 0


def keys(name: str, preset: Any, model: str | None = None) -> Iterator[Key]:
    """Yield the keys of a suite at a preset, with its own values as defaults; of `model`, its options and network.

    Raises BadInput for an unknown suite, preset or model.
    """
    loaded = suite.load(name, preset)
    size = loaded.presets[preset]
    yield from _of_fields(loaded, "", but=_NOT_SET)
    entry, chosen = DATASETS[loaded.dataset], loaded.data
    shared = {} if entry.attributes or entry.points else SEMISUPERVISED
    for key, values in {**shared, **entry.settings}.items():
        yield Key(f"data.{key}", " | ".join(values), chosen.get(key, values[0]), f"of {entry.title}")
    yield from _of_fields(size, "", but=_NOT_SET)
    yield from _of_fields(size.evaluation, "evaluation.")
    yield from _of_fields(size.evaluation.annealing or Annealing(), "evaluation.annealing.")
    row = next((row for row in loaded.rows if model in (None, row.row, row.model)), None)
    names = {name for row in loaded.rows for v in row.variants for name in (row.row, suite.VARIANTS[v] + row.model)}
    if row is None:
        if model not in names:
            raise unknown(f"model of {name}", str(model), names)
        row = next(row for row in loaded.rows if model in [suite.VARIANTS[v] + row.model for v in row.variants])
    config = MODELS[suite.VARIANTS[row.variants[0]] + row.model].resolve().config_class
    own = size.networks.get(row.model)
    network = network_of(config, own or size.network)
    prefix = "network." if own is None else f"networks.{row.model}."
    yield from _of_dataclass(type(network), prefix, {f.name: getattr(network, f.name) for f in fields(network)})
    if model is not None:
        chosen_options = {"reconstruction_loss": loaded.likelihood, **size.options.get(row.model, {}), **row.options}
        taken = ("name", "input_dim", "latent_dim", "network", "uses_default_encoder", "uses_default_decoder")
        yield from _of_dataclass(config, f"options.{row.model}.", chosen_options, but=taken)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of suite files, with the meaning of each key; a file may extend another."""
    found = Suite.model_json_schema()
    for part in (found, *found["$defs"].values()):
        for key, field in part.get("properties", {}).items():
            if key in MEANINGS:
                field["description"] = MEANINGS[key]
    names = [
        path.relative_to(suite_files.SUITES).with_suffix("").as_posix()
        for path in (*suite_files.SUITES.glob("*.toml"), *suite_files.SUITES.glob("base/*.toml"))
    ]
    found["properties"]["extends"] = {"enum": sorted(names), "description": "a suite, or a base, to lay this file over"}
    found["properties"]["add_rows"] = {**found["properties"]["rows"], "description": "rows after those of the base"}
    found.pop("required")  # of which the base may have all
    for part in ("Preset", "Row"):
        found["$defs"][part].pop("required", None)
    return found


def _of_fields(model: BaseModel, prefix: str, but: tuple[str, ...] = ()) -> Iterator[Key]:
    said = _documented(type(model))
    for name, field in type(model).model_fields.items():
        if name not in but:
            yield Key(prefix + name, _type(field.annotation), _text(getattr(model, name)), said.get(name, ""))


def _type(kind: object) -> str:
    """Return a type as text, without the modules of its parts and the bounds."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _type(parts[0])
    if origin is Literal:
        return " | ".join(map(str, parts))
    if origin in (Union, UnionType):
        return " | ".join(map(_type, parts))
    if origin is not None:
        return f"{origin.__name__}[{', '.join('…' if part is ... else _type(part) for part in parts)}]"
    return "none" if kind is NoneType else getattr(kind, "__name__", str(kind))


def _of_dataclass(kind: type, prefix: str, chosen: dict[str, Any], but: tuple[str, ...] = ()) -> Iterator[Key]:
    said, hints = _documented(kind), get_type_hints(kind)
    for field in fields(kind):
        if field.name in but:
            continue
        default = chosen.get(field.name, field.default)
        if isinstance(default, FieldInfo):
            default = default.default
        shown = "" if default is MISSING or default is PydanticUndefined else _text(default)
        yield Key(prefix + field.name, _type(hints[field.name]), shown, said.get(field.name, f"of {kind.__name__}"))


def _documented(kind: type) -> dict[str, str]:
    """Return the meanings of fields as the docstrings of a class and its bases tell them, and MEANINGS."""
    found = dict(MEANINGS)
    for base in reversed(kind.__mro__):
        for name, meaning in _LINE.findall(base.__dict__.get("__doc__") or ""):
            found[name] = meaning[0].lower() + meaning[1:]
    return found


def _text(value: object) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(value, default=_plain)


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
