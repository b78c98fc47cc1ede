"""Each model under each of Pythae's trainers: every part follows its own loss, or a line says which trainer to take."""

from pathlib import Path
from typing import Any

import pytest
import torch
from every_model import EVERY_MODEL, SHAPE, build
from pythae import trainers as pythae
from pythae.data.datasets import BaseDataset
from pythae.pipelines import TrainingPipeline
from torch import Tensor

from models.interface.table import TRAINERS, entries
from models.interface.trainers import ADVERSARIAL
from models.training import Batch, steps_of

N = 12


def data() -> BaseDataset:
    return BaseDataset(torch.rand(N, *SHAPE, generator=torch.Generator().manual_seed(1)), torch.arange(N) % 3)


def trainer_of(model: Any, name: str, folder: Path) -> Any:
    """A trainer of Pythae's that is ready for a step."""
    config = getattr(pythae, f"{name}Config")(output_dir=str(folder), num_epochs=1, no_cuda=True)
    trainer = getattr(pythae, name)(model, data(), training_config=config)
    trainer.prepare_training()
    return trainer


def own_gradients(model: Any) -> dict[str, Tensor]:
    """The gradients of the steps that the model takes by itself, by the parameters' names."""
    torch.manual_seed(2)
    images = data()
    batch, names = Batch(images.data, images.labels, dataset_size=100), {id(p): n for n, p in model.named_parameters()}
    found = {}
    for step in steps_of(model, 1):
        trained = [p for p in step.parameters if p.requires_grad]
        gradients = torch.autograd.grad(step.loss(batch, None), trained, allow_unused=True)
        found |= {names[id(p)]: g for p, g in zip(trained, gradients, strict=True) if g is not None}
    return found


def cosines(own: dict[str, Tensor], theirs: dict[str, Tensor]) -> dict[str, float]:
    """The cosine of two gradients in each part of a model."""
    parts: dict[str, list[str]] = {}
    for name in own.keys() | theirs.keys():
        parts.setdefault(name.partition(".")[0], []).append(name)

    def flat(of: dict[str, Tensor], names: list[str]) -> Tensor:
        like = own | theirs
        return torch.cat([of.get(name, torch.zeros_like(like[name])).flatten() for name in sorted(names)]).double()

    return {
        part: float(torch.cosine_similarity(flat(own, names), flat(theirs, names), 0)) for part, names in parts.items()
    }


@pytest.mark.parametrize("trainer_name", TRAINERS)
@EVERY_MODEL
def test_every_part_follows_its_own_loss_under_each_trainer(name: str, trainer_name: str, tmp_path: Path) -> None:
    model = build(name).train()
    entry = entries(model)[trainer_name]
    if entry != "yes":
        with pytest.raises(AttributeError) as refused:
            trainer_of(model, trainer_name, tmp_path).train_step(1)
        assert str(refused.value).endswith(entry.removeprefix("no: "))
        assert "\n" not in str(refused.value)
        return
    own = own_gradients(model)
    trainer = trainer_of(model, trainer_name, tmp_path)
    for optimiser in (value for value in vars(trainer).values() if isinstance(value, torch.optim.Optimizer)):
        optimiser.param_groups[0]["lr"] = 0.0
    torch.manual_seed(2)
    inputs = {"data": data().data, "labels": data().labels}
    model.zero_grad()
    trainer._optimizers_step(model(inputs, epoch=1, dataset_size=100, uses_ddp=False))
    theirs = {key: p.grad for key, p in model.named_parameters() if p.grad is not None}
    found = cosines(own, theirs)
    assert min(found.values()) >= 0.999, found


@EVERY_MODEL
def test_pythaes_pipeline_takes_the_trainer_of_the_table(name: str) -> None:
    model = build(name)
    expected = entries(model)["TrainingPipeline"]
    assert type(TrainingPipeline(model).training_config).__name__ == f"{expected}Config"
    assert model.model_name == name
    assert hash(model.model_name) == hash(name)


def tied(name: str) -> Any:
    """A model of two networks of the user's own that have their weights in common."""
    model = build(name)
    encoder = model.encoder
    decoder = model.decoder
    decoder.beside = encoder.network
    return type(model)(model.model_config, encoder=encoder, decoder=decoder)


@pytest.mark.parametrize("name", ["BidirectionalAAE", "BidirectionalFactorVAE", "StockAAE", "StockFactorVAE"])
def test_a_shared_weight_is_stepped_once(name: str, tmp_path: Path) -> None:
    model = tied(name) if name.startswith("Stock") else build(name)
    config = pythae.AdversarialTrainerConfig(
        output_dir=str(tmp_path), no_cuda=True, autoencoder_optimizer_cls="SGD", autoencoder_learning_rate=1e-3
    )
    trainer = pythae.AdversarialTrainer(model, data(), training_config=config)
    trainer.prepare_training()
    assert {id(p) for p in model.encoder.parameters()} <= {id(p) for p in model.decoder.parameters()}
    before = {key: p.detach().clone() for key, p in model.encoder.named_parameters()}
    trainer.train_step(1)
    for key, p in model.encoder.named_parameters():
        if p.grad is not None:
            torch.testing.assert_close(p.detach(), before[key] - 1e-3 * p.grad)


def test_a_pair_of_the_users_own_has_shared_weights_stepped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[bool] = []
    monkeypatch.setattr("models.from_config.step_shared_weights_once", lambda: called.append(True))
    build("StockFactorVAE")
    assert not called
    tied("StockFactorVAE")
    assert called


def test_the_games_of_other_steps_than_one_each_are_refused() -> None:
    model = build("SymmetricVAE", steps=(2, 1)).train()
    with pytest.raises(ValueError, match=r"one step of each part a batch, not \(2, 1\)"):
        model({"data": data().data})
    assert model.trainers == ADVERSARIAL
