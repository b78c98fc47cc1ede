"""The command `evaluate`, and `bench.evaluate`: a trained model, a sampler or images, measured without training."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bench import data as datasets
from bench.command.options import Parser
from bench.command.streams import answer, say
from bench.command.terminal import as_text
from bench.data.places import terminal_bar
from bench.data.types import ImageDataset
from bench.errors import BadInput
from bench.evaluation.evaluate import Evaluation, Measurement, measure, unasked
from bench.evaluation.features.inception_weights import find_weights
from bench.evaluation.features.networks import FeatureNetworks, load_own
from bench.evaluation.outside.pythae_models import input_shape
from bench.evaluation.outside.subjects import Given, subject
from bench.run.anchors import stand_ins
from bench.run.beside import differences, place, table
from bench.runs.train import about_data
from bench.storage import packed, stored
from bench.study import suite_files
from bench.study.run import digest, slug
from bench.study.schema import Evaluation as Settings
from bench.study.schema import explain
from bench.system import provenance

if TYPE_CHECKING:
    import pandas as pd

# All that takes seconds or minutes: no flows and no second model are trained, no likelihoods annealed.
ALL: dict[str, Any] = {
    "samplers": ("normal", "gmm", "own", "hyperplane", "rounding", "coins", "rhvae"),
    "extras": ("kernel", "prd", "classes", "codes", "labels", "densities", "scores", "levels", "efficientnet"),
    "probes": ("linear", "mlp256"),
    "tsne_images": 0,
}


@dataclass(frozen=True)
class Evaluated:
    """What was measured of one subject: its name, the measurements, where they lie, and how they differ from others'.

    `rows` are all rows of the table that it stands in, itself the last; `headers` name their cells.
    """

    name: str
    measurements: tuple[Measurement, ...]
    folder: Path
    notes: tuple[str, ...]
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def frame(self) -> "pd.DataFrame":
        """Return a line a measurement: metric, setting, value, se, n, status, reason, version."""
        import pandas as pd

        return pd.DataFrame([asdict(m) for m in self.measurements])

    def __str__(self) -> str:
        found = [m for m in self.measurements if m.status == "ok" and m.value is not None]
        lines = [(m.metric, m.setting, f"{m.value:.6g}", f"{m.se:.2g}" if m.se else "", f"{m.n or ''}") for m in found]
        text = as_text(("metric", "setting", "value", "standard error", "n"), lines)
        reasons: dict[str, list[str]] = {}
        for m in self.measurements:
            if m.status != "ok" and not str(m.reason).startswith("not asked for"):
                reasons.setdefault(str(m.reason), []).append(m.metric)
        blank = [f"{', '.join(dict.fromkeys(names))}: {reason}" for reason, names in reasons.items()]
        beside = as_text(self.headers, self.rows) if self.rows else ""
        notes = [f"Note: {note}." for note in self.notes]
        parts = [f"{self.name}\n\n{text}", "\n".join(["Blank:", *blank]) if blank else "", beside, "\n".join(notes)]
        return "\n\n".join(part for part in parts if part)


def main(arguments: list[str]) -> int:
    """Carry out the command and return 0."""
    parser = Parser(prog="vae-bench evaluate", description="Measure what was trained or generated elsewhere.")
    add = parser.add_argument
    add(
        "what",
        metavar="WHAT",
        help="a model's folder, images (folder, .npz), module:function, or OWNER/NAME",
    )
    add("--data", metavar="NAME", help="data set, or a folder of images (default: that of --beside)")
    add("--data-dir", type=Path, help="folder that holds the data sets")
    add("--beside", metavar="SUITE", help="place it in the table of stored results: a suite's name, or a folder")
    add("--name", help="what to call it in tables")
    add("--seed", type=int, default=0, help="of every draw (default: %(default)s)")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="evaluation.KEY or data.KEY")
    add("--fid-weights", metavar="FILE", help="pytorch-fid's Inception weights, or 'download'")
    add("--feature-network", type=Path, metavar="FILE", help="TorchScript: images in [0, 1] to features, for distances")
    add("--trust-pickle", action="store_true", help="load models that hold pickles, which can run any code")
    add("--results", type=Path, default=Path("runs"), help="folder for results (default: %(default)s)")
    add("--plugin", action="append", default=[], metavar="MODULE", help="add a module's models, data sets and metrics")
    add("--json", action="store_true", help="print the measurements as JSON")
    options = parser.parse_args(arguments, argparse.Namespace())
    from bench import plugins

    plugins.load(options.plugin)
    names = ("data_dir", "beside", "name", "seed", "fid_weights", "feature_network", "trust_pickle", "results")
    found = evaluate(options.what, options.data, settings=options.set, **{key: getattr(options, key) for key in names})
    answer(json.dumps([asdict(m) for m in found.measurements]) if options.json else str(found))
    say(f"wrote {found.folder / 'measurements.csv'}, {found.folder / 'table.md'}")
    return 0


def evaluate(
    model: object,
    data: str | Path | ImageDataset | None = None,
    *,
    beside: str | Path | None = None,
    name: str | None = None,
    settings: Sequence[str] = (),
    seed: int = 0,
    data_dir: Path | None = None,
    fid_weights: str | None = None,
    feature_network: Path | str | None = None,
    trust_pickle: bool = False,
    results: Path | str = "runs",
) -> Evaluated:
    """Measure a model on a data set without training, store what was measured, and place it beside stored rows.

    model     a module, a function f(n) that draws images, an array of images, a folder or .npz, "module:function",
              or a name on the Hugging Face hub (`bench.evaluation.outside.subjects.subject`)
    data      a data set, its name, or a folder of images; by default that of `beside`
    beside    a suite, or a folder of results, whose table the row is placed in; it is measured with their settings
    settings  "evaluation.KEY=VALUE" and "data.KEY=VALUE"
    feature_network  a TorchScript file, images [B, C, H, W] in [0, 1] to features [B, F], for distances in them

    Every metric whose needs are met is measured, the others are blank with their reason. Raises BadInput.
    """
    results, theirs = Path(results), None if beside is None else stored.find(beside, Path(results))
    rows = {} if theirs is None else packed.facts(theirs)
    first: Mapping[str, Any] = next((facts["run"] for facts in rows.values() if facts["status"] == "done"), {})
    if data is None and not first:
        raise BadInput("evaluate: name the data by --data, or stored results by --beside")
    own, about_images = _settings(settings, first)
    images = data if isinstance(data, ImageDataset) else _load(data, data_dir, about_images, first)
    chosen = subject(model, images.shape, trust_pickle)
    shape = input_shape(chosen)
    if shape is not None and shape != images.shape:
        raise BadInput(
            f"the model takes images {list(shape)}, {images.name} has {list(images.shape)}; name other --data"
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    weights = find_weights(fid_weights, terminal_bar())
    embedding = None if feature_network is None else Path(feature_network)
    networks = FeatureNetworks(images, weights, device, embedding)
    if embedding is not None:
        about = load_own(embedding, device).provenance
        own = own.model_copy(update={"feature_network": f"{about['name']} {about['weights_sha256']}"})
    evaluation = Evaluation(chosen.to(device), images, own, seed, networks, None)
    measurements = [*measure(evaluation), *unasked(own)]
    facts = _digest(model, name, chosen, evaluation, measurements, images, set(_rows_of(theirs)))
    folder = results / (f"evaluated-{slug(images.name)}" if theirs is None else f"{theirs.name}-beside")
    known = [facts for facts in rows.values() if facts["status"] == "done"]
    notes = differences(facts, known) if known else []
    made = [*_anchors(folder, images, evaluation, known), (facts, evaluation)]
    place(folder, made, theirs, [f"{facts['row']}: {note}." for note in notes])
    headers, lines = table(folder, facts["row"])
    return Evaluated(facts["row"], tuple(measurements), folder, tuple(notes), headers, lines)


def _rows_of(folder: Path | None) -> list[str]:
    about = None if folder is None else stored.suite_facts(folder)
    return [] if about is None else [key.rsplit("/", 2)[0] for key in about["runs"]]


def _settings(given: Sequence[str], first: Mapping[str, Any]) -> tuple[Settings, dict[str, str]]:
    """Return the settings of the evaluation and of the data; those of stored rows where there are some."""
    from pydantic import ValidationError

    raw: dict[str, Any] = {"presets": {"small": {"evaluation": dict(first.get("evaluation") or ALL)}}}
    raw["data"] = dict(first.get("data") or {})
    for override in given:
        if not override.startswith(("evaluation.", "data.")):
            raise BadInput(f"--set {override}: of an evaluation, evaluation.KEY and data.KEY can be set")
        suite_files.change(raw, "small", override)
    evaluation = raw["presets"]["small"]["evaluation"]
    for key in ("fid_weights", "feature_network", "plugin_metrics"):
        evaluation.pop(key, None)
    try:
        return Settings.model_validate(evaluation), {key: str(value) for key, value in raw["data"].items()}
    except ValidationError as error:
        raise explain(error, "evaluation", Settings.model_fields) from None


def _load(
    data: str | Path | None, data_dir: Path | None, settings: dict[str, str], first: Mapping[str, Any]
) -> ImageDataset:
    """Return the data set of a name, or a folder of images."""
    name = str(data or first["dataset"])
    if name not in datasets.DATASETS and Path(name).exists():
        name, data_dir = "imagefolder", Path(name)
    if name != first.get("dataset"):  # whose settings are not this one's
        entry = datasets.DATASETS.get(name)
        known = {**datasets.SEMISUPERVISED, **(entry.settings if entry else {})}
        settings = {key: value for key, value in settings.items() if key in known}
    return datasets.load(name, data_dir=data_dir, settings=settings)


def _digest(
    what: object,
    name: str | None,
    model: torch.nn.Module,
    evaluation: Evaluation,
    measurements: Sequence[Measurement],
    data: ImageDataset,
    taken: set[str],
) -> dict[str, Any]:
    """Return the digest of what was measured, as a run's; its id follows from the weights or images and the data."""
    path = Path(str(what)) if isinstance(what, str | Path) else None
    own = path.parent if path is not None and path.name in ("final_model", "model") else path
    row = name or (own.name or str(what) if own is not None else type(model).__name__)
    while row in taken:
        row += " (own)"
    weights = sha256()
    for key, tensor in model.state_dict().items():
        weights.update(key.encode())
        weights.update(
            tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
        )
    if isinstance(model, Given):
        weights.update(np.ascontiguousarray(model.images).data)
    identity = digest([weights.hexdigest(), str(what) if path else "", data.sha256, evaluation.settings.identity()])
    run = {"training": {}, "evaluation": evaluation.settings.identity(), "data": dict(data.settings)}
    collected = provenance.collect(torch.get_num_threads(), str(evaluation.device))
    made = {"data": about_data(data), "evaluated_by": provenance.git_revision(), "source": str(what)[:500]}
    return {
        "id": f"{slug(row)}-evaluated-s{evaluation.seed}-{identity}",
        "row": row,
        "model": type(model).__name__,
        "variant": "unidirectional",
        "dataset": data.name,
        "seed": evaluation.seed,
        "status": "done",
        "reason": None,
        "evaluation_id": digest(evaluation.settings.identity()),
        "measurements": [asdict(m) for m in measurements],
        "run": run | {"dataset": data.name, "seed": evaluation.seed, "options": {}},
        "provenance": collected | made | evaluation.features.provenance() | {"weights_sha256": weights.hexdigest()},
        "curves": None,
        "tsne": None,
        "classes": list(data.classes),
        "plots": {},
    }


def _anchors(
    folder: Path, data: ImageDataset, evaluation: Evaluation, known: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[dict[str, Any], Evaluation]]:
    """Yield what training images, and noise, would get in the place of samples, unless the folder has it."""
    there = (stored.suite_facts(folder) or {"runs": {}})["runs"]
    for name, images in stand_ins(data, evaluation.settings.images, evaluation.seed).items():
        if f"{name}/unidirectional/{evaluation.seed}" not in there:
            own = Evaluation(Given(images), data, evaluation.settings, evaluation.seed, evaluation.features, None)
            facts = _digest(name, name, own.model, own, measure(own), data, set())
            if known:
                differences(facts, known)
            yield facts, own
