"""Networks that follow losses of their own, all of one pass: what Pythae's trainers with several optimisers do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor, nn

from models.noise import Noise
from models.training import Batch, Step


class Route(NamedTuple):
    """Parameters and the loss, a scalar, whose gradient alone they follow."""

    parameters: list[nn.Parameter]
    loss: Tensor


def routed(routes: Sequence[Route]) -> Tensor:
    r"""Return the sum of the routes' losses, whose gradient in each parameter is that of its own route's loss.

    .. math:: \nabla_{\theta_i} = \partial L_i / \partial \theta_i

    Parameters of no route, and those that their loss does not reach, get no gradient at all, so that an optimiser
    leaves them as they are. Raises RuntimeError where no parameter is reached.
    """
    pulled = []
    for parameters, loss in routes:
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        pulled += [(p * g).sum() for p, g in zip(parameters, gradients, strict=True) if g is not None]
    slope = torch.stack(pulled).sum()
    value = torch.stack([loss.detach() for _, loss in routes]).sum()
    return slope + (value - slope).detach()


class Routed:
    """A model that says, for each batch, which of its networks follows which loss. One optimiser moves them all:

    with the same settings, and element-wise as Adam is, it takes the steps of one a network. Mixed into a Pythae
    class, whose `forward` it calls once a batch.
    """

    parameters: Callable[[], Iterator[nn.Parameter]]
    encoder: BaseEncoder
    decoder: BaseDecoder

    def routes(self, out: ModelOutput) -> list[Route]:
        """Return the routes of a batch, from what Pythae's `forward` gave for it."""
        raise NotImplementedError

    def steps(self, epoch: int = 1) -> tuple[Step, ...]:
        """Return one step over all parameters."""

        def loss(batch: Batch, generator: Noise) -> Tensor:
            inputs = {"data": batch.x, "labels": batch.y}
            out = self(inputs, epoch=epoch, dataset_size=batch.dataset_size, uses_ddp=False)  # type: ignore[operator]
            return routed(self.routes(out))

        return (Step("model", list(self.parameters()), loss),)


def owned(*networks: nn.Module) -> list[nn.Parameter]:
    """Return the trainable parameters of networks, a shared one once."""
    every: Iterable[nn.Parameter] = (p for network in networks for p in network.parameters() if p.requires_grad)
    return list({id(p): p for p in every}.values())
