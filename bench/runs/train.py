"""From a run to a trained model on disk: configuration, weights, training alone or together, and what is stored."""

import logging
import shutil
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from pythae.models import BaseAE
from pythae.trainers.training_callbacks import TrainingCallback

from bench.data.types import ImageDataset, Split
from bench.errors import BadInput
from bench.storage import code_version, store
from bench.storage.data_version import data_key
from bench.study.schema import explain
from bench.study.suite import Run, digest
from bench.system import provenance
from bench.system.files import replace_folder
from bench.training.checkpoint import Checkpoints
from bench.training.config import TrainerConfig, trainer_config
from bench.training.loader import ImageTensors
from bench.training.trainer import Diverged, Trainer
from models import MODELS

log = logging.getLogger("bench")
Progress = Callable[[Run, str], None]  # (run, what it is doing now)


def configure(run: Run, shape: tuple[int, ...]) -> Any:
    """Return the configuration of a run's model; raises BadInput for an option that it does not have."""
    kind = MODELS[run.model].resolve().config_class
    given = {"input_dim": tuple(shape), "latent_dim": run.latent_dim, "network": run.network}
    if taken := (given.keys() | {"name", "uses_default_encoder", "uses_default_decoder"}) & run.options.keys():
        raise BadInput(f"options of {run.model}: {min(taken)} is none; rows and presets set it, or data do")
    options = {"reconstruction_loss": run.likelihood, **run.options}
    try:
        return kind(**given, **options)
    except ValidationError as error:
        raise explain(error, f"options of {run.model}", (f.name for f in fields(kind))) from None


