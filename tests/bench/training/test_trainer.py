"""The trainer: its schedule, its steps, its order of images, and the epoch that it keeps."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from pythae import models as pythae
from pythae.data.datasets import BaseDataset
from pythae.trainers import BaseTrainer
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn

from bench.training.engine import SELECTION_SEED
from bench.training.trainer import Diverged, ImageTensors, Trainer, TrainerConfig
from models import MODELS
from models.capabilities import capable
from models.training import Batch, Step, steps_of

SHAPE = (1, 8, 8)
NETWORK = {"channels": (4,), "strides": (2,), "hidden": (8,)}


def images(n: int, seed: int = 0) -> ImageTensors:
    pixels = torch.randint(0, 256, (n, *SHAPE), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return ImageTensors(pixels, torch.arange(n) % 10)


def model_of(name: str, **options: Any) -> Any:
    torch.manual_seed(0)
    model_class = MODELS[name].resolve()
    return model_class(model_class.config_class(input_dim=SHAPE, latent_dim=3, network=NETWORK, **options))


def trainer_of(model: Any, n: int = 20, n_validation: int | None = 10, callbacks: Any = None, **config: Any) -> Trainer:
    settings = TrainerConfig(**{"per_device_train_batch_size": 8, "num_epochs": 2, "no_cuda": True, **config})
    validation = None if n_validation is None else images(n_validation, seed=1)
    return Trainer(model, images(n), validation, settings, callbacks)


class Toy(nn.Module):
    """The least that the trainer asks of a model: steps, and a selection loss that the test scripts."""

    capabilities: frozenset[str] = frozenset()
    epoch: Tensor
    model_name, model_config = "Toy", None

    def __init__(self, selection: list[float] | None = None):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
        self.register_buffer("epoch", torch.zeros(()))
        self.selection, self.seen = selection, []  # type: ignore[var-annotated]

    def _loss(self, batch: Batch, generator: torch.Generator | None) -> Tensor:
        self.seen.append(batch)
        return (self.a * self.b).sum() + batch.x.mean()

    def steps(self, epoch: int) -> tuple[Step, ...]:
        self.epoch.fill_(epoch)
        return (Step("all", list(self.parameters()), self._loss),)

    def selection_loss(self, x: Tensor, generator: torch.Generator | None) -> Tensor | None:
        return None if self.selection is None else torch.full((len(x),), self.selection[int(self.epoch) - 1])


class Rates(TrainingCallback):
    """Keeps the learning rate that each optimiser step is taken with."""

    def __init__(self) -> None:
        self.rates: list[float] = []

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        optimizer.register_step_pre_hook(lambda o, *_: self.rates.append(o.param_groups[0]["lr"]))


def after_preparing(trainer: Trainer, then: Callable[[], None]) -> None:
    """Have `then` called as soon as the trainer has made its optimisers."""
    prepare = trainer.prepare_training

    def prepared() -> None:
        prepare()
        then()

    trainer.prepare_training = prepared  # type: ignore[method-assign]


# Schedule and optimisers


def test_learning_rate_follows_one_cycle_per_batch() -> None:
    trainer, kept = trainer_of(Toy(), n=20, learning_rate=0.01, scheduler_params={"pct_start": 0.25}), Rates()
    after_preparing(trainer, lambda: kept.watch(trainer.engine.optimisers["all"].optimizer))
    trainer.train()
    reference = torch.optim.AdamW([nn.Parameter(torch.ones(1))], 0.01)
    cycle = torch.optim.lr_scheduler.OneCycleLR(reference, 0.01, total_steps=6, pct_start=0.25)
    expected = []
    for _ in range(6):  # two epochs of batches of 8, 8 and 4
        expected.append(reference.param_groups[0]["lr"])
        reference.step()
        cycle.step()
    assert kept.rates == expected


def test_optimiser_is_adamw_with_the_configured_decay() -> None:
    trainer = trainer_of(Toy(), optimizer_params={"weight_decay": 0.03})
    trainer.prepare_training()
    optimizer = next(iter(trainer.engine.optimisers.values())).optimizer
    assert isinstance(optimizer, torch.optim.AdamW)
    assert optimizer.param_groups[0]["weight_decay"] == 0.03


def test_a_shared_tensor_takes_one_optimiser_step_a_batch() -> None:
    trainer = trainer_of(model_of("BidirectionalVAE"), n=8, num_epochs=1)
    trainer.train()
    optimizer = next(iter(trainer.engine.optimisers.values())).optimizer
    parameters = optimizer.param_groups[0]["params"]
    assert len(parameters) == len({id(p) for p in parameters}) == len(list(trainer.model.parameters()))
    assert {int(state["step"]) for state in optimizer.state.values()} == {1}


def test_a_tensor_listed_twice_in_a_step_is_stepped_once() -> None:
    model = Toy()
    model.steps = lambda epoch: (Step("all", [model.a, model.b, model.a], model._loss),)  # type: ignore[method-assign]
    trainer = trainer_of(model, n=8, num_epochs=1)
    trainer.train()
    assert [int(state["step"]) for state in trainer.engine.optimisers["all"].optimizer.state.values()] == [1, 1]


def test_alternating_steps_reach_only_their_own_parameters() -> None:
    model = Toy()
    log: list[tuple[str, Tensor, Tensor]] = []

    def loss(name: str) -> Callable[[Batch, Any], Tensor]:
        def _loss(batch: Batch, generator: torch.Generator | None) -> Tensor:
            log.append((name, model.a.detach().clone(), model.b.detach().clone()))
            return (model.a * model.b).sum()

        return _loss

    model.steps = lambda epoch: (Step("a", [model.a], loss("a")), Step("b", [model.b], loss("b")))  # type: ignore[method-assign]
    trainer = trainer_of(model, n=8, num_epochs=1, learning_rate=0.1, optimizer_params=None)
    trainer.train()
    assert list(trainer.engine.optimisers) == ["a", "b"]
    (_, a0, b0), (_, a1, b1) = log  # before step a, and between the two
    assert not torch.equal(a0, a1)
    assert torch.equal(b0, b1)
    assert torch.equal(model.a.detach(), a1)  # step b left it
    assert not torch.equal(model.b.detach(), b1)
    assert torch.equal(model.b.grad, a1)  # type: ignore[arg-type]  # of step b alone, nothing accumulated from step a


def test_a_step_gets_no_gradient_of_another_steps_loss() -> None:
    model = Toy()
    steps = (
        Step("a", [model.a], lambda batch, generator: (model.a * model.b).sum()),
        Step("b", [model.b], lambda batch, generator: model.b.sum()),
    )
    model.steps = lambda epoch: steps  # type: ignore[method-assign]
    trainer = trainer_of(model, n=8, num_epochs=1)
    trainer.train()
    assert torch.equal(model.b.grad, torch.ones(3))  # type: ignore[arg-type]


# Which images, in which order


def test_every_image_is_visited_once_an_epoch_in_a_new_order() -> None:
    model = Toy()
    trainer = trainer_of(model, n=20)
    trainer.train()
    order = torch.cat([batch.indices for batch in model.seen if batch.indices is not None])
    first, second = order[:20], order[20:]
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(20))
    assert first.tolist() != second.tolist()


def test_batch_holds_the_images_labels_and_size_that_its_index_names() -> None:
    model = Toy()
    trainer = trainer_of(model, n=20, num_epochs=1)
    trainer.train()
    data = images(20)
    for batch in model.seen:
        assert torch.equal(batch.x, data.data[batch.indices].float() / 255)
        assert batch.y is not None and torch.equal(batch.y, data.labels[batch.indices])
        assert batch.dataset_size == 20


def test_a_last_batch_of_one_image_is_left_out() -> None:
    model = Toy()
    trainer = trainer_of(model, n=17, num_epochs=1)
    trainer.train()
    assert [len(batch.x) for batch in model.seen] == [8, 8]
    assert trainer.engine.optimisers["all"].schedule.total_steps == 2  # type: ignore[attr-defined]


def test_order_of_images_is_a_function_of_the_seed() -> None:
    def order(seed: int) -> list[int]:
        model = Toy()
        trainer_of(model, num_epochs=1, seed=seed).train()
        return torch.cat([batch.indices for batch in model.seen if batch.indices is not None]).tolist()

    assert order(0) == order(0) != order(1)


def test_training_set_of_one_image_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        trainer_of(Toy(), n=1)


# Selection


def test_the_best_epoch_is_kept() -> None:
    trainer = trainer_of(Toy([3.0, 1.0, 2.0]), num_epochs=3)
    trainer.train()
    assert trainer.history["validation_loss"] == [3.0, 1.0, 2.0]
    assert int(trainer.model.epoch) == 2


def test_the_best_weights_are_a_copy_that_later_epochs_do_not_change() -> None:
    short, long = trainer_of(Toy([1.0]), num_epochs=1), trainer_of(Toy([1.0, 2.0]), num_epochs=2, learning_rate=1e-3)
    after_preparing(short, lambda: _same_schedule(short, long.training_config.num_epochs))
    short.train()
    long.train()
    assert torch.equal(short.model.a, long.model.a)
    assert float(short.model.a.detach()[0]) != 1.0


def _same_schedule(trainer: Trainer, epochs: int) -> None:
    """Give a trainer the schedule of a longer training."""
    optimizer = next(iter(trainer.engine.optimisers.values())).optimizer
    trainer.engine.optimisers["all"].schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1e-3, total_steps=3 * epochs
    )


def test_a_model_without_criterion_keeps_its_last_epoch() -> None:
    trainer = trainer_of(Toy(None), num_epochs=3)
    trainer.train()
    assert int(trainer.model.epoch) == 3
    assert "validation_loss" not in trainer.history


def test_selection_criterion_is_the_mean_over_all_validation_images() -> None:
    model = model_of("VAE")
    trainer = trainer_of(model, n_validation=10, per_device_eval_batch_size=4)  # parts of 4, 4 and 2
    trainer.prepare_training()
    x = images(10, seed=1).data.float() / 255
    generator, losses = torch.Generator().manual_seed(SELECTION_SEED), []
    with torch.no_grad():
        for part in x.split(4):
            losses.append(capable(model.eval()).selection_loss(part, generator))
    assert trainer.eval_step(1) == pytest.approx([torch.cat(losses).double().mean().item()], rel=1e-12)


def test_selection_criterion_has_the_same_noise_in_every_epoch() -> None:
    trainer = trainer_of(model_of("BidirectionalVAE"))
    trainer.prepare_training()
    first = trainer.eval_step(1)
    torch.manual_seed(5)
    assert trainer.eval_step(2) == first


def test_validation_does_not_disturb_training() -> None:
    with_validation, without = (trainer_of(model_of("VAE"), n_validation=n, num_epochs=1) for n in (10, None))
    with_validation.train()
    without.train()
    for p, q in zip(with_validation.model.parameters(), without.model.parameters(), strict=True):
        assert torch.equal(p, q)


# Divergence


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30])
def test_a_training_loss_that_is_not_finite_diverges(bad: float) -> None:
    model = Toy()
    model._loss = lambda batch, generator: model.a.sum() * bad  # type: ignore[method-assign]
    with pytest.raises(Diverged, match="epoch 1"):
        trainer_of(model).train()


def test_a_validation_loss_that_is_not_finite_diverges() -> None:
    with pytest.raises(Diverged, match="epoch 2"):
        trainer_of(Toy([1.0, float("nan")])).train()


@pytest.mark.parametrize("name", ["VAE", "BidirectionalVAE", "StockVAE", "StockBetaTCVAE", "StockIWAE"])
def test_an_absurd_learning_rate_diverges_whatever_the_model(name: str) -> None:
    with pytest.raises(Diverged):
        trainer_of(model_of(name), n=100, learning_rate=1e12, num_epochs=3).train()


# Pythae's interface


class Log(TrainingCallback):
    """Notes which of Pythae's events came, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.logs: list[dict[str, Any]] = []

    def on_train_begin(self, training_config: Any, **kwargs: Any) -> None:
        self.events.append("train begin")

    def on_epoch_begin(self, training_config: Any, **kwargs: Any) -> None:
        self.events.append("epoch begin")

    def on_log(self, training_config: Any, logs: Any, **kwargs: Any) -> None:
        self.logs.append(logs)

    def on_epoch_end(self, training_config: Any, **kwargs: Any) -> None:
        self.events.append("epoch end")

    def on_train_end(self, training_config: Any, **kwargs: Any) -> None:
        self.events.append("train end")


