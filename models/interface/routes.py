"""Networks that follow losses of their own, all of one pass: what Pythae's trainers with several optimisers do."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from pythae.models import BaseAE
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor, nn

from models.noise import Noise
from models.training import Batch, Step


class Route(NamedTuple):
    """Parameters and the loss, a scalar, whose gradient alone they follow; `name` is what Pythae's trainers call it."""

    parameters: list[nn.Parameter]
    loss: Tensor
    name: str = ""


class _Followed(torch.autograd.Function):
    """A route's loss, whose gradient is computed when it is asked for and reaches the route's parameters alone."""

    @staticmethod
    def forward(context: Any, route: Route, *parameters: Tensor) -> Tensor:
        context.route = route
        return route.loss.detach().clone()

    @staticmethod
    def backward(context: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        parameters, loss, _ = context.route
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        return None, *(None if g is None else g * slope for g in gradients)


def followed(route: Route) -> Tensor:
    """Return a route's loss, whose gradient is that of its parameters and None in every other."""
    return _Followed.apply(route, *route.parameters) if route.loss.requires_grad else route.loss


def routed(routes: Sequence[Route]) -> Tensor:
    r"""Return the sum of the routes' losses, whose gradient in each parameter is that of its own route's loss.

    .. math:: \nabla_{\theta_i} = \partial L_i / \partial \theta_i

    Parameters of no route, and those that their loss does not reach, get no gradient at all, so that an optimiser
    leaves them as they are.
    """
    return torch.stack([followed(route) for route in routes]).sum()


def with_routes(out: ModelOutput, routes: Sequence[Route]) -> ModelOutput:
    """Return Pythae's output, of which the loss and each named one move the parameters of their routes alone.

    The values stay: so one optimiser moves every network rightly, as do several, each along the loss of its name.
    """
    out.loss = _moving(out.loss, routed(routes))
    for route in routes:
        out[route.name] = _moving(out[route.name], followed(route))
    return out


def _moving(value: Tensor, along: Tensor) -> Tensor:
    """Return a value with the gradient of another."""
    return value.detach() + (along - along.detach())


class Routed(BaseAE):
    """A model that says, for each batch, which of its networks follows which loss. One optimiser moves them all:

    with the same settings, and element-wise as Adam is, it takes the steps of one a network. Mixed into a Pythae
    class, whose `forward` it calls once a batch.
    """

    parameters: Callable[[], Iterator[nn.Parameter]]
    encoder: BaseEncoder
    decoder: BaseDecoder

    def routes(self, out: ModelOutput) -> list[Route]:
        """Return the routes of a batch, from what `passed` gave for it."""
        raise NotImplementedError

    def passed(self, inputs: Mapping[str, Tensor | None], **kwargs: int) -> ModelOutput:
        """Return what Pythae's own `forward` gives: losses whose gradients reach all networks."""
        return super().forward(inputs, **kwargs)

    def forward(self, inputs: Mapping[str, Tensor | None], **kwargs: int) -> ModelOutput:
        """Pythae's output, each loss of which moves its own network alone."""
        out = self.passed(inputs, **kwargs)
        return with_routes(out, self.routes(out))

    def steps(self, epoch: int = 1) -> tuple[Step, ...]:
        """Return one step over all parameters."""

        def loss(batch: Batch, generator: Noise) -> Tensor:
            inputs = {"data": batch.x, "labels": batch.y}
            out = self.passed(inputs, epoch=epoch, dataset_size=batch.dataset_size, uses_ddp=False)
            return routed(self.routes(out))

        return (Step("model", list(self.parameters()), loss),)


def owned(*networks: nn.Module) -> list[nn.Parameter]:
    """Return the trainable parameters of networks, a shared one once."""
    every: Iterable[nn.Parameter] = (p for network in networks for p in network.parameters() if p.requires_grad)
    return list({id(p): p for p in every}.values())
