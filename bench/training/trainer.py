"""The trainer: data resident on the device, one optimiser or several in turn, a state on disk to go on from."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from pythae.models import BaseAE
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import CallbackHandler, TrainingCallback
from torch import Tensor

from bench.system.memory import keep_freed_memory
from bench.training.checkpoint import Checkpoints, random_state, set_random_state
from bench.training.cuda_graph import Captured
from bench.training.data_init import initialise
from bench.training.loader import ImageTensors, Loader
from bench.training.optimisers import Optimiser, TrainerConfig, distinct
from bench.training.precision import chosen, set_precision
from models.capabilities import capable
from models.training import Batch, Step, as_float

__all__ = ["Diverged", "ImageTensors", "Trainer", "TrainerConfig"]

SELECTION_SEED = 20_000  # the noise of the validation criterion: the same in every epoch, run and model


class Diverged(ArithmeticError):
    """A loss that is not finite; the message names the epoch."""


class Trainer(BaseTrainer):
    """Pythae's trainer interface on an engine of its own.

    Trains any Pythae model: one of ours by its `steps`, a stock one by the loss of its `forward`. Each step has an
    optimiser and a schedule of its own, and a step's gradient reaches only the parameters that it owns. After
    `train()` the model holds the weights of the best epoch (the last, where there is no criterion or no validation
    set), `history` the curves.

    `checkpoints` names a folder in which states are kept while it trains: a trainer that finds a state of the same
    training there goes on from it, and ends with the weights it would have had without the interruption, to the bit
    on a processor with the same number of threads. Raises ValueError where the state is of another configuration, and
    for a training set smaller than two images; Diverged when an epoch's loss is not finite.
    """

    def __init__(
        self,
        model: BaseAE,
        train_dataset: Any,
        eval_dataset: Any | None = None,
        training_config: BaseTrainerConfig | None = None,
        callbacks: list[TrainingCallback] | None = None,
        checkpoints: Path | None = None,
    ):
        self.training_config = training_config or TrainerConfig()
        use_gpu = torch.cuda.is_available() and not self.training_config.no_cuda
        self.device = "cuda" if use_gpu else "cpu"
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.model.device = self.device
        self.model_config, self.model_name = model.model_config, model.model_name
        self.train_dataset, self.eval_dataset = train_dataset, eval_dataset
        self.train_loader = self.eval_loader = None
        self.callbacks = callbacks or []
        self.distributed, self.rank, self.local_rank, self.world_size = False, -1, -1, -1
        self.training_dir: str | None = None
        self.checkpoints = None if checkpoints is None else Checkpoints(checkpoints)
        if len(train_dataset) < 2:
            raise ValueError(f"a training set of {len(train_dataset)} image(s) cannot train a model; give at least 2")

    def _setup_callbacks(self) -> None:
        self.callback_handler = CallbackHandler(callbacks=self.callbacks, model=self.model)

    def prepare_training(self) -> None:
        """Seed the noise, move the data to the device, create one optimiser and schedule a step."""
        config = self.training_config
        keep_freed_memory()
        torch.manual_seed(config.seed)  # the noise of stock models comes from the global generator
        self.generator = torch.Generator(self.device).manual_seed(config.seed)
        self._setup_callbacks()
        if hasattr(self.model, "check_labels"):
            self.model.check_labels(self.train_dataset.labels)
        labelled = getattr(config, "labelled_batch_size", None)
        batch_size = config.per_device_train_batch_size
        self.loader = Loader(self.train_dataset, self.device, batch_size, config.seed, labelled)
        initialise(self.model, self.loader, config.seed)
        self._validation = None if self.eval_dataset is None else self.eval_dataset.data.to(self.device)
        names = Counter(step.name for step in steps_of(self.model, 1))  # a step made twice a batch has one optimiser
        self.optimisers = {
            step.name: Optimiser(step.parameters, config, len(self.loader) * names[step.name])
            for step in steps_of(self.model, 1)
        }
        self.history: dict[str, list[float]] = {}
        self._epoch, self._done, self._seconds = 1, 0, 0.0  # where training stands: the epoch, its batches, its time
        self._total, self._count = torch.zeros((), device=self.device), 0  # of the epoch's losses
        self._best = float("inf")
        self._best_state: dict[str, Tensor] = {}
        self._precision = chosen(getattr(config, "precision", "float32"), self.device)
        self._capture = getattr(config, "capture", False)
        self._in_precision = set_precision(self.model, self._precision, fused=self._capture)
        self._compiled: dict[int, Any] = {}  # by the place of the step

    def train_step(self, epoch: int) -> float:
        """Run (the rest of) an epoch and return its mean loss an image (of the last step, where there are several)."""
        self.model.train()
        updates = [self._update(place, step, epoch) for place, step in enumerate(steps_of(self.model, epoch))]
        started = time.perf_counter() - self._seconds
        position = self.loader.state_dict()
        for index in self.loader.epoch()[self._done :]:
            for optimiser, backward in updates:
                loss = backward(index)
                optimiser.step()
            self._total += loss * len(index)
            self._count, self._done = self._count + len(index), self._done + 1
            if self.checkpoints and self.checkpoints.due(epoch_ended=False):
                self._seconds = time.perf_counter() - started
                self.checkpoints.save(self._state(position))
        mean = float(self._total) / self._count
        self.elapsed = time.perf_counter() - started
        self._done, self._seconds, self._count = 0, 0.0, 0
        self._total.zero_()
        return mean

    def _update(self, place: int, step: Step, epoch: int) -> tuple[Optimiser, Callable[[Tensor], Tensor]]:
        """Return a step's optimiser, and the function of a batch's index that leaves its gradients for it."""
        owned = distinct(step.parameters)
        alone = len(owned) == len(list(self.model.parameters()))

        def backward(index: Tensor) -> Tensor:
            for parameter in owned:
                parameter.grad = None
            loss = self._loss(step, self.loader.batch(index, self.generator), epoch)
            with self._in_precision():
                loss.backward() if alone else loss.backward(inputs=owned)
            return loss.detach()

        optimiser = self.optimisers[step.name]
        if not self._capture:
            return optimiser, backward
        if self.device == "cuda":
            return optimiser, Captured(backward, owned, list(self.model.buffers()), self.generator)
        if place not in self._compiled:
            from bench.training.compiled import Compiled  # torch's compiler takes a second to import

            def step_of(model: BaseAE, epoch: Any) -> Step:
                return steps_of(model, epoch)[place]

            def batch_at(index: Tensor) -> Batch:
                return self.loader.batch(index, self.generator)

            length = self.loader.longest
            self._compiled[place] = Compiled(length, self.model, step_of, batch_at, self.generator, self._precision)
        return optimiser, partial(self._compiled[place], backward)

    def _loss(self, step: Step, batch: Batch, epoch: int) -> Tensor:
        try:
            return step.loss(batch, self.generator)
        except RuntimeError as error:  # torch refuses a cross-entropy of NaN, where others return NaN
            if "between 0 and 1" in str(error) and float(batch.x.min()) >= 0 and float(batch.x.max()) <= 1:
                raise Diverged(f"the loss of epoch {epoch} is not finite") from error
            raise

    @torch.no_grad()
    def eval_step(self, epoch: int) -> float | None:
        """Return the selection loss over all validation images, with one noise for every epoch; None without one."""
        self.model.eval()
        assert self._validation is not None
        generator = torch.Generator(self.device).manual_seed(SELECTION_SEED)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for part in self._validation.split(self.training_config.per_device_eval_batch_size):
            loss = capable(self.model).selection_loss(as_float(part), generator)
            if loss is None:
                return None
            total += loss.double().sum()
        return float(total) / len(self._validation)

    def train(self, log_output_dir: str | None = None) -> None:
        """Train up to `num_epochs` and leave the best epoch's weights in the model."""
        self.prepare_training()
        config, handler = self.training_config, self.callback_handler
        if self.checkpoints:
            state = self.checkpoints.load()
            if state is not None:
                self._load_state(state)
            self.checkpoints.begin()
        handler.on_train_begin(training_config=config, model_config=self.model_config)
        while self._epoch <= config.num_epochs:
            self._train_epoch(self._epoch)
        if self._best_state:
            copy_tensors(self._best_state, own_tensors(self.model))
        set_precision(self.model, None)
        self.model.eval()
        handler.on_train_end(config)
        if config.output_dir:
            self.training_dir = config.output_dir
            self.save_model(self.model, str(Path(config.output_dir) / "final_model"))

    def _train_epoch(self, epoch: int) -> None:
        config, handler = self.training_config, self.callback_handler
        handler.on_epoch_begin(training_config=config, epoch=epoch, train_loader=None, eval_loader=None)
        train_loss = self.train_step(epoch)
        eval_loss = self.eval_step(epoch) if self._validation is not None else None
        if not is_finite(train_loss) or (eval_loss is not None and not is_finite(eval_loss)):
            raise Diverged(f"the loss of epoch {epoch} is not finite")
        rate, seconds = next(iter(self.optimisers.values())).learning_rate, self.elapsed
        for optimiser in self.optimisers.values():
            optimiser.epoch_ended(train_loss if eval_loss is None else eval_loss)
        self._record(epoch, train_loss, eval_loss, rate, seconds)
        if eval_loss is not None and eval_loss < self._best:
            self._best = eval_loss
            self._best_state = copy_tensors(own_tensors(self.model), self._best_state)
        self._epoch = epoch + 1
        if self.checkpoints and self.checkpoints.due(epoch_ended=True):
            self.checkpoints.save(self._state(self.loader.state_dict()))
        logs = {"train_epoch_loss": train_loss, "eval_epoch_loss": eval_loss, "epoch": epoch, "seconds": seconds}
        handler.on_log(config, logs, logger=None, global_step=epoch, rank=-1)
        handler.on_epoch_end(training_config=config)

    def _record(self, epoch: int, train_loss: float, eval_loss: float | None, rate: float, seconds: float) -> None:
        row = {"epoch": epoch, "train_loss": train_loss, "learning_rate": rate, "seconds": seconds}
        if eval_loss is not None:
            row["validation_loss"] = eval_loss
        for key, value in row.items():
            self.history.setdefault(key, []).append(value)

    def _identity(self) -> dict[str, Any]:
        """Return what a state belongs to: the settings, the model, the images."""
        settings = {key: repr(value) for key, value in asdict(self.training_config).items() if key != "output_dir"}
        sizes = {"images": len(self.train_dataset), "device": self.device}
        return settings | sizes | {"model": self.model_name, "model_config": repr(self.model_config)}

    def _state(self, position: dict[str, Tensor]) -> dict[str, Any]:
        """Return all that the rest of the training depends on; `position` is the loader's at the epoch's start."""
        return {
            "identity": self._identity(),
            "epoch": self._epoch,
            "done": self._done,
            "seconds": self._seconds,
            "total": self._total,
            "count": self._count,
            "history": self.history,
            "model": own_tensors(self.model),
            "best": self._best,
            "best_model": self._best_state,
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "loader": position,
            "generator": self.generator.get_state(),
            "random": random_state(),
        }

    def _load_state(self, state: dict[str, Any]) -> None:
        stored, own = state["identity"], self._identity()
        other = sorted(key for key in own.keys() | stored.keys() if own.get(key) != stored.get(key))
        if other:
            raise ValueError(f"the stored state is of another training: {', '.join(other)} differ; delete its folder")
        self._epoch, self._done, self._seconds = state["epoch"], state["done"], state["seconds"]
        self._total.copy_(state["total"])
        self._count, self.history, self._best = state["count"], state["history"], state["best"]
        copy_tensors(state["model"], own_tensors(self.model))
        self._best_state = {name: tensor.to(self.device) for name, tensor in state["best_model"].items()}
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.loader.load_state_dict(state["loader"])
        self.generator.set_state(state["generator"])
        set_random_state(state["random"])


def steps_of(model: BaseAE, epoch: Any) -> tuple[Step, ...]:
    """Return the steps of a model in an epoch: its own, or for a stock one that along the loss of its `forward`."""
    if hasattr(model, "steps"):
        return model.steps(epoch)

    def stock_loss(batch: Batch, generator: Any) -> Tensor:
        inputs = {"data": batch.x, "labels": batch.y}
        return model(inputs, epoch=epoch, dataset_size=batch.dataset_size, uses_ddp=False).loss

    return (Step("model", list(model.parameters()), stock_loss),)


def is_finite(value: float) -> bool:
    """Whether a loss is one: below 1e10 in size, and a number."""
    return abs(value) < 1e10


def own_tensors(model: torch.nn.Module) -> dict[str, Tensor]:
    """Return a model's parameters and buffers by name, without their history; a shared tensor once."""
    return {name: t.detach() for name, t in chain(model.named_parameters(), model.named_buffers())}


def copy_tensors(source: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, Tensor]:
    """Overwrite the tensors of `target` by those of `source` and return them; an empty target is filled."""
    if not target:
        return {name: tensor.clone() for name, tensor in source.items()}
    for name, tensor in source.items():
        target[name].copy_(tensor)
    return target