def build(run: Run, shape: tuple[int, ...]) -> BaseAE:
    """Return the untrained model of a run; the seed is set before any weight is drawn."""
    torch.manual_seed(run.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Pythae's constructors warn of what our networks see to
        return MODELS[run.model].resolve()(configure(run, shape))


def settings_of(run: Run) -> TrainerConfig:
    """Return the trainer's settings for a run."""
    return trainer_config(run.training, run.seed)


def train_alone(
    run: Run, suite_folder: Path, data: ImageDataset, progress: Progress, tracking: TrainingCallback
) -> None:
    """Train a run's model and store it, going on from an earlier state where there is one; raises Diverged."""
    folder = suite_folder / "runs" / run.id
    progress(run, "training")
    diverged = _train([run], folder / "states", suite_folder, data, [_Announce([run], progress), tracking])
    if diverged:
        raise Diverged(diverged[run.id])


def train_together(group: Sequence[Run], suite_folder: Path, data: ImageDataset, progress: Progress) -> dict[str, str]:
    """Train those runs of a group that are not trained yet, as one, and store them; return why any diverged, by id.

    Which they are is written down before the first step, so that a group interrupted anywhere, also between two of
    its models being stored, goes on with the same members.
    """
    states = suite_folder / "runs" / f"together-{digest([run.id for run in group])}"
    chosen = store.read_json(states / "members.json")
    if chosen is None:
        chosen = [run.id for run in group if not _settled(suite_folder, run)]
        store.write_json(states / "members.json", chosen)
    runs = [run for run in group if run.id in chosen]
    if not runs or all(_settled(suite_folder, run) for run in runs):
        Checkpoints(states).clear()
        return {}
    return _train(runs, states, suite_folder, data, [_Announce(runs, progress)])


def try_together(
    group: Sequence[Run], suite_folder: Path, data: Callable[[], ImageDataset], progress: Progress
) -> dict[str, str]:
    """Do as `train_together`; what it fails of is said, and comes up again where each run is trained alone."""
    try:
        return train_together(group, suite_folder, data(), progress)
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        log.warning("%s: its group of %d is trained one by one (%s)", group[0].id, len(group), reason)
        return {}


def _train(
    runs: Sequence[Run], states: Path, suite_folder: Path, data: ImageDataset, callbacks: list[TrainingCallback]
) -> dict[str, str]:
    """Train runs, as one where there are several, and store those that are not yet; return why any diverged, by id."""
    began, first = _now(), runs[0]
    code = code_version.begin(states, first.model, (data_key(first.dataset, first.data), data.sha256))
    training, validation = _images(runs[0], data)
    models = [build(run, data.shape) for run in runs]
    trainer = Trainer(models, training, validation, [settings_of(run) for run in runs], callbacks, states)
    with suppress(Diverged):  # of all
        trainer.train()
    made = _made(began, data, together=len(runs)) | code
    reasons = {}
    for run, model, history, diverged in zip(runs, models, trainer.histories, trainer.diverged, strict=True):
        if diverged:
            reasons[run.id] = f"the loss of epoch {diverged} is not finite"
        elif not store.is_trained(suite_folder / "runs" / run.id):
            _store(suite_folder / "runs" / run.id, model, training, history, made)
    Checkpoints(states).clear()
    return reasons


def _settled(suite_folder: Path, run: Run) -> bool:
    """Whether a run's training has come to its end, good or bad."""
    return store.is_trained(suite_folder / "runs" / run.id) or store.status(suite_folder, run) == "diverged"


def _images(run: Run, data: ImageDataset) -> tuple[ImageTensors, ImageTensors]:
    def tensors(split: Split, limit: int | None, **how: bool) -> ImageTensors:
        return ImageTensors(torch.from_numpy(split.images[:limit]), torch.from_numpy(split.labels[:limit]), **how)

    how = {"dynamic": run.data.get("pixels") == "dynamic", "moved": run.training.augmentation == "flip-move"}
    return tensors(data.train, run.training.train_images, **how), tensors(data.validation, None)


def _store(
    folder: Path,
    model: BaseAE,
    training: ImageTensors,
    curves: Mapping[str, list[float]],
    made: Mapping[str, Any],
) -> None:
    """Write the model, with the sampler that it takes from the training images, then what says that it is whole."""
    if hasattr(model, "fit_sampler"):
        model.fit_sampler(training.data)
    partial = folder / "model.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        model.cpu().save(str(partial))
    except (OSError, RuntimeError) as error:  # of a full disk torch says "unexpected pos"; neither says where
        shutil.rmtree(partial, ignore_errors=True)
        raise OSError(f"{folder / 'model'} cannot be written: {' '.join(str(error).split())}") from error
    replace_folder(partial, folder / "model")
    store.seal(folder, "trained.json", {"curves": curves, "provenance": made})


def _made(began: str, data: ImageDataset, together: int) -> dict[str, Any]:
    """Return the provenance of a training; `together` is how many models trained as one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    collected = provenance.collect(torch.get_num_threads(), device)
    return collected | {"started": began, "data": about_data(data), "together": together}


def about_data(data: ImageDataset) -> dict[str, Any]:
    """Return which images there were, for the provenance of what was made of them."""
    sizes = {name: len(getattr(data, name)) for name in ("train", "validation", "test")}
    about = {"name": data.name, "sha256": data.sha256, "split_seed": data.split_seed, "note": data.note}
    return about | {"settings": dict(data.settings), "images": sizes}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class _Announce(TrainingCallback):
    """Tells the progress display of each epoch of runs that train as one."""

    def __init__(self, runs: Sequence[Run], progress: Progress):
        self.run, self.progress = runs[0], progress
        self.company = f" together with {len(runs) - 1} others" if len(runs) > 1 else ""

    def on_log(self, training_config: Any, logs: Mapping[str, Any], **kwargs: Any) -> None:
        loss = logs["eval_epoch_loss"] if logs["eval_epoch_loss"] is not None else logs["train_epoch_loss"]
        epoch = f"epoch {logs['epoch']}/{training_config.num_epochs}"
        self.progress(self.run, f"{epoch}  loss {loss:.2f}  {logs['seconds']:.3f} s{self.company}")