def test_trainer_is_one_of_pythaes_and_calls_its_callbacks() -> None:
    log = Log()
    trainer = trainer_of(Toy([2.0, 1.0]), callbacks=[log])
    trainer.train()
    assert isinstance(trainer, BaseTrainer)
    assert log.events == ["train begin", *["epoch begin", "epoch end"] * 2, "train end"]
    assert [entry["eval_epoch_loss"] for entry in log.logs] == [2.0, 1.0]
    assert [entry["train_epoch_loss"] for entry in log.logs] == trainer.history["train_loss"]


def test_history_has_one_entry_an_epoch() -> None:
    trainer = trainer_of(Toy([2.0, 1.0]))
    trainer.train()
    assert set(trainer.history) == {"epoch", "train_loss", "validation_loss", "learning_rate", "seconds"}
    assert trainer.history["epoch"] == [1, 2]
    assert {len(values) for values in trainer.history.values()} == {2}


def test_a_stock_model_with_pythaes_own_networks_and_data_trains(tmp_path: Any) -> None:
    torch.manual_seed(0)
    model = pythae.VAE(pythae.VAEConfig(input_dim=SHAPE, latent_dim=2, reconstruction_loss="bce"))
    before = [p.detach().clone() for p in model.parameters()]
    data = BaseDataset(torch.full((32, *SHAPE), 0.1), torch.zeros(32))
    settings = TrainerConfig(
        output_dir=str(tmp_path), per_device_train_batch_size=8, num_epochs=5, learning_rate=0.01, no_cuda=True
    )
    trainer = Trainer(model, data, data, settings)
    trainer.train()
    assert trainer.history["validation_loss"][-1] < trainer.history["validation_loss"][0]
    assert all(not torch.equal(p, q) for p, q in zip(before, model.parameters(), strict=True))
    loaded = pythae.VAE.load_from_folder(str(tmp_path / "final_model"))
    assert torch.equal(loaded.encoder(data.data).embedding, model.encoder(data.data).embedding)


