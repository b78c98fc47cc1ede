"""How a model is trained: a batch, named loss terms, their weights, and the steps that optimisers take in turn."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from pythae.models import BaseAE
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor, nn

from models.distributions.likelihoods import Likelihood
from models.networks.weight_norm import start_from_data
from models.noise import Noise


def as_float(images: Tensor) -> Tensor:
    """Return pixels in [0, 1]; uint8 is divided by 255."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images


class Batch(NamedTuple):
    """A minibatch: x [B, C, H, W] in [0, 1]; y [B], -1 where unlabelled, or None; indices [B] into the training set."""

    x: Tensor
    y: Tensor | None = None
    indices: Tensor | None = None
    dataset_size: int = 0


class Step(NamedTuple):
    """One optimiser's part of an update: the parameters it owns and its loss (a scalar) of (batch, generator)."""

    name: str
    parameters: list[nn.Parameter]
    loss: Callable[[Batch, Noise], Tensor]


class Phase(NamedTuple):
    """One kind of update: its name, the parts of the model that it moves (attributes; none: all of it), and the method
    of the model, `(batch, generator) -> named terms [B]`, that it minimises the weighted sum of."""

    name: str
    parts: tuple[str, ...]
    terms: Callable[[Batch, Noise], dict[str, Tensor]]


class Terms(NamedTuple):
    """What an objective computed for a batch: named per-sample terms [B], the codes [B, L] and p(x|z)."""

    losses: dict[str, Tensor]
    z: Tensor
    p_x: Likelihood


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float | Tensor]) -> Tensor:
    """Return the sum of the terms' means, each times its weight (1 where none is given): a scalar."""
    return torch.stack([weights.get(name, 1.0) * term.mean() for name, term in terms.items()]).sum()


class Stackable:
    """A model of which several can train in one batched step.

    `weight_options` names the fields of the configuration that `weights` alone reads: models that differ in nothing
    else train together, as do those of two classes with the same `family`.
    """

    named_parameters: Callable[[], Iterator[tuple[str, nn.Parameter]]]
    weight_options: frozenset[str] = frozenset()
    family: str = ""

    def weights(self, epoch: int) -> dict[str, float]:
        """Return the coefficients that differ from 1 in this epoch (counted from 1)."""
        return {}

    def weighed(self, weights: Mapping[str, Tensor]) -> AbstractContextManager[object]:
        """Return the context in which the terms are those of a model of these weights; here they are of any."""
        return nullcontext()

    def phases(self) -> tuple[Phase, ...]:
        """Return the kinds of update to make for each batch, in order, a repeated one as often as it is to be made."""
        raise NotImplementedError

    def owned(self, phase: Phase) -> dict[str, nn.Parameter]:
        """Return the parameters that a phase moves, by name."""
        named = self.named_parameters()
        return {name: p for name, p in named if not phase.parts or name.partition(".")[0] in phase.parts}


class Objective(Stackable):
    """A model that trains on named terms. A subclass writes `terms`, and `weights` where not all are 1.

    Pythae's `forward` and the single default step are derived here, once. A model that alternates names its `phases`.
    """

    parameters: Callable[[], Iterator[nn.Parameter]]

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        """Return the named, unreduced, unweighted loss terms of a batch."""
        raise NotImplementedError

    def loss(self, terms: dict[str, Tensor], epoch: int = 1) -> Tensor:
        """Return the mean over the batch of the weighted sum of terms: a scalar."""
        return weighted_sum(terms, self.weights(epoch))

    def losses(self, batch: Batch, generator: Noise = None) -> dict[str, Tensor]:
        """Return the terms of `terms` alone: what a model of one phase minimises."""
        return self.terms(batch, generator).losses

    def initialise_from_data(self, batch: Batch, generator: Noise = None) -> None:
        """Set the layers that start from data (`models.networks.weight_norm`) by a batch; others stay."""
        start_from_data(self, lambda: self.terms(batch, generator))  # type: ignore[arg-type]

    def phases(self) -> tuple[Phase, ...]:
        """Return one update of all parameters."""
        return (Phase("model", (), self.losses),)

    def steps(self, epoch: int = 1) -> tuple[Step, ...]:
        """Return the updates of `phases`, of which equal ones share an optimiser."""
        return tuple(self._step(phase, epoch) for phase in self.phases())

    def _step(self, phase: Phase, epoch: int) -> Step:
        def loss(batch: Batch, generator: Noise) -> Tensor:
            return self.loss(phase.terms(batch, generator), epoch)

        return Step(phase.name, list(self.owned(phase).values()), loss)

    def forward(self, inputs: dict[str, Any], **kwargs: Any) -> ModelOutput:
        """Pythae's interface: loss, terms, codes and images of a batch `{"data": x, "labels": y}`."""
        x = inputs["data"]
        batch = Batch(x, inputs.get("labels"), dataset_size=kwargs.get("dataset_size") or len(x))
        losses, z, p_x = self.terms(batch)
        return self.output(self.loss(losses, kwargs.get("epoch", 1)), x, Terms(losses, z, p_x))

    def output(self, loss: Tensor, x: Tensor, terms: Terms) -> ModelOutput:
        """Return Pythae's output for images x [B, C, H, W]: the loss, the terms' means, codes and images.

        `recon_loss` is the term "distortion" (of a chain "distortion_x"), and `reg_loss` the sum of all others,
        unweighted; without such a term they are -ln p(x|z) and what else the loss has.
        """
        means = {name: term.mean() for name, term in terms.losses.items()}
        others = dict(means)
        error = others.pop("distortion", others.pop("distortion_x", None))
        if error is None:
            error = -terms.p_x.log_prob(x).mean()
            others = {"rest": loss - error}
        rest = torch.stack([error.new_zeros(()), *others.values()]).sum()
        return ModelOutput(loss=loss, recon_loss=error, reg_loss=rest, recon_x=terms.p_x.mean, z=terms.z, **means)


def steps_of(model: BaseAE, epoch: int) -> tuple[Step, ...]:
    """Return the steps of a model in an epoch: its own, or for a stock one that along the loss of its `forward`."""
    if hasattr(model, "steps"):
        return model.steps(epoch)

    def loss(batch: Batch, generator: Noise) -> Tensor:
        inputs = {"data": batch.x, "labels": batch.y}
        return model(inputs, epoch=epoch, dataset_size=batch.dataset_size, uses_ddp=False).loss

    return (Step("model", list(model.parameters()), loss),)
