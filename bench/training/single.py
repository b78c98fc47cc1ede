"""One model in training, step by step as it says."""

import torch
from pythae.models import BaseAE
from torch import Tensor

from bench.training.config import TrainerConfig
from bench.training.engine import SELECTION_SEED, Diverged, Engine, initialise, own_tensors
from bench.training.loader import ImageTensors
from bench.training.precision import chosen, set_precision
from bench.training.traced import Traced
from models.capabilities import capable
from models.training import Batch, Step, as_float, steps_of

KNOWN = ("models", "pythae")  # whose models keep nothing from step to step but tensors, in modules (the tests' say)


class Single(Engine):
    """Takes the steps of any Pythae model: one of ours by its `steps`, a stock one by the loss of its `forward`.

    A step's gradient reaches only the parameters that it owns. Raises Diverged where torch refuses a loss that is not
    finite.
    """

    def __init__(
        self,
        model: BaseAE,
        training: ImageTensors,
        validation: ImageTensors | None,
        config: TrainerConfig,
        device: str,
    ):
        torch.manual_seed(config.seed)  # the noise of stock models comes from the global generator
        self.model = model.to(device, memory_format=torch.channels_last)
        super().__init__([model], training, validation, [config], device)
        model.device = device
        (self.loader,), (self.generator,) = self.loaders, self.generators
        initialise(model, self.loader, config.seed)
        self.make_optimisers([(step.name, step.parameters) for step in steps_of(model, 1)])
        precision = chosen(config.steps.precision, device)
        set_precision(model, precision)
        self._epoch, self._steps = 1, steps_of(model, 1)
        capture, own = config.steps.capture, type(model).__module__.partition(".")[0] in KNOWN
        about = (self.passes, self.model, self.loader, self.generator, precision, capture)
        programs = len(self._steps) if capture or (own and self.long_enough) else 0
        self._traced = [Traced(place, *about) for place in range(programs)]

    def begin(self, epoch: int) -> None:
        self.model.train()
        self._epoch, self._steps = epoch, steps_of(self.model, epoch)

    def step(self, index: Tensor) -> Tensor:
        (row,) = index
        for place, step in enumerate(self._steps):
            loss = self._traced[place](step, row) if self._traced else self.passes(step, row)
            self.optimisers[step.name].step()
        return loss[None]

    def passes(self, step: Step, index: Tensor) -> Tensor:
        """Take the forward and backward pass of a step on a batch; return the loss, and leave its gradients."""
        owned = self.optimisers[step.name].parameters
        for parameter in owned:
            parameter.grad = None
        loss = self._loss(step, self.loader.batch(index, self.generator))
        if len(owned) == len(list(self.model.parameters())):
            loss.backward()
        else:
            loss.backward(inputs=owned)
        return loss.detach()

    def _loss(self, step: Step, batch: Batch) -> Tensor:
        try:
            return step.loss(batch, self.generator)
        except RuntimeError as error:  # torch refuses a cross-entropy of NaN, where others return NaN
            if "between 0 and 1" in str(error) and float(batch.x.min()) >= 0 and float(batch.x.max()) <= 1:
                raise Diverged(f"the loss of epoch {self._epoch} is not finite") from error
            raise

    @torch.no_grad()
    def selection_losses(self) -> Tensor | None:
        if self.validation is None:
            return None
        self.model.eval()
        generator = torch.Generator(self.device).manual_seed(SELECTION_SEED)
        total = torch.zeros(1, dtype=torch.float64, device=self.device)
        for part in self.validation.split(self.config.per_device_eval_batch_size):
            loss = capable(self.model).selection_loss(as_float(part), generator)
            if loss is None:
                return None
            total += loss.double().sum()
        return total / len(self.validation)

    def tensors(self) -> dict[str, Tensor]:
        return {name: tensor[None] for name, tensor in own_tensors(self.model).items()}

    def finish(self) -> None:
        set_precision(self.model, None)
        self.model.eval()
