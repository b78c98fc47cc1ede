"""The trainer: epochs, curves, the best weights, and a state on disk to go on from."""

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from pythae.models import BaseAE
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import CallbackHandler, TrainingCallback
from torch import Tensor

from bench.system.memory import keep_freed_memory
from bench.training.checkpoint import Checkpoints, random_state, set_random_state
from bench.training.config import TrainerConfig, adopted
from bench.training.engine import SELECTION_SEED, Diverged, Engine, own_tensors
from bench.training.loader import ImageTensors, as_images
from bench.training.precision import set_precision
from bench.training.single import Single
from bench.training.stacked import Stacked
from models.capabilities import capable
from models.training import as_float

__all__ = ["Diverged", "ImageTensors", "Trainer", "TrainerConfig"]


class Trainer(BaseTrainer):
    """Pythae's trainer interface on an engine of its own, for one model or for several that train as one.

    Data are map-style data sets as Pythae takes them. Pythae's callbacks hear of all its events at their places;
    `steps_saving` and `steps_predict` of its configuration write and show the first model as in its best epoch so far.
    What it writes is in `output_dir` itself.

    Trains any Pythae model (`bench.training.single`), or models that differ in seed and in the weights of their loss
    terms alone, each with a configuration that differs in seed and learning rate alone (`bench.training.stacked`).
    After `train()` the models hold the weights of their best epochs (the last, without criterion or validation set),
    `histories` the curves, with the time divided by the number of models, and `diverged` the epoch in which a model's
    loss ceased to be finite, or None; the others train on. `model` and `history` are the first's.

    `checkpoints` names a folder in which states are kept while it trains: a trainer that finds a state of the same
    training there goes on from it, and ends with the weights it would have had without the interruption, to the bit
    on a processor with the same number of threads. Raises ValueError where the state is of another configuration, for
    models that cannot train as one, and for a training set smaller than two images; Diverged when no model is left
    whose loss is finite.
    """

    def __init__(
        self,
        model: BaseAE | Sequence[BaseAE],
        train_dataset: Any,
        eval_dataset: Any | None = None,
        training_config: BaseTrainerConfig | Sequence[BaseTrainerConfig] | None = None,
        callbacks: list[TrainingCallback] | None = None,
        checkpoints: Path | None = None,
    ):
        given = training_config or TrainerConfig()
        self.configs = [adopted(config) for config in (given if isinstance(given, Sequence) else [given])]
        self.models = list(model) if isinstance(model, Sequence) else [model]
        self.training_config, self.model = self.configs[0], self.models[0]
        use_gpu = torch.cuda.is_available() and not self.training_config.no_cuda
        self.device = "cuda" if use_gpu else "cpu"
        self.model_config, self.model_name = self.model.model_config, self.model.model_name
        self.train_dataset, self.eval_dataset = train_dataset, eval_dataset
        self.callbacks = callbacks or []
        self.distributed, self.rank, self.local_rank, self.world_size = False, -1, -1, -1
        self.training_dir: str | None = None
        self.checkpoints = None if checkpoints is None else Checkpoints(checkpoints)
        if len(train_dataset) < 2:
            raise ValueError(f"a training set of {len(train_dataset)} image(s) cannot train a model; give at least 2")

    @property
    def history(self) -> dict[str, list[float]]:
        """The curves of the (first) model: one entry an epoch."""
        return self.histories[0]

    def prepare_training(self) -> None:
        """Seed the noise, move model and data to the device, create one optimiser and schedule a step."""
        keep_freed_memory()
        self.callback_handler = CallbackHandler(callbacks=self.callbacks, model=self.model)
        self.engine = self._engine()
        self.train_loader = self.engine.loaders[0]
        batch = self.training_config.per_device_eval_batch_size
        self.eval_loader = None if self.eval_dataset is None else range(-(-len(self.eval_dataset) // batch))
        count = len(self.models)
        self.histories: list[dict[str, list[float]]] = [{} for _ in self.models]
        self.diverged: list[int | None] = [None] * count
        self._epoch, self._done, self._seconds = 1, 0, 0.0  # where training stands: the epoch, its batches, its time
        self._totals, self._count = torch.zeros(count, device=self.device), 0  # of the epoch's losses
        self._best = [float("inf")] * count
        self._kept: dict[str, Tensor] = {}  # of the best epochs, as `Engine.tensors`

    def _engine(self) -> Engine:
        data = as_images(self.train_dataset), as_images(self.eval_dataset, held=True)
        if len(self.models) > 1:
            return Stacked(self.models, *data, self.configs, self.device)
        return Single(self.model, *data, self.training_config, self.device)

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
            try:
                self._train_epoch(self._epoch)
            except Diverged:
                self.diverged = [at or self._epoch for at in self.diverged]
                raise
        for name, kept in self._kept.items():
            self.engine.tensors()[name].copy_(kept)
        self.engine.finish()
        if config.output_dir:
            self.training_dir = config.output_dir
            self.save_model(self.model, str(Path(config.output_dir) / "final_model"))
        handler.on_train_end(config)

    def train_step(self, epoch: int) -> list[float]:
        """Run (the rest of) an epoch; return each model's mean loss an image (of the last step, if there are more)."""
        engine, handler, config = self.engine, self.callback_handler, self.training_config
        handler.on_train_step_begin(config, train_loader=self.train_loader, epoch=epoch, rank=-1)
        engine.begin(epoch)
        started = time.perf_counter() - self._seconds
        positions = engine.positions()
        for index in engine.batches()[self._done :]:
            size = index.shape[1]
            self._totals += engine.step(index) * size
            self._count, self._done = self._count + size, self._done + 1
            handler.on_train_step_end(config)
            if self.checkpoints and self.checkpoints.due(epoch_ended=False):
                self._seconds = time.perf_counter() - started
                self.checkpoints.save(self._state(positions))
        means = [total / self._count for total in self._totals.tolist()]
        self.elapsed = time.perf_counter() - started
        self._done, self._seconds, self._count = 0, 0.0, 0
        self._totals.zero_()
        return means

    def eval_step(self, epoch: int) -> list[float] | None:
        """Return each model's selection loss over all validation images, with one noise for every epoch, if any."""
        handler, config = self.callback_handler, self.training_config
        if self.eval_loader is not None:
            handler.on_eval_step_begin(config, eval_loader=self.eval_loader, epoch=epoch, rank=-1)
        losses = self.engine.selection_losses()
        for _ in self.eval_loader or ():
            handler.on_eval_step_end(config)
        return None if losses is None else losses.tolist()

    def _train_epoch(self, epoch: int) -> None:
        config, handler, optimisers = self.training_config, self.callback_handler, self.engine.optimisers.values()
        loaders = {"train_loader": self.train_loader, "eval_loader": self.eval_loader}
        handler.on_epoch_begin(training_config=config, epoch=epoch, **loaders)
        train_losses = self.train_step(epoch)
        eval_losses = self.eval_step(epoch)
        watched = train_losses if eval_losses is None else eval_losses
        for place, losses in enumerate(zip(train_losses, watched, strict=True)):
            if not all(map(is_finite, losses)):
                self.diverged[place] = self.diverged[place] or epoch
        if all(self.diverged):
            raise Diverged(f"the loss of epoch {epoch} is not finite")
        rate = next(iter(optimisers)).learning_rate
        for optimiser in optimisers:
            optimiser.epoch_ended(sum(watched))
        self._record(epoch, train_losses, eval_losses, rate)
        if eval_losses is not None:
            self._keep_best(eval_losses)
        self._epoch = epoch + 1
        if self.checkpoints and self.checkpoints.due(epoch_ended=True):
            self.checkpoints.save(self._state(self.engine.positions()))
        if config.steps_predict and epoch % config.steps_predict == 0:
            kinds = ("true_data", "reconstructions", "generations")
            shown_images = dict(zip(kinds, self.predict(self._best_model()), strict=True))
            handler.on_prediction_step(config, **shown_images, global_step=epoch)
        handler.on_epoch_end(training_config=config)
        if config.output_dir and config.steps_saving and epoch % config.steps_saving == 0:
            self.save_checkpoint(self._best_model(), config.output_dir, epoch)
        shown = None if eval_losses is None else mean(eval_losses)
        logs = {"train_epoch_loss": mean(train_losses), "eval_epoch_loss": shown}
        logs |= {"epoch": epoch, "seconds": self.elapsed}
        handler.on_log(config, logs, logger=None, global_step=epoch, rank=-1)

    def predict(self, model: BaseAE) -> tuple[Tensor, Tensor, Tensor]:
        """Return up to ten images, of the validation set where there is one, their reconstructions, and as many new
        images, drawn from the model's prior (of bits, by their moments; without a prior, from codes of N(0, I))."""
        images = as_images(self.train_dataset if self.eval_dataset is None else self.eval_dataset)
        model = deepcopy(model).to(self.device).eval()
        x = as_float(images.data[torch.arange(min(10, len(images)))].to(self.device))
        view = capable(model)
        generator = torch.Generator(self.device).manual_seed(SELECTION_SEED)
        with torch.no_grad():
            if "bits" in view.capabilities:
                view.fit_sampler(x)
            codes = torch.randn(len(x), model.latent_dim, generator=generator, device=self.device)
            new = view.sample(len(x), generator) if hasattr(view, "sample") else view.decode(codes)
            return x.cpu(), view.reconstruct(x).cpu(), new.cpu()

    def save_checkpoint(self, model: BaseAE, dir_path: str, epoch: int) -> None:
        """Write a model, the configuration and the optimisers' states to `checkpoint_epoch_<epoch>` in a folder."""
        folder = Path(dir_path) / f"checkpoint_epoch_{epoch}"
        model.save(str(folder))
        self.training_config.save_json(str(folder), "training_config")
        states = {name: optimiser.state_dict() for name, optimiser in self.engine.optimisers.items()}
        torch.save(states, folder / "optimizer.pt")

    def _best_model(self) -> BaseAE:
        """Return a copy of the first model with the weights of its best epoch so far."""
        model = deepcopy(self.model)
        set_precision(model, None)
        for name, own in own_tensors(model).items():
            own.copy_((self._kept or self.engine.tensors())[name][0])
        return model

    def _record(self, epoch: int, train: list[float], validation: list[float] | None, rate: float) -> None:
        for place, history in enumerate(self.histories):
            own = rate * (self.configs[place].learning_rate / self.training_config.learning_rate)
            row = {"epoch": epoch, "train_loss": train[place], "learning_rate": own}
            row["seconds"] = self.elapsed / len(self.models)
            if validation is not None:
                row["validation_loss"] = validation[place]
            for key, value in row.items():
                history.setdefault(key, []).append(value)

    def _keep_best(self, losses: list[float]) -> None:
        tensors = self.engine.tensors()
        if not self._kept:
            self._kept = {name: tensor.clone() for name, tensor in tensors.items()}
        for place, loss in enumerate(losses):
            if loss < self._best[place]:
                self._best[place] = loss
                for name, tensor in tensors.items():
                    self._kept[name][place].copy_(tensor[place])

    def _identity(self) -> dict[str, str]:
        """Return what a state belongs to: the settings, the models, the images."""
        config = self.training_config
        settings = asdict(config) | config.steps.model_dump()
        settings |= {"seed": [own.seed for own in self.configs], "images": len(self.train_dataset)}
        if len(rates := [own.learning_rate for own in self.configs]) > 1 and len(set(rates)) > 1:
            settings["learning_rate"] = rates
        settings |= {"device": self.device, "model": [model.model_name for model in self.models]}
        settings["model_config"] = [model.model_config for model in self.models]
        return {key: repr(value) for key, value in settings.items() if key not in ("output_dir", "steps")}

    def _state(self, positions: list[dict[str, Tensor]]) -> dict[str, Any]:
        """Return all that the rest of the training depends on; `positions` are the loaders' at the epoch's start."""
        return {
            "identity": self._identity(),
            "progress": [self._epoch, self._done, self._seconds, self._count],
            "totals": self._totals,
            "histories": self.histories,
            "diverged": self.diverged,
            "best": self._best,
            "kept": self._kept,
            "engine": self.engine.state(positions),
            "random": random_state(),
        }

    def _load_state(self, state: dict[str, Any]) -> None:
        stored, own = state["identity"], self._identity()
        other = sorted(key for key in own.keys() | stored.keys() if own.get(key) != stored.get(key))
        if other:
            raise ValueError(f"the stored state is of another training: {', '.join(other)} differ; delete its folder")
        self._epoch, self._done, self._seconds, self._count = state["progress"]
        self._totals.copy_(state["totals"])
        self.histories, self.diverged, self._best = state["histories"], state["diverged"], state["best"]
        self._kept = {name: tensor.to(self.device) for name, tensor in state["kept"].items()}
        self.engine.load_state(state["engine"])
        set_random_state(state["random"])


def is_finite(value: float) -> bool:
    """Whether a loss is one: below 1e10 in size, and a number."""
    return abs(value) < 1e10


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)