def test_a_stock_model_trains_by_its_own_loss() -> None:
    model = model_of("StockBetaVAE", beta=3.0)
    (step,) = steps_of(model, 1)
    batch = Batch(images(8).data.float() / 255, torch.zeros(8), torch.arange(8), 20)
    torch.manual_seed(1)
    loss = step.loss(batch, None)
    torch.manual_seed(1)
    assert torch.equal(loss, model({"data": batch.x}).loss)


def test_trainer_config_changes_no_environment_variable() -> None:
    before = dict(os.environ)
    config = TrainerConfig(num_epochs=3)
    assert dict(os.environ) == before
    assert (config.name, config.num_epochs, config.optimizer_cls) == ("TrainerConfig", 3, "AdamW")


def test_an_unknown_training_setting_is_refused() -> None:
    with pytest.raises((TypeError, ValidationError), match="weight_decay"):
        TrainerConfig(weight_decay=0.1)


def test_another_schedule_is_stepped_once_an_epoch() -> None:
    schedule: dict[str, Any] = {"scheduler_cls": "StepLR", "scheduler_params": {"step_size": 1, "gamma": 0.5}}
    trainer = trainer_of(Toy(), num_epochs=3, learning_rate=0.8, **schedule)
    trainer.train()
    assert trainer.history["learning_rate"] == [0.8, 0.4, 0.2]


def test_image_tensors_give_pythaes_items() -> None:
    item = images(3)[1]
    assert set(item) == {"data", "labels"}
    assert item["data"].dtype == torch.float32
    assert np.isclose(float(item["data"].max()) * 255 % 1, 0, atol=1e-4)
