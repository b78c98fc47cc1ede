"""A training's settings: one default each, what a run's folder depends on, and Pythae's configuration made of them."""

import json

import pytest
from pydantic import ValidationError
from pythae.trainers import BaseTrainerConfig

from bench.training.config import TrainerConfig, adopted, trainer_config
from bench.training.settings import StepSettings, Training

OTHER = {  # than the default, and allowed
    "batch_size": 64,
    "learning_rate": 0.5,
    "weight_decay": 0.0,
    "pct_start": 0.2,
    "schedule": "burda",
    "adam_epsilon": 1e-4,
    "adam_beta1": 0.5,
    "early_epsilon": True,
    "optimizer": "Adamax",
    "augmentation": "flip-move",
    "train_images": 10,
    "labelled_batch_size": 8,
    "clip_norm": 5.0,
    "clip_value": 1.0,
    "precision": "bfloat16",
    "capture": True,
}


def test_no_setting_is_left_out_here() -> None:
    assert OTHER.keys() == Training.model_fields.keys() - {"epochs"}
    assert all(getattr(Training(epochs=3), name) != value for name, value in OTHER.items())


@pytest.mark.parametrize("name", OTHER)
def test_a_folder_depends_on_every_setting_that_is_not_the_default(name: str) -> None:
    plain = Training(epochs=3).identity()
    assert plain.keys() == Training.ALWAYS
    assert Training(epochs=3, **{name: OTHER[name]}).identity() == plain | {name: OTHER[name]}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"clip_norm": -1.0}, {"epoch": 3}, {"pct_start": 1.0}, {"schedule": "burda", "pct_start": 0.2}],
)
def test_wrong_values_and_names_are_refused(wrong: dict[str, float | str]) -> None:
    with pytest.raises(ValidationError):
        Training(**{"epochs": 3} | wrong)  # type: ignore[arg-type]


def test_settings_frozen_in_a_run_reach_pythaes_configuration() -> None:
    burda = {name: value for name, value in OTHER.items() if name != "pct_start"}
    config = trainer_config(Training(epochs=3, **burda), seed=4)  # type: ignore[arg-type]
    assert (config.num_epochs, config.per_device_train_batch_size, config.learning_rate, config.seed) == (3, 64, 0.5, 4)
    assert config.optimizer_params == {"weight_decay": 0.0, "eps": 1e-4, "betas": (0.5, 0.999)}
    assert (config.scheduler_cls, (config.scheduler_params or {})["milestones"][:3]) == ("MultiStepLR", [1, 4, 13])
    assert (config.steps.limits, config.steps.precision, config.steps.capture) == ((5.0, 1.0), "bfloat16", True)
    onecycle = trainer_config(Training(epochs=3, pct_start=0.2), seed=4)
    assert (onecycle.scheduler_cls, onecycle.scheduler_params) == ("OneCycleLR", {"pct_start": 0.2})


def test_a_configuration_written_as_json_comes_back() -> None:
    config = trainer_config(Training(epochs=3, clip_norm=5.0), seed=4)
    again = json.loads(config.to_json_string())
    assert again["steps"] == StepSettings(clip_norm=5.0).model_dump() and again["num_epochs"] == 3


def test_pythaes_own_configuration_trains_in_float32_with_its_own_defaults() -> None:
    config = adopted(BaseTrainerConfig(num_epochs=3))
    assert isinstance(config, TrainerConfig) and config.steps == StepSettings(precision="float32")
    assert (config.optimizer_cls, config.scheduler_cls, config.seed) == ("Adam", None, 8)
