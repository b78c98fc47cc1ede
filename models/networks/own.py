"""A two-way network of the user's own, for a model of one network: what it must be, checked before it is taken."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from models.networks.linear import TwoWay, Way

_LINEAR, _ADJOINT = 1e-5, 1e-3  # relative errors that pass for rounding


def checked(own: TwoWay, shape: tuple[int, ...]) -> TwoWay:
    r"""Return a network of the user's own if it runs both ways, between inputs of `shape` and `out_shape`.

    .. math:: \langle f(x) - f(0), y \rangle = \langle x, r(y) - r(0) \rangle

    Results have the shapes that it states, and each weight of two axes or more moves those of both directions. The
    equation holds for every affine part: a `TwoWay` without another inside, f its forward pass and r its reverse. A
    part that is not affine is not asked for it. The network and torch's generator stay as they are. Raises ValueError.
    """
    twin = deepcopy(own).eval().requires_grad_()
    parts = [part for part in twin.modules() if isinstance(part, TwoWay)]
    for part in parts:
        if not (hasattr(part, "in_shape") and hasattr(part, "out_shape")):
            raise ValueError(f"{type(part).__name__} does not say its in_shape and out_shape, as a TwoWay does")
    if tuple(own.in_shape) != tuple(shape):
        raise ValueError(f"the model needs a network of inputs {tuple(shape)}, not {tuple(own.in_shape)}")
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        _check_weights(twin)
        for part in parts:
            if not any(isinstance(inner, TwoWay) for inner in list(part.modules())[1:]):
                _check_adjoint(part)
    return own


def _draw(part: TwoWay, way: Way) -> Tensor:
    """Return two inputs of a direction, in the type of the weights."""
    shape = part.in_shape if way == "forward" else part.out_shape
    return torch.randn(2, *shape).to(next(part.parameters(), torch.empty(0)))


def _run(part: TwoWay, way: Way, x: Tensor) -> Tensor:
    """Return the result of a direction for a batch."""
    name, shape = f"the {way} pass of {type(part).__name__}", part.out_shape if way == "forward" else part.in_shape
    try:
        y = part(x.clone()) if way == "forward" else part.reverse(x.clone())
    except Exception as error:
        why, *_ = str(error).splitlines() or [type(error).__name__]
        raise ValueError(f"{name} fails for {tuple(x.shape)}: {why}") from error
    if not isinstance(y, Tensor) or y.shape != (len(x), *shape):
        found = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        raise ValueError(f"{name} gives {found} for {tuple(x.shape)}, not {(len(x), *shape)}")
    return y


def _check_weights(own: nn.Module) -> None:
    """Raise ValueError for a weight that only one direction has."""
    assert isinstance(own, TwoWay)
    weights = {key: p for key, p in own.named_parameters() if p.ndim > 1}
    ways: tuple[Way, ...] = ("forward", "reverse")
    for way in ways:
        x = _draw(own, way).requires_grad_()  # so that the result has a gradient, though no weight moves it
        y = _run(own, way, x)
        if not y.requires_grad:
            raise ValueError(f"the {way} pass of {type(own).__name__} cuts the gradient")
        slopes = torch.autograd.grad(y.sum(), list(weights.values()), allow_unused=True) if weights else ()
        for key, slope in zip(weights, slopes, strict=True):
            if slope is None:
                raise ValueError(f"{key} of {type(own).__name__} is not in its {way} pass: weights run both ways")


def _check_adjoint(part: TwoWay) -> None:
    """Raise ValueError where both directions are affine and not adjoint."""
    x, y = _draw(part, "forward").requires_grad_(), _draw(part, "reverse")
    if x.is_meta:  # a network without memory, built for its shapes alone
        return
    forward, back = _linear(part, "forward", x), _linear(part, "reverse", y)
    if forward is None or back is None:
        return
    (adjoint,) = torch.autograd.grad((forward * y).sum(), x)
    if (adjoint - back).norm() > _ADJOINT * max(adjoint.norm(), back.norm()):
        raise ValueError(f"the reverse pass of {type(part).__name__} is not the adjoint of its forward pass")


def _linear(part: TwoWay, way: Way, x: Tensor) -> Tensor | None:
    """Return the linear part of a direction for a batch, or None if it is not affine."""
    other, start = _draw(part, way), _run(part, way, torch.zeros_like(x))
    of_x, of_other, of_both = (_run(part, way, inputs) - start for inputs in (x, other, x + other))
    rest = (of_both - of_x - of_other).norm()
    return of_x if rest <= _LINEAR * (of_x.norm() + of_other.norm()) else None
