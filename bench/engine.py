"""The trainer: data resident on the device, one optimiser or several in turn, the best epoch by a fixed criterion."""

import time
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Any

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.models import BaseAE
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import CallbackHandler, TrainingCallback
from torch import Tensor
from torch.optim import lr_scheduler
from torch.utils.data import Dataset

from models.capabilities import capable
from models.training import Batch, Step, as_float

_FUSED = ("Adam", "AdamW", "SGD", "Adagrad")  # optimisers with a fused step on every device
SELECTION_SEED = 20_000  # the noise of the validation criterion: the same in every epoch, run and model


class Diverged(ArithmeticError):
    """A loss that is not finite; the message names the epoch."""


class ImageTensors(Dataset):
    """Images uint8 [N, C, H, W] (or float in [0, 1]) and labels [N], kept whole; Pythae's attribute names."""

    def __init__(self, data: Tensor, labels: Tensor):
        self.data, self.labels = data, labels

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"data": as_float(self.data[index]), "labels": self.labels[index]}


@dataclass(config=ConfigDict(extra="forbid"))
class TrainerConfig(BaseTrainerConfig):
    """Pythae's training settings with the study's defaults: AdamW, and OneCycleLR stepped per batch.

    BVAE names the optimiser and the schedule and no number; the defaults are ours. Unlike Pythae's, creating it
    changes no environment variable.
    """

    per_device_train_batch_size: int = 128
    per_device_eval_batch_size: int = 500
    num_epochs: int = 100
    learning_rate: float = 1e-3
    optimizer_cls: str = "AdamW"
    optimizer_params: dict | None = field(default_factory=lambda: {"weight_decay": 1e-4})
    scheduler_cls: str | None = "OneCycleLR"
    scheduler_params: dict | None = field(default_factory=lambda: {"pct_start": 0.3})
    seed: int = 0

    def __post_init__(self) -> None:
        self.name = type(self).__name__


