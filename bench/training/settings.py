"""The settings of a training: each one's name, default, bounds and meaning. Reads no torch."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

# Burda et al. 2016, Section 5: the rate is that at the start times 10^(-i/7) for 3^i epochs, i = 0 to 7.
_BURDA = {"milestones": [sum(3**j for j in range(i)) for i in range(1, 8)], "gamma": 10 ** (-1 / 7)}
Count = Annotated[int, Field(ge=1, le=10**6, strict=True)]  # of what time and memory grow with: above is a slip


class StepSettings(BaseModel):
    """How a step is taken, as far as Pythae's own configuration of a training has no field for it.

    labelled_batch_size  labelled images at the head of each batch of unlabelled ones (label -1), of which an epoch
                         passes once over the latter; None: one stream
    clip_norm            longest gradient of a step, over all its parameters: a longer one is shortened to it
    clip_value           largest size of an element of the gradient, after that
    precision            of the networks in training: "auto" is bfloat16 on an accelerator, float32 on a processor;
                         likelihoods, divergences, weights and optimisers are float32 always
    early_epsilon        see `adam_epsilon`
    capture              compile each step's forward and backward pass as one graph, which takes some seconds once a
                         training, and a C++ compiler on a processor
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    labelled_batch_size: int | None = Field(default=None, ge=1)
    clip_norm: float | None = Field(default=None, gt=0)
    clip_value: float | None = Field(default=None, gt=0)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    early_epsilon: bool = False
    capture: bool = False

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The longest gradient of a step, and then the largest element."""
        return self.clip_norm, self.clip_value


class Training(StepSettings):
    """How a model is trained: by an optimiser, with a learning rate that follows a schedule.

    learning_rate  the largest of the schedule "onecycle", the constant one, or the first of "burda" (its milestones)
    pct_start      the part of "onecycle" in which the rate rises
    optimizer      AdamW, or Adamax, as selfVAE has it
    adam_epsilon   added to the root of the second moment; `early_epsilon` says whether before that is corrected for its
                   start at zero, as Lasagne does, so that it weighs more in the first steps
    adam_beta1     decay of the optimiser's first moment; that of the second is 0.999
    augmentation   "flip-move": training images are flipped and moved by up to 2 pixels at random (selfVAE's code)
    train_images   the first so many of the training set; None: all
    """

    epochs: Count
    batch_size: int = Field(default=128, ge=2, le=10**6, strict=True)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    pct_start: float = Field(default=0.3, gt=0, lt=1)
    schedule: Literal["onecycle", "constant", "burda"] = "onecycle"
    optimizer: Literal["AdamW", "Adamax"] = "AdamW"
    augmentation: Literal["none", "flip-move"] = "none"
    adam_epsilon: float = Field(default=1e-8, gt=0)
    adam_beta1: float = Field(default=0.9, ge=0, lt=1)
    train_images: int | None = Field(default=None, ge=2)

    ALWAYS: ClassVar[frozenset[str]] = frozenset(
        {"epochs", "batch_size", "learning_rate", "weight_decay", "pct_start", "train_images"}
    )

    @model_validator(mode="after")
    def _read(self) -> Self:
        if self.schedule != "onecycle" and self.pct_start != Training.model_fields["pct_start"].default:
            raise ValueError(f"pct_start is of the schedule onecycle, and not of {self.schedule}")
        return self

    def identity(self) -> dict[str, JsonValue]:
        """Return what a run's folder depends on: the settings of `ALWAYS`, and others that are not the default."""
        own = set(Training.model_fields)
        chosen = self.model_dump(include=own, exclude_defaults=True).keys() | self.ALWAYS
        return self.model_dump(include=chosen)

    def pythae(self) -> dict[str, Any]:
        """Return the settings by the names that Pythae's configuration of a training has for them."""
        adam = {"weight_decay": self.weight_decay, "eps": self.adam_epsilon, "betas": (self.adam_beta1, 0.999)}
        scheduler, parameters = {
            "onecycle": ("OneCycleLR", {"pct_start": self.pct_start}),
            "constant": (None, {}),
            "burda": ("MultiStepLR", _BURDA),
        }[self.schedule]
        return {
            "num_epochs": self.epochs,
            "per_device_train_batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "optimizer_cls": self.optimizer,
            "optimizer_params": adam,
            "scheduler_cls": scheduler,
            "scheduler_params": parameters,
        }
