"""Which runs train together: those that can be stacked, where a measurement says that it is faster."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

import torch

from bench.data.places import cache_folder
from bench.runs.train import build, settings_of
from bench.storage import store
from bench.study.suite import Run, digest
from bench.system.provenance import processor
from bench.training.loader import ImageTensors
from bench.training.stacked import Together, stackable
from bench.training.trainer import Trainer
from models import MODELS
from models.networks.two_way import count_parameters
from models.training import Objective

Job = tuple[Run, ...]  # runs that one worker carries out, training them together where there are several
MOST = 12  # models in a group
MOST_PARAMETERS = 20_000_000  # of a group on a processor: larger models fill it alone
TIMED_STEPS = 6


def jobs(plan: Sequence[Run], todo: Sequence[Run], shape: tuple[int, ...]) -> list[Job]:
    """Cut the runs to do into jobs, the largest first.

    Groups are formed in the whole plan, so that what is finished already changes none: a run has the same companions,
    and hence the same numbers to the last bit, however often the suite was interrupted.
    """
    wanted = {run.id for run in todo}
    found: list[Job] = []
    for group in candidates(plan):
        members = tuple(run for run in group if run.id in wanted)
        if members:
            found += [group] if len(group) > 1 and faster_together(group, shape) else [(run,) for run in members]
    place = {run.id: i for i, run in enumerate(plan)}
    return sorted(found, key=lambda job: (-len(job), place[job[0].id]))


def candidates(plan: Sequence[Run]) -> list[Job]:
    """Cut a plan into the groups that could train together: of one architecture, at most 12 models each."""
    keyed = sorted(((key_of(run), i) for i, run in enumerate(plan)))
    groups: list[Job] = []
    for key, members in groupby(keyed, key=lambda pair: pair[0]):
        runs = [plan[i] for _, i in members]
        size = MOST if key else 1
        groups += [tuple(runs[i : i + size]) for i in range(0, len(runs), size)]
    return groups


def key_of(run: Run) -> str:
    """Return a text that runs share if they differ in the seed and in loss weights alone; empty for a model that
    cannot be stacked."""
    model = MODELS[run.model].resolve()
    if not issubclass(model, Objective) or run.data.get("pixels") == "dynamic":
        return ""
    options = {key: value for key, value in run.options.items() if key not in model.weight_options}
    settings = [
        model.family or run.model,
        run.dataset,
        run.data,
        run.network,
        run.latent_dim,
        run.likelihood,
        run.training,
        options,
    ]
    return json.dumps(settings, sort_keys=True)


def faster_together(group: Job, shape: tuple[int, ...]) -> bool:
    """Whether training a group together was measured to be faster here, with one thread (or on the accelerator).

    The measurement is made once for a group and machine and kept in the user's cache.
    """
    path = cache_folder() / "together.json"
    stored = store.read_json(path)
    known: dict[str, float] = stored if isinstance(stored, dict) else {}
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else processor()
    key = digest([key_of(group[0]), len(group), shape, device, torch.__version__])
    if key not in known:
        known[key] = round(measured_gain(group, shape), 3)
        with suppress(OSError):  # measured again next time
            store.write_json(path, known)
    return bool(known[key] > 1)


def measured_gain(group: Job, shape: tuple[int, ...]) -> float:
    """Return seconds of a step of all models one after another, over seconds together; 0 where that cannot be."""
    threads, noise = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    try:
        models = [build(run, shape) for run in group]
        if not all(stackable(models[0], model) for model in models):
            return 0.0
        if not torch.cuda.is_available() and sum(map(count_parameters, models)) > MOST_PARAMETERS:
            return 0.0
        labelled = group[0].training.get("labelled_batch_size", 0)
        n = labelled + TIMED_STEPS * group[0].training["batch_size"]
        images = torch.randint(0, 256, (n, *shape), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
        data = ImageTensors(images, torch.zeros(n, dtype=torch.long))
        data.labels[labelled:] = -1 if labelled else 0
        settings = [replace(settings_of(run), num_epochs=2) for run in group]
        together = Together(models, data, data, settings)
        together.prepare()
        alone = Trainer(build(group[0], shape), data, None, settings[0])
        alone.prepare_training()
        for _ in range(2):  # the first is not counted
            together.train_step()
            alone.train_step(1)
        return len(group) * alone.elapsed / together.elapsed
    except RuntimeError:  # the model does what cannot be batched
        return 0.0
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(noise)
