"""Weight normalisation of several models at once is that of each, and its gradient is the function's."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from models.networks.weight_norm import _ScaledRows, normed


def rows(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    made = [torch.randn(size, generator=generator, dtype=torch.float64) for size in (shape, (shape[0], 1, 1, 1))]
    return made[0].requires_grad_(), made[1].requires_grad_()


def test_weights_are_gains_times_directions() -> None:
    direction, gain = rows(3, 2, 3, 3)
    weight, norm = _ScaledRows.apply(direction, gain)
    torch.testing.assert_close(norm.flatten(), direction.flatten(1).norm(dim=1))
    torch.testing.assert_close(weight, direction * (gain / norm))
    assert torch.autograd.gradcheck(lambda *given: _ScaledRows.apply(*given)[0], (direction, gain))


def test_what_models_share_counts_for_each() -> None:
    direction, gain = rows(3, 2, 3, 3)
    many = torch.stack([direction.detach(), 2 - direction.detach()])
    together = vmap(lambda given: _ScaledRows.apply(given, gain)[0])(many)
    for own, weight in zip(many, together, strict=True):
        torch.testing.assert_close(weight, _ScaledRows.apply(own, gain)[0])


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_several_models_at_once_have_the_weights_and_gradients_of_each(kind: type[nn.Conv2d]) -> None:
    torch.manual_seed(0)
    layers = [normed(kind(2, 3, 3, padding=1)).double() for _ in range(4)]
    for layer in layers:
        nn.init.normal_(layer.parametrizations.weight.original0)  # type: ignore[union-attr, operator]
    names = [name for name, _ in layers[0].named_parameters()]
    stacked = {name: torch.stack([layer.get_parameter(name).detach() for layer in layers]) for name in names}
    for tensor in stacked.values():
        tensor.requires_grad_()
    x = torch.randn(4, 5, 2, 6, 6, dtype=torch.float64)
    together = vmap(lambda tensors, x: functional_call(layers[0], tensors, x))(stacked, x)
    together.square().sum().backward()
    for place, layer in enumerate(layers):
        alone = layer(x[place])
        torch.testing.assert_close(together[place], alone)
        alone.square().sum().backward()
        for name in names:
            own, found = layer.get_parameter(name).grad, stacked[name].grad
            assert own is not None and found is not None
            torch.testing.assert_close(found[place], own)