class Trainer(BaseTrainer):
    """Pythae's trainer interface on an engine of its own.

    Trains any Pythae model: one of ours by its `steps`, a stock one by the loss of its `forward`. Each step has an
    optimiser and a schedule of its own, and a step's gradient reaches only the parameters that it owns. OneCycleLR is
    stepped per batch, any other schedule per epoch, as Pythae does. After `train()` the model holds the weights of
    the best epoch (the last, where there is no criterion or no validation set), `history` the curves.
    Raises Diverged when an epoch's loss is not finite, ValueError for a training set smaller than two images.
    """

    def __init__(
        self,
        model: BaseAE,
        train_dataset: Any,
        eval_dataset: Any | None = None,
        training_config: BaseTrainerConfig | None = None,
        callbacks: list[TrainingCallback] | None = None,
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
        self.history: dict[str, list[float]] = {}
        if len(train_dataset) < 2:
            raise ValueError(f"a training set of {len(train_dataset)} image(s) cannot train a model; give at least 2")

    def _setup_callbacks(self) -> None:
        self.callback_handler = CallbackHandler(callbacks=self.callbacks, model=self.model)

    def prepare_training(self) -> None:
        """Seed the noise, move the data to the device, create one optimiser and schedule a step."""
        config = self.training_config
        torch.manual_seed(config.seed)  # the noise of stock models comes from the global generator
        self.generator = torch.Generator(self.device).manual_seed(config.seed)
        self.order = torch.Generator().manual_seed(config.seed)  # on the CPU: one order on every device
        self._setup_callbacks()
        self._x = self.train_dataset.data.to(self.device)
        self._y = self.train_dataset.labels.to(self.device)
        batches = sum(1 for _ in self._indices(torch.arange(len(self._x))))
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.schedulers: dict[str, lr_scheduler.LRScheduler] = {}
        for step in self._steps(1):
            optimizer_class = getattr(torch.optim, config.optimizer_cls)
            options = ({"fused": True} if config.optimizer_cls in _FUSED else {}) | (config.optimizer_params or {})
            optimizer = optimizer_class(_distinct(step.parameters), lr=config.learning_rate, **options)
            self.optimizers[step.name] = optimizer
            if config.scheduler_cls is not None:
                options = config.scheduler_params or {}
                if config.scheduler_cls == "OneCycleLR":
                    steps = batches * config.num_epochs
                    options = {"max_lr": config.learning_rate, "total_steps": steps} | options
                self.schedulers[step.name] = getattr(lr_scheduler, config.scheduler_cls)(optimizer, **options)

    def _steps(self, epoch: int) -> tuple[Step, ...]:
        if hasattr(self.model, "steps"):
            return self.model.steps(epoch)

        def stock_loss(batch: Batch, generator: torch.Generator | None) -> Tensor:
            inputs = {"data": batch.x, "labels": batch.y}
            return self.model(inputs, epoch=epoch, dataset_size=batch.dataset_size, uses_ddp=False).loss

        return (Step("model", list(self.model.parameters()), stock_loss),)

    def _indices(self, order: Tensor) -> Iterator[Tensor]:
        """Cut an order into batches; a last batch of one image, of which no batch statistic exists, is left out."""
        parts = order.split(self.training_config.per_device_train_batch_size)
        return (part for part in parts if len(part) > 1)

    def _batches(self) -> Iterator[Batch]:
        """Yield the batches of one shuffled pass over all images."""
        order = torch.randperm(len(self._x), generator=self.order)
        for index in self._indices(order.to(self.device)):
            yield Batch(as_float(self._x[index]), self._y[index], index, len(self._x))

    def train_step(self, epoch: int) -> float:
        """Run one epoch and return its mean loss an image (of the last step, where there are several)."""
        self.model.train()
        steps = self._steps(epoch)
        total, count = torch.zeros((), device=self.device), 0
        for batch in self._batches():
            for step in steps:
                optimizer = self.optimizers[step.name]
                optimizer.zero_grad(set_to_none=True)
                loss = self._loss(step, batch, epoch)
                loss.backward(inputs=_distinct(step.parameters)) if len(steps) > 1 else loss.backward()
                optimizer.step()
                if isinstance(self.schedulers.get(step.name), lr_scheduler.OneCycleLR):
                    self.schedulers[step.name].step()
            total, count = total + loss.detach() * len(batch.x), count + len(batch.x)
        return float(total) / count

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
        generator = torch.Generator(self.device).manual_seed(SELECTION_SEED)
        assert self.eval_dataset is not None
        images = self.eval_dataset.data
        total = 0.0
        for part in images.split(self.training_config.per_device_eval_batch_size):
            loss = capable(self.model).selection_loss(as_float(part.to(self.device)), generator)
            if loss is None:
                return None
            total += float(loss.double().sum())
        return total / len(images)

    def train(self, log_output_dir: str | None = None) -> None:
        """Train for `num_epochs` and leave the best epoch's weights in the model."""
        self.prepare_training()
        config, handler = self.training_config, self.callback_handler
        handler.on_train_begin(training_config=config, model_config=self.model_config)
        best, best_state = float("inf"), None
        for epoch in range(1, config.num_epochs + 1):
            handler.on_epoch_begin(training_config=config, epoch=epoch, train_loader=None, eval_loader=None)
            started = time.perf_counter()
            train_loss = self.train_step(epoch)
            seconds = time.perf_counter() - started
            eval_loss = self.eval_step(epoch) if self.eval_dataset is not None else None
            if not _finite(train_loss) or (eval_loss is not None and not _finite(eval_loss)):
                raise Diverged(f"the loss of epoch {epoch} is not finite")
            rate = float(next(iter(self.optimizers.values())).param_groups[0]["lr"])
            for scheduler in self.schedulers.values():
                if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
                    scheduler.step(train_loss if eval_loss is None else eval_loss)
                elif not isinstance(scheduler, lr_scheduler.OneCycleLR):
                    scheduler.step()
            self._record(epoch, train_loss, eval_loss, rate, seconds)
            if eval_loss is not None and eval_loss < best:
                best, best_state = eval_loss, _copy_state(self.model)
            logs = {"train_epoch_loss": train_loss, "eval_epoch_loss": eval_loss, "epoch": epoch, "seconds": seconds}
            handler.on_log(config, logs, logger=None, global_step=epoch, rank=-1)
            handler.on_epoch_end(training_config=config)
        if best_state is not None:
            self.model.load_state_dict(best_state)
        self.model.eval()
        handler.on_train_end(config)
        if config.output_dir:
            self.training_dir = config.output_dir
            self.save_model(self.model, str(Path(config.output_dir) / "final_model"))

    def _record(self, epoch: int, train_loss: float, eval_loss: float | None, rate: float, seconds: float) -> None:
        row = {"epoch": epoch, "train_loss": train_loss, "learning_rate": rate, "seconds": seconds}
        if eval_loss is not None:
            row["validation_loss"] = eval_loss
        for key, value in row.items():
            self.history.setdefault(key, []).append(value)


def _distinct(parameters: list[torch.nn.Parameter]) -> list[torch.nn.Parameter]:
    """Return each tensor once: a shared weight takes one optimiser step."""
    return list({id(p): p for p in parameters}.values())


def _finite(value: float) -> bool:
    return abs(value) < 1e10


def _copy_state(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
