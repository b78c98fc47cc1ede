"""TRACKERS: where else a run's epochs, measurements and pictures can go, all through Pythae's callback interface."""

import logging
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from pythae.models import BaseAEConfig
from pythae.trainers import BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback, rename_logs
from torch import Tensor

from bench.data.eight_bit import to_unit
from bench.errors import BadInput, unknown
from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.evaluate import Measurement
from bench.runs.train import settings_of
from bench.study.run import Run

log = logging.getLogger("bench")

SHOWN = 10  # images, as many as Pythae's trainer shows


class Tracker(NamedTuple):
    """The package that a tracker needs, and the callback that speaks to it: "module:class", made without arguments.

    Its `setup` takes the two configurations, then by name what it wants of `project_name`, `run_name` and `folder`.
    """

    package: str
    target: str


_PYTHAE = "pythae.trainers.training_callbacks"
TRACKERS: dict[str, Tracker] = {
    "tensorboard": Tracker("tensorboard", "bench.runs.tracking:TensorBoardCallback"),
    "wandb": Tracker("wandb", f"{_PYTHAE}:WandbCallback"),
    "mlflow": Tracker("mlflow", f"{_PYTHAE}:MLFlowCallback"),
    "comet": Tracker("comet_ml", f"{_PYTHAE}:CometCallback"),
}


def require(names: Iterable[str]) -> None:
    """Raise BadInput for a tracker that is not in TRACKERS or whose package is not installed."""
    for name in names:
        if name not in TRACKERS:
            raise unknown("tracker", name, TRACKERS)
        if find_spec(TRACKERS[name].package) is None:
            raise BadInput(
                f"--track {name} needs a package that is not installed: pip install {TRACKERS[name].package}"
            )


class Tracking(TrainingCallback):
    """Hands one run to trackers: each epoch as it ends, then what was measured and pictures; nothing comes back.

    A tracker that raises is left out of the rest of the run, with one line in the log "bench": a training is not lost
    with the network that it was watched over.
    """

    def __init__(self, names: Iterable[str], run: Run, folder: Path):
        self.run, self.folder, self.config, self.begun = run, folder, settings_of(run), False
        self.callbacks: dict[str, TrainingCallback] = {}
        for name in names:
            module, _, kind = TRACKERS[name].target.partition(":")
            self.callbacks[name] = getattr(import_module(module), kind)()

    def on_train_begin(
        self, training_config: BaseTrainerConfig, model_config: BaseAEConfig | None = None, **kwargs: object
    ) -> None:
        """Tell the trackers what begins: the configurations, and the run's name in a project named after its suite."""
        names = {"project_name": self.run.suite, "run_name": self.run.id, "folder": self.folder / "tensorboard"}
        self._tell("setup", training_config, model_config=model_config, **names)
        self.begun = True

    def on_log(self, training_config: BaseTrainerConfig, logs: Mapping[str, float | None], **kwargs: object) -> None:
        """Pass an epoch's losses on."""
        self._tell("on_log", training_config, logs, **kwargs)

    def evaluated(self, evaluation: Evaluation, measurements: Iterable[Measurement]) -> None:
        """Pass on what was measured, as "eval_NAME", and the first test images, reconstructions and samples."""
        if not self.callbacks:
            return
        if not self.begun:  # trained by an earlier call
            self.on_train_begin(self.config, evaluation.model.model_config)
        step = {"global_step": self.run.training.epochs}
        values = {f"eval_{_name(m)}": m.value for m in measurements if m.value is not None}
        self._tell("on_log", self.config, values, **step)
        pictures = {"true_data": _first(evaluation, "test_images"), "reconstructions": None, "generations": None}
        if "reconstruct" in evaluation.view.capabilities:
            pictures["reconstructions"] = _first(evaluation, "reconstructions", reconstruction="sample")
        if samplers := evaluation.samplers():
            pictures["generations"] = _first(evaluation, "samples", sampler=samplers[0])
        self._tell("on_prediction_step", self.config, **pictures, **step)

    def close(self) -> None:
        """End the run at the trackers, whatever became of it."""
        if self.begun:
            self._tell("on_train_end", self.config)

    def _tell(self, event: str, *arguments: object, **named: object) -> None:
        for name, callback in list(self.callbacks.items()):
            try:
                getattr(callback, event)(*arguments, **named)
            except Exception as error:
                del self.callbacks[name]
                log.warning("%s is no longer tracked by %s: %s: %s", self.run.id, name, type(error).__name__, error)


class TensorBoardCallback(TrainingCallback):
    """Writes losses, measurements and pictures for TensorBoard: `tensorboard --logdir runs/SUITE/runs`."""

    def setup(
        self,
        training_config: BaseTrainerConfig,
        model_config: BaseAEConfig | None = None,
        *,
        folder: Path,
        **kwargs: object,
    ) -> None:
        """Open the run's log in `folder`."""
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder))

    def on_log(self, training_config: BaseTrainerConfig, logs: Mapping[str, float | None], **kwargs: object) -> None:
        """Write numbers under the names that Pythae gives them: "train_epoch_loss" is train/epoch_loss."""
        for name, value in rename_logs(logs).items():
            if value is not None:
                self.writer.add_scalar(name, value, kwargs["global_step"])
        self.writer.flush()

    def on_prediction_step(self, training_config: BaseTrainerConfig, **kwargs: object) -> None:
        """Write the pictures [N, C, H, W] in [0, 1] that there are."""
        for name in ("true_data", "reconstructions", "generations"):
            if kwargs[name] is not None:
                self.writer.add_images(name, kwargs[name], kwargs["global_step"])

    def on_train_end(self, training_config: BaseTrainerConfig, **kwargs: object) -> None:
        """Close the log."""
        self.writer.close()


def _name(m: Measurement) -> str:
    """Return a measurement's name in letters that every tracker takes: "psnr/reconstruction-mean"."""
    return "/".join([m.metric, *m.setting.replace("=", "-").split(";")]).rstrip("/")


def _first(evaluation: Evaluation, array: str, **setting: str) -> Tensor:
    """Return the first images of an array of the evaluation, [N, C, H, W] in [0, 1]."""
    return torch.from_numpy(to_unit(evaluation.get(array, setting)[:SHOWN]))
