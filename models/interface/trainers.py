"""Which of Pythae's trainers takes a model, how its pipeline finds that trainer, and the refusal of the others."""

from functools import cache
from typing import Any, Self

import torch
from pythae.models.base.base_utils import ModelOutput
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook

Trainers = tuple[str, ...]
BASE: Trainers = ("BaseTrainer",)
ADVERSARIAL: Trainers = ("AdversarialTrainer", "BaseTrainer")
COUPLED: Trainers = ("BaseTrainer", "CoupledOptimizerTrainer")
COUPLED_ADVERSARIAL: Trainers = ("CoupledOptimizerAdversarialTrainer", "BaseTrainer")
# Pythae's pipeline chooses a trainer by comparing a model's name with those of its own classes.
_PYTHAES_NAME = {ADVERSARIAL: "FactorVAE", COUPLED_ADVERSARIAL: "VAEGAN"}
_LOSSES = ("autoencoder_loss", "encoder_loss", "decoder_loss", "discriminator_loss", "update_encoder")


def trainers_of(kind: type) -> Trainers:
    """Return the trainers of Pythae's that take a class, as its `trainers` says: first the one of Pythae's pipeline."""
    return getattr(kind, "trainers", BASE)


class ModelName(str):
    """A model's name, which also equals that of the class of Pythae's whose trainer the model takes."""

    pythaes: str | None

    def __new__(cls, name: str, trainers: Trainers) -> Self:
        new = super().__new__(cls, name)
        new.pythaes = _PYTHAES_NAME.get(trainers)
        return new

    def __getnewargs__(self) -> tuple[str, Trainers]:  # type: ignore[override]
        return str(self), next((t for t, name in _PYTHAES_NAME.items() if name == self.pythaes), BASE)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) or (self.pythaes is not None and other == self.pythaes)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def refusal(name: str, trainers: Trainers) -> str:
    """Return the line by which a model refuses a trainer that it is not made for."""
    return f"{name} cannot be trained by this trainer: train it by Pythae's {' or '.join(trainers)}"


class Output(ModelOutput):
    """Pythae's output of a model. A trainer that looks for losses which the model has not meets its refusal.

    The coupled trainer would leave a discriminator as it is: it is known by asking for `update_encoder` without having
    asked for `discriminator_loss`.
    """

    _refusal, _seen = "", False

    @classmethod
    def of(cls, found: ModelOutput, name: str, trainers: Trainers) -> Self:
        """Return what a model's `forward` gave, to be read by the trainers of its list."""
        out = cls(found)
        guarded = ("update_encoder", "discriminator_loss") if trainers == COUPLED_ADVERSARIAL else ()
        for key in guarded:
            out.__dict__.pop(key, None)
        out.__dict__["_refusal"] = refusal(name, trainers)
        return out

    def __getattr__(self, name: str) -> Any:
        if name in self and (name != "update_encoder" or self._seen):
            self.__dict__["_seen"] = True
            return self[name]
        raise AttributeError(self._refusal if name in _LOSSES else f"the output has no {name!r}")


@cache
def step_shared_weights_once() -> None:
    """Have torch's optimisers step a tensor once where a group of theirs holds it twice.

    As it does when made of the parameters of an encoder and a decoder that are one network.
    """
    register_optimizer_step_pre_hook(_without_repeats)


def _without_repeats(optimiser: Optimizer, arguments: object, options: object) -> None:
    for group in optimiser.param_groups:
        unique: dict[int, torch.Tensor] = {id(parameter): parameter for parameter in group["params"]}
        if len(unique) < len(group["params"]):
            group["params"] = list(unique.values())
