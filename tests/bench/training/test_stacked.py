"""Several trainings as one: each model ends as it would have alone.

Tolerance: after a few epochs weights agree within 1e-5 absolute. The sums are the same in another order of summation,
so that each step differs in the last bits of float32.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from pythae.trainers.training_callbacks import TrainingCallback
from small_selfvae import chain

from bench.training import recorded
from bench.training.config import trainer_config
from bench.training.settings import Training
from bench.training.stacked import stackable
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS
from models.training import Stackable

SHAPE = (1, 8, 8)
TOLERANCE: dict[str, float] = {"rtol": 0.0, "atol": 1e-5}


@pytest.fixture(autouse=True)
def recorded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record the steps of these short trainings too."""
    monkeypatch.setattr(recorded, "WORTH", 0)


def images(n: int, seed: int = 0) -> ImageTensors:
    pixels = torch.randint(0, 256, (n, *SHAPE), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return ImageTensors(pixels, torch.arange(n) % 10)


def model_of(name: str, seed: int, norm: str = "bias", **options: Any) -> Any:
    torch.manual_seed(seed)
    kind = MODELS[name].resolve()
    network = {"channels": (4,), "strides": (2,), "hidden": (8,), "norm": norm}
    return kind(kind.config_class(input_dim=SHAPE, latent_dim=3, network=network, **options))


def settings(seed: int, **config: Any) -> TrainerConfig:
    defaults = {"num_epochs": 3, "per_device_train_batch_size": 16, "per_device_eval_batch_size": 6, "no_cuda": True}
    return TrainerConfig(**defaults | config, seed=seed)


def together_of(models: list[Any], seeds: list[int], states: Path | None = None, **config: Any) -> Trainer:
    return Trainer(models, images(40), images(10, seed=1), [settings(s, **config) for s in seeds], checkpoints=states)


@pytest.mark.parametrize("norm", ["bias", "batch"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("VAE", [{}, {}]),
        ("BidirectionalBetaVAE", [{"beta": 0.5}, {"beta": 1.5}]),
        ("BetaTCVAE", [{"beta": 0.5}, {"beta": 1.5}]),
        ("BidirectionalIWAE", [{}, {}]),
        ("StockVAE", [{}]),
        ("StockBetaVAE", [{"beta": 0.5}, {"beta": 1.5}]),
        ("StockBetaTCVAE", [{"beta": 1.5}, {"alpha": 0.5, "gamma": 2.0}]),
        ("StockIWAE", [{"number_samples": 3}]),
        ("StockMIWAE", [{}]),
        ("BidirectionalCIWAE", [{"beta": 0.3}, {"beta": 0.7}]),
        ("StockInfoVAE", [{"alpha": 0.25, "lbd": 1.0}, {"lbd": 2.0}]),
    ],
)
def test_together_equals_alone(name: str, options: list[dict[str, Any]], norm: str) -> None:
    members = [(seed, extra) for extra in options for seed in (0, 1)]
    group = together_of([model_of(name, s, norm, **extra) for s, extra in members], [s for s, _ in members])
    group.train()
    for (seed, extra), model, history in zip(members, group.models, group.histories, strict=True):
        alone = Trainer(model_of(name, seed, norm, **extra), images(40), images(10, seed=1), settings(seed))
        alone.train()
        for key, tensor in alone.model.state_dict().items():
            torch.testing.assert_close(model.state_dict()[key], tensor, **TOLERANCE)
        assert history["learning_rate"] == alone.history["learning_rate"]
        for key in ("train_loss", "validation_loss"):
            assert history[key] == pytest.approx(alone.history[key], rel=1e-5)


@pytest.mark.parametrize("config", [{}, {"scheduler_cls": None, "optimizer_cls": "Adamax"}])
def test_together_equals_alone_at_rates_of_their_own(config: dict[str, Any]) -> None:
    """AdamW with decay on the one-cycle schedule, and Adamax at a constant rate."""
    rates = (1e-3, 4e-3, 5e-4)
    own = [settings(0, learning_rate=rate, optimizer_params={"weight_decay": 0.1}, **config) for rate in rates]
    group = Trainer([model_of("VAE", 0) for _ in rates], images(40), images(10, seed=1), own)
    group.train()
    for of, model, history in zip(own, group.models, group.histories, strict=True):
        alone = Trainer(model_of("VAE", 0), images(40), images(10, seed=1), of)
        alone.train()
        for key, tensor in alone.model.state_dict().items():
            torch.testing.assert_close(model.state_dict()[key], tensor, **TOLERANCE)
        for key in ("train_loss", "validation_loss", "learning_rate"):
            assert history[key] == pytest.approx(alone.history[key], rel=1e-5)


def test_layers_that_start_from_data_do_so_by_each_models_own_images() -> None:
    """By gradient descent: of the smallest gradients Adam would make steps of nothing but rounding."""
    seeds, descent = [0, 1, 2], {"optimizer_cls": "SGD", "optimizer_params": {}, "learning_rate": 1e-3}
    group = together_of([chain() for _ in seeds], seeds, **descent)
    group.train()
    for seed, model, history in zip(seeds, group.models, group.histories, strict=True):
        alone = Trainer(chain(), images(40), images(10, seed=1), settings(seed, **descent))
        alone.train()
        for key, tensor in alone.model.state_dict().items():
            torch.testing.assert_close(model.state_dict()[key], tensor, **TOLERANCE)
        assert history["train_loss"] == pytest.approx(alone.history["train_loss"], rel=1e-5)


def test_runs_of_a_suite_train_together_at_rates_of_their_own() -> None:
    configs = [trainer_config(Training(epochs=1, batch_size=16, learning_rate=rate), 0) for rate in (1e-3, 4e-3)]
    group = Trainer([model_of("VAE", 0) for _ in configs], images(40), images(10, seed=1), configs)
    group.train()
    slow, fast = (history["learning_rate"][0] for history in group.histories)
    assert fast == pytest.approx(4 * slow)


def test_each_model_keeps_its_own_best_epoch() -> None:
    group = together_of([model_of("VAE", s) for s in (0, 1)], [0, 1], num_epochs=6, learning_rate=0.3)
    group.train()
    bests = [min(history["validation_loss"]) for history in group.histories]
    for model, best, seed in zip(group.models, bests, (0, 1), strict=True):
        trainer = Trainer(model, images(40), images(10, seed=1), settings(seed))
        trainer.prepare_training()
        assert trainer.eval_step(1) == pytest.approx([best], rel=1e-5)


def test_a_diverging_model_leaves_the_others_as_they_were() -> None:
    models = [model_of("BetaVAE", 0, beta=beta) for beta in (1.0, 1e38, 2.0)]
    group = together_of(models, [0, 0, 0])
    group.train()
    assert group.diverged == [None, 1, None]
    for place, beta in ((0, 1.0), (2, 2.0)):
        alone = Trainer(model_of("BetaVAE", 0, beta=beta), images(40), images(10, seed=1), settings(0))
        alone.train()
        for a, b in zip(alone.model.parameters(), group.models[place].parameters(), strict=True):
            torch.testing.assert_close(a, b, **TOLERANCE)


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_group_that_is_interrupted_ends_with_the_same_bits(epochs: int, tmp_path: Path) -> None:
    whole = together_of([model_of("BidirectionalVAE", s) for s in (0, 1)], [0, 1])
    whole.train()

    class Stop(TrainingCallback):
        def on_log(self, training_config: Any, logs: Any, **kwargs: Any) -> None:
            if logs["epoch"] == epochs + 1:
                raise KeyboardInterrupt

    broken = together_of([model_of("BidirectionalVAE", s) for s in (0, 1)], [0, 1], tmp_path)
    broken.callbacks = [Stop()]
    assert broken.checkpoints is not None
    broken.checkpoints.due = lambda *, epoch_ended: True  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    resumed = together_of([model_of("BidirectionalVAE", s) for s in (0, 1)], [0, 1], tmp_path)
    resumed.train()
    for a, b in zip(whole.models, resumed.models, strict=True):
        for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
            assert torch.equal(p, q)
    assert [h["train_loss"] for h in whole.histories] == [h["train_loss"] for h in resumed.histories]


def test_a_vae_trains_with_beta_vaes_as_alone() -> None:
    group = together_of([model_of("VAE", 0), model_of("BetaVAE", 1, beta=0.5)], [0, 1])
    group.train()
    alone = Trainer(model_of("VAE", 0), images(40), images(10, seed=1), settings(0))
    alone.train()
    for key, tensor in alone.model.state_dict().items():
        torch.testing.assert_close(group.models[0].state_dict()[key], tensor, **TOLERANCE)


def test_models_of_a_family_compute_the_same_terms() -> None:
    kinds = [entry.resolve() for entry in MODELS.values()]
    stacked = [kind for kind in kinds if issubclass(kind, Stackable)]
    for family in {kind.family for kind in stacked} - {""}:
        assert len({getattr(kind, "terms") for kind in stacked if kind.family == family}) == 1  # noqa: B009
    assert {kind.__name__ for kind in stacked if kind.family == "beta-VAE"} == {
        *("VAE", "BetaVAE", "BidirectionalVAE", "BidirectionalBetaVAE")
    }


def test_only_models_that_differ_in_loss_weights_stack() -> None:
    assert stackable(model_of("BetaVAE", 0, beta=1.0), model_of("BetaVAE", 1, beta=2.0))
    assert not stackable(model_of("VAE", 0), model_of("BidirectionalVAE", 0))
    assert not stackable(model_of("IWAE", 0, number_samples=2), model_of("IWAE", 0, number_samples=3))
    assert not stackable(model_of("BetaIWAE", 0, beta=1.0), model_of("BetaIWAE", 0, beta=2.0))  # beta is in the bound
    assert not stackable(model_of("BidirectionalVAE", 0), model_of("BidirectionalIWAE", 0))
    assert stackable(model_of("StockVAE", 0), model_of("StockVAE", 1))
    assert stackable(model_of("StockBetaVAE", 0, beta=1.0), model_of("StockBetaVAE", 1, beta=2.0))
    assert not stackable(model_of("StockDisentangledBetaVAE", 0), model_of("StockDisentangledBetaVAE", 1))


def test_other_settings_than_seed_and_rate_are_refused() -> None:
    models = [model_of("VAE", s) for s in (0, 1)]
    with pytest.raises(ValueError, match="rate alone"):
        Trainer(models, images(40), images(10), [settings(0), settings(1, num_epochs=4)]).train()
    with pytest.raises(ValueError, match="loss terms alone"):
        together_of([model_of("VAE", 0), model_of("BidirectionalVAE", 0)], [0, 1]).train()
