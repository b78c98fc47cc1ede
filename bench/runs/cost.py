"""What a suite would cost, before anything is trained."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from bench.data import DATASETS, image_shape
from bench.errors import BadInput
from bench.runs.train import build, configure
from bench.study.run import Run
from bench.study.schema import Suite
from bench.training.flops import training_cost
from models.networks.two_way import count_parameters, shapes_alone

MOST_PARAMETERS = 10**10  # 40 GB of weights
CORE_RATE = 5e10  # FLOP/s that training sustains on one processor core, roughly
DEVICE_RATE = 2e13  # and on an accelerator


class PlanLine(NamedTuple):
    """What a run is, its parameters, its folder and the FLOPs of its training, None where they follow from the data."""

    row: str
    model: str
    variant: str
    dataset: str
    seed: int
    parameters: int
    path: str
    training_flops: float | None


def refuse_impossible(runs: Sequence[Run], shape: tuple[int, ...]) -> None:
    """Raise BadInput for the first run whose data settings, options or networks cannot be; reads nothing."""
    seen = set()
    for run in runs:
        key = repr((run.model, run.network, run.latent_dim, run.options, run.likelihood, run.dataset, run.data))
        if key in seen:
            continue
        seen.add(key)
        image_shape(run.dataset, run.data)
        configure(run, shape)
        try:
            with shapes_alone():
                parameters = count_parameters(build(run, shape))
        except (ValueError, RuntimeError, TypeError, OverflowError) as error:
            reason = " ".join(str(error).split())
            raise BadInput(f"row {run.row!r}: its network cannot be built for images {list(shape)}: {reason}") from None
        if parameters > MOST_PARAMETERS:
            raise BadInput(f"row {run.row!r}: its network would have {parameters:,} parameters; make it smaller")


def plan_lines(runs: Sequence[Run], shape: tuple[int, ...], folder: Path) -> list[PlanLine]:
    """Return one entry a run."""
    lines: list[PlanLine] = []
    costs: dict[str, tuple[int, float]] = {}
    for run in runs:
        key = repr((run.model, run.network, run.latent_dim, run.options))
        if key not in costs:
            costs[key] = training_cost(partial(build, run, shape), shape)
        parameters, per_image = costs[key]
        images = run.training.train_images or DATASETS[run.dataset].train_images
        flops = per_image * images * run.training.epochs if images else None
        about = run.row, run.model, run.variant, run.dataset, run.seed
        lines.append(PlanLine(*about, parameters, str(folder / "runs" / run.id), flops))
    return lines


def describe(lines: list[PlanLine], suite: Suite, preset: str) -> str:
    """Return the plan as text."""
    rate, what = (DEVICE_RATE, "this accelerator") if torch.cuda.is_available() else (CORE_RATE, "one core")
    head = f"{suite.title}: {len(lines)} runs on {DATASETS[suite.dataset].title}, preset {preset}"
    rows = [f"  {x.row:<20} {x.variant:<15} seed {x.seed} {x.parameters:>12,} parameters  {x.path}" for x in lines]
    flops = [found for line in lines if (found := line.training_flops) is not None]
    if len(flops) < len(lines):
        return "\n".join([head, *rows, "training cost: known once the folder of images is read"])
    total = sum(flops)
    cost = f"training: {total / 1e15:.3g} PFLOP, roughly {total / rate / 3600:.2g} hours on {what}; evaluation extra"
    return "\n".join([head, *rows, cost])
