"""M2 and Untapped on the engine: two streams, alone and together, interrupted and resumed; from a preset to a run."""

from pathlib import Path
from typing import Any

import pytest
import torch

from bench.errors import BadInput
from bench.runs.groups import jobs, key_of
from bench.runs.train import build, settings_of
from bench.study.schema import Suite
from bench.study.suite import Run, expand
from bench.training.flops import training_cost
from bench.training.settings import StepSettings
from bench.training.stacked import stackable
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS
from models.training import Batch
from models.untapped.networks import PerceptronConfig

SHAPE = (1, 8, 8)
NAMES = ("M2", "Untapped", "BidirectionalM2", "BidirectionalUntapped")
NETWORK = {"labels": [6], "latent": [5], "image": [7, 8]}
TOLERANCE: dict[str, float] = {"rtol": 0.0, "atol": 1e-5}


def images(labelled: int = 12, unlabelled: int = 30) -> ImageTensors:
    n = labelled + unlabelled
    pixels = torch.randint(0, 2, (n, *SHAPE), generator=torch.Generator().manual_seed(0), dtype=torch.uint8) * 255
    labels = torch.arange(n) % 5
    labels[labelled:] = -1
    return ImageTensors(pixels, labels)


def model_of(name: str, seed: int, **options: Any) -> Any:
    torch.manual_seed(seed)
    kind = MODELS[name].resolve()
    return kind(kind.config_class(input_dim=SHAPE, network=NETWORK, **options))


def settings(seed: int, **config: Any) -> TrainerConfig:
    defaults = {
        "num_epochs": 3,
        "per_device_train_batch_size": 10,
        "learning_rate": 1e-2,
        "optimizer_params": {"weight_decay": 0, "eps": 1e-4},
        "scheduler_cls": None,
        "no_cuda": True,
        "steps": StepSettings(labelled_batch_size=8, clip_norm=5.0, clip_value=1.0),
    }
    return TrainerConfig(**defaults | config, seed=seed)


def alone(name: str, seed: int, states: Path | None = None, **options: Any) -> Trainer:
    return Trainer(model_of(name, seed, **options), images(), images(), settings(seed), checkpoints=states)


