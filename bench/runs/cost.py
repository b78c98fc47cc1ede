"""What a suite would cost, before anything is trained."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from pythae.models import BaseAE

from bench.data import DATASETS, image_shape
from bench.errors import BadInput
from bench.evaluation.features.score_classifier import RECIPES, ScoreClassifier
from bench.runs.train import build, configure
from bench.study import PresetName
from bench.study.run import Run
from bench.study.schema import Annealing, Evaluation, Suite
from bench.training.flops import Cost, cost
from models import MODELS
from models.networks.two_way import count_parameters, shapes_alone

MOST_PARAMETERS = 10**10  # 40 GB of weights
# FLOP/s that training sustains, and seconds to call an operation, roughly. Of the stored runs' seconds an epoch they
# give 0.96 in digits, 1.2 in mnist, 0.8 in pythae-mnist, 0.5 to 0.8 in the other suites on digits: medians over rows.
CORE_RATE, CORE_CALL = 5e10, 1e-5  # on one processor core
DEVICE_RATE, DEVICE_CALL = 2e13, 1e-5  # on an accelerator, where none was measured


class PlanLine(NamedTuple):
    """What a run is, its parameters, its folder, the FLOPs of its training and the operations that it calls, None where
    they follow from the data, and the FLOPs of its evaluation: passes of the model on images, codes and chains."""

    row: str
    model: str
    variant: str
    dataset: str
    seed: int
    parameters: int
    path: str
    training_flops: float | None
    evaluation_flops: float
    training_calls: int | None


def refuse_impossible(runs: Sequence[Run], shape: tuple[int, ...]) -> dict[str, BaseAE]:
    """Return a model of each architecture, its weights shapes alone; reads nothing.

    Raises BadInput for the first run whose data settings, options or networks cannot be.
    """
    configured: set[str] = set()
    built: dict[str, BaseAE] = {}
    for run in runs:
        kind = repr((run.model, run.network, run.latent_dim, run.options, run.likelihood, run.dataset, run.data))
        if kind in configured:
            continue
        configured.add(kind)
        image_shape(run.dataset, run.data)
        configure(run, shape)
        if (key := _architecture(run)) in built:
            continue
        try:
            with shapes_alone():
                built[key] = build(run, shape)
        except (ValueError, RuntimeError, TypeError, OverflowError) as error:
            reason = " ".join(str(error).split())
            raise BadInput(f"row {run.row!r}: its network cannot be built for images {list(shape)}: {reason}") from None
        if (parameters := count_parameters(built[key])) > MOST_PARAMETERS:
            raise BadInput(f"row {run.row!r}: its network would have {parameters:,} parameters; make it smaller")
    return built


def _architecture(run: Run) -> str:
    """Return a text that runs share if they differ in loss weights and in how often steps are made alone."""
    model = MODELS[run.model].resolve()
    free = getattr(model, "weight_options", frozenset()) | {"steps"}
    options = {key: value for key, value in run.options.items() if key not in free}
    family = getattr(model, "family", "") or run.model
    return repr(
        (
            family,
            getattr(model, "shared", False),
            run.network,
            run.latent_dim,
            run.likelihood,
            sorted(options.items()),
        )
    )


def plan_lines(
    runs: Sequence[Run], shape: tuple[int, ...], folder: Path, built: Mapping[str, BaseAE] | None = None
) -> list[PlanLine]:
    """Return one entry a run; architectures that `refuse_impossible` built are not built again."""
    built = built or {}
    lines: list[PlanLine] = []
    costs: dict[str, Cost] = {}
    for run in runs:
        if (key := _architecture(run)) not in costs:
            costs[key] = cost(partial(built.get, key) if key in built else partial(build, run, shape), shape)
        found, steps = costs[key], run.options.get("steps")
        repeats = tuple(n for n in steps if isinstance(n, int)) if isinstance(steps, list) else None
        per_image = found.training(repeats)
        images = run.training.train_images or DATASETS[run.dataset].train_images
        flops = per_image * images * run.training.epochs if images else None
        batches = -(-images // run.training.batch_size) if images else 0
        calls = found.called(repeats) * batches * run.training.epochs if images else None
        about = run.row, run.model, run.variant, run.dataset, run.seed
        measured = evaluation_flops(run.evaluation, found, DATASETS[run.dataset].train_images)
        lines.append(PlanLine(*about, found.parameters, str(folder / "runs" / run.id), flops, measured, calls))
    return lines


def evaluation_flops(settings: Evaluation, model: Cost, most: int | None) -> float:
    """Return the FLOPs of the model's passes in an evaluation: test images and those that codes are fitted to, samples
    of each sampler, importance samples, and chains, each transition a forward and a backward pass of the decoder for
    each leapfrog step. There are at most `most` images of a kind."""

    def images(n: int) -> int:
        return n if most is None else min(n, most)

    def wanted(*names: str) -> bool:
        return not settings.metrics or not set(names).isdisjoint(settings.metrics)

    shown = images(settings.images)
    encoded, decoded = shown + images(settings.gmm_images), shown * (2 + len(settings.samplers))
    if "likelihood" in model.capabilities and wanted("nll", "bits_per_dim"):
        decoded += images(settings.nll_images) * settings.nll_samples
    if "annealing" in settings.extras and "likelihood" in model.capabilities:
        schedule = settings.annealing or Annealing()
        bounds = wanted("nll_ais") + 2 * wanted("bdmc_lower", "bdmc_upper", "bdmc_gap")
        transitions = images(schedule.images) * schedule.chains * schedule.distributions
        decoded += 2 * bounds * transitions * schedule.leapfrog
    return encoded * model.encode + decoded * model.decode


def classifier_flops(settings: Evaluation, dataset: str, shape: tuple[int, ...]) -> float:
    """Return the FLOPs of training the scores' classifier, which is done once for a data set; 0 where none is."""
    entry, recipe = DATASETS[dataset], RECIPES[settings.score_classifier]
    if entry.classes is None or entry.train_images is None or entry.points or entry.attributes:
        return 0.0
    if "scores" not in settings.extras or min(shape[1:]) < 4:
        return 0.0
    with torch.device("meta"):
        network = ScoreClassifier((shape[0], shape[1], shape[2]), entry.classes)
    sides = [shape[1] * shape[2] // 4**i for i in range(2)]  # of the maps that the two convolutions give
    weights = [p.numel() for p in network.parameters() if p.ndim > 1]
    passes = 2 * sum(n * w for n, w in zip((*sides, 1, 1), weights, strict=True))
    return 3.0 * passes * entry.train_images * (1 + recipe.copies) * recipe.epochs


def describe(lines: list[PlanLine], suite: Suite, preset: PresetName) -> str:
    """Return the plan as text."""
    on_device = torch.cuda.is_available()
    rate, call = (DEVICE_RATE, DEVICE_CALL) if on_device else (CORE_RATE, CORE_CALL)
    head = f"{suite.title}: {len(lines)} runs on {DATASETS[suite.dataset].title}, preset {preset}"
    rows = [f"  {x.row:<20} {x.variant:<15} seed {x.seed} {x.parameters:>12,} parameters  {x.path}" for x in lines]
    once = classifier_flops(suite.presets[preset].evaluation, suite.dataset, image_shape(suite.dataset, suite.data))
    parts = {"evaluation": sum(line.evaluation_flops for line in lines)}
    parts |= {"the scores' classifier, once": once} if once else {}
    flops = [found for line in lines if (found := line.training_flops) is not None]
    if len(flops) == len(lines):
        parts = {"training": sum(flops)} | parts
    else:
        rows.append("training cost: known once the folder of images is read")
    seconds = {name: total / rate for name, total in parts.items()}
    if len(flops) == len(lines):
        seconds["training"] += call * sum(line.training_calls or 0 for line in lines)
    said = [f"{name}: {total / 1e15:.3g} PFLOP, {_minutes(seconds[name])}" for name, total in parts.items()]
    if len(flops) == len(lines):
        said.append(f"all: {_minutes(sum(seconds.values()))}")
    return "\n".join([head, *rows, f"{'; '.join(said)} on {'this accelerator' if on_device else 'one core'}"])


def _minutes(seconds: float) -> str:
    return f"roughly {max(1, round(seconds / 60)):,} min"
