"""Pythae's configuration of a training, with the study's defaults, and how the settings of a run become one."""

from dataclasses import asdict, field, fields
from typing import Any

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.trainers import BaseTrainerConfig

from bench.training.settings import StepSettings, Training

_DEFAULTS = Training(epochs=100).pythae()


@dataclass(config=ConfigDict(extra="forbid"))
class TrainerConfig(BaseTrainerConfig):
    """Pythae's training settings with the study's defaults: AdamW, and OneCycleLR stepped per batch.

    BVAE names the optimiser and the schedule and no number; the defaults are ours. Unlike Pythae's, creating it
    changes no environment variable. `steps` are the settings that Pythae has no field for.
    """

    per_device_train_batch_size: int = _DEFAULTS["per_device_train_batch_size"]
    per_device_eval_batch_size: int = 500
    num_epochs: int = _DEFAULTS["num_epochs"]
    learning_rate: float = _DEFAULTS["learning_rate"]
    optimizer_cls: str = _DEFAULTS["optimizer_cls"]
    optimizer_params: dict | None = field(default_factory=lambda: dict(_DEFAULTS["optimizer_params"]))
    scheduler_cls: str | None = _DEFAULTS["scheduler_cls"]
    scheduler_params: dict | None = field(default_factory=lambda: dict(_DEFAULTS["scheduler_params"]))
    seed: int = 0
    steps: StepSettings = StepSettings()

    def __post_init__(self) -> None:
        self.name = type(self).__name__

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return asdict(self) | {"steps": self.steps.model_dump(include=set(StepSettings.model_fields))}


def trainer_config(settings: Training, seed: int) -> TrainerConfig:
    """Return the configuration of the training with these settings that a seed begins."""
    return TrainerConfig(**settings.pythae(), seed=seed, steps=settings)


def adopted(config: BaseTrainerConfig) -> TrainerConfig:
    """Return a configuration as the trainer reads it: one of Pythae's own trains in float32."""
    if isinstance(config, TrainerConfig):
        return config
    own = {f.name: getattr(config, f.name) for f in fields(config) if f.init}
    return TrainerConfig(**own, steps=StepSettings(precision="float32"))