@pytest.mark.parametrize("options", [{"setting": "as-paper"}, {"setting": "as-code"}, {"unlabelled": "sum"}], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_trials_together_equal_trials_alone(name: str, options: dict[str, Any]) -> None:
    members = [(0, 10.0), (1, 10.0), (1, 3.0)]  # seeds, and a weight of the loss
    models = [model_of(name, seed, **options, alpha_f_d=weight) for seed, weight in members]
    group = Trainer(models, images(), images(), [settings(seed) for seed, _ in members])
    group.train()
    for (seed, weight), model, history in zip(members, group.models, group.histories, strict=True):
        trainer = alone(name, seed, **options, alpha_f_d=weight)
        trainer.train()
        for key, tensor in trainer.model.state_dict().items():
            torch.testing.assert_close(model.state_dict()[key], tensor, **TOLERANCE)
        assert history["train_loss"] == pytest.approx(trainer.history["train_loss"], rel=1e-5)
        assert history["learning_rate"] == [1e-2] * 3
        assert "validation_loss" not in history  # the last epoch is kept


def test_an_interrupted_training_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = alone("Untapped", 0)
    whole.train()
    broken = alone("Untapped", 0, tmp_path)
    assert broken.checkpoints is not None
    broken.checkpoints.due = lambda *, epoch_ended: True  # type: ignore[method-assign]
    step, made = broken.model.loss, [0]

    def loss(*arguments: Any) -> Any:
        made[0] += 1
        if made[0] == 5:  # inside the second epoch
            raise KeyboardInterrupt
        return step(*arguments)

    broken.model.loss = loss
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    resumed = alone("Untapped", 0, tmp_path)
    resumed.train()
    assert made == [5]
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_training_lowers_the_loss_and_learns_the_labels() -> None:
    data = images(labelled=40, unlabelled=40)
    trainer = Trainer(model_of("Untapped", 0), data, None, settings(0, num_epochs=40))
    trainer.train()
    losses = trainer.history["train_loss"]
    assert losses[-1] < losses[0] - 20
    predicted = trainer.model.predict_label(data.data[:40].float() / 255)
    assert float((predicted == data.labels[:40]).float().mean()) > 0.9


@pytest.mark.parametrize("labels", [torch.full((42,), -1), torch.arange(42)])
def test_labels_that_cannot_serve_stop_a_training_before_it_starts(labels: torch.Tensor) -> None:
    data = ImageTensors(images().data, labels)
    with pytest.raises(ValueError, match="labels"):
        Trainer(model_of("M2", 0), data, None, settings(0)).train()
    with pytest.raises(ValueError, match="labels"):
        Trainer([model_of("M2", s) for s in (0, 1)], data, data, [settings(s) for s in (0, 1)]).train()


def test_models_of_other_settings_do_not_stack() -> None:
    assert stackable(model_of("Untapped", 0), model_of("Untapped", 1, alpha_r_d=0.3))
    assert not stackable(model_of("Untapped", 0), model_of("Untapped", 0, setting="as-code"))
    assert not stackable(model_of("M2", 0), model_of("Untapped", 0))
    assert not stackable(model_of("M2", 0), model_of("M2", 0, unlabelled="sum"))


def test_the_last_sample_of_an_odd_batch_is_served() -> None:
    model = model_of("Untapped", 0)
    data = images(2, 1)
    terms = model.terms(Batch(data.data.float() / 255, data.labels)).losses
    assert terms["reverse"].shape == (1,)


PRESET: dict[str, Any] = {"latent_dim": 2, "epochs": 2, "batch_size": 10, "network": {"image": [7, 8]}}
SPECIAL: dict[str, Any] = {
    "schedule": "constant",
    "adam_epsilon": 1e-4,
    "clip_norm": 5.0,
    "clip_value": 1.0,
    "labelled_batch_size": 8,
}


def runs_of(variants: tuple[str, ...] = ("unidirectional",), **preset: Any) -> list[Run]:
    rows = [{"row": "M2", "model": "M2", "variants": variants}]
    suite = {"title": "t", "dataset": "digits", "rows": rows, "presets": {"small": PRESET | preset}}
    return expand(Suite.model_validate(suite), "t", "small", seeds=[0, 1], shape=SHAPE)


def test_a_preset_reaches_the_trainer() -> None:
    config = settings_of(runs_of(**SPECIAL)[0])
    assert (config.scheduler_cls, config.steps.clip_norm, config.steps.clip_value) == (None, 5.0, 1.0)
    assert config.optimizer_params == {"weight_decay": 1e-4, "eps": 1e-4, "betas": (0.9, 0.999)}
    assert config.steps.labelled_batch_size == 8


def test_a_setting_enters_a_runs_identity_only_where_it_is_not_the_default() -> None:
    plain = runs_of()[0].training.identity()
    assert not SPECIAL.keys() & plain.keys()
    assert runs_of(**SPECIAL)[0].training.identity() == plain | SPECIAL


def test_the_network_of_a_row_is_its_models_own_kind() -> None:
    one, both = (run for run in runs_of(("unidirectional", "bidirectional")) if run.seed == 0)
    assert one.network == both.network == PerceptronConfig(labels=(50, 50), latent=(10, 10), image=(7, 8))
    assert type(build(both, SHAPE)).__name__ == "BidirectionalM2"
    with pytest.raises(BadInput, match="network"):
        runs_of(network={"channels": [4]})
    with pytest.raises(BadInput, match="M2 has no control"):
        runs_of(("control",))


@pytest.mark.parametrize("setting", ["as-paper", "as-code"])
def test_the_cost_of_a_training_is_counted_through_all_networks(setting: str) -> None:
    kind = MODELS["Untapped"].resolve()
    config = kind.config_class(input_dim=SHAPE, network=NETWORK, setting=setting)
    _, flops = training_cost(lambda: kind(config), SHAPE)
    encoder = 64 * 6 + 6 * 10 + (64 + 10) * 5 + 5 * 2 * 2
    decoder = 12 * 7 + 7 * 8 + 8 * 64
    passes = 6 * 1.5  # forward and backward, twice a multiplication; half as many pairs as images
    assert flops == pytest.approx(passes * (encoder + decoder), rel=0.3)


def test_trials_train_together() -> None:
    group = tuple(runs_of(**SPECIAL))
    assert key_of(group[0]) == key_of(group[1]) != ""
    assert jobs(group, group, SHAPE, stack=True) == [group]
