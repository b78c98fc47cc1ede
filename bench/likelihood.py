"""Importance-weighted estimates of the log-likelihood, per image."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from pythae.models import BaseAE
from torch import Tensor

from models.capabilities import Posterior, capable
from models.interface.importance import Density, importance_nll
from models.training import as_float

__all__ = ["Density", "Posterior", "neg_elbo", "nll", "rows_at_once"]

# Pixels decoded at once, so that memory does not grow with K. On a processor about as many as its cache holds the
# activations of: 255 MNIST images, where decoding 2,000 takes up to 1.5 times as long each (ResNet, one core).
_PIXELS_AT_ONCE = 200_000
_PIXELS_AT_ONCE_ON_ACCELERATOR = 8_000_000


@torch.no_grad()
def nll(model: BaseAE, x: Tensor, k: int, *, generator: torch.Generator | None = None) -> Tensor:
    r"""Estimate the negative log-likelihood of each image by importance sampling from the posterior.

    .. math:: -\ln p(x) \approx -\ln \frac1K \sum_{k=1}^K \frac{p(x|z_k) \, p(z_k)}{q(z_k|x)}, \quad z_k \sim q(z|x)

    Source: Eq. 8 of Burda et al. 2016; its expectation is an upper bound on the exact value and tightens with K.
    The encoder runs once an image; the sum is accumulated in log space, chunk by chunk.

    x          [N, C, H, W] in [0, 1], on the model's device; uint8 is divided by 255
    k          number of samples, used exactly
    generator  of the samples, on x's device
    Returns nats [N] (float64). Works for Pythae models with a Gaussian posterior, a standard normal (or the model's
    own) prior and a Bernoulli or Gaussian likelihood. Raises TypeError for other models, ValueError for k < 1.
    """
    if k < 1:
        raise ValueError(f"nll needs at least one importance sample, not k={k}")
    view, rows = capable(model), rows_at_once(x)
    with _for_inference(model, x.device):
        return importance_nll(view, x, k, rows, generator)


@contextmanager
def _for_inference(model: BaseAE, device: torch.device) -> Iterator[None]:
    """Put a model in evaluation mode, on a processor with its kernels channels-last, and leave it as it was found.

    The order of the kernels' values makes decoding up to a fifth faster (Pythae's ResNet for MNIST, one core).
    """
    was_training = model.training
    last = torch.channels_last
    kernels = [p for p in model.parameters() if p.ndim == 4 and not p.is_contiguous(memory_format=last)]
    kernels = kernels if device.type == "cpu" else []
    model.eval()
    for kernel in kernels:
        kernel.data = kernel.data.contiguous(memory_format=last)
    try:
        yield
    finally:
        for kernel in kernels:
            kernel.data = kernel.data.contiguous()
        model.train(was_training)


def rows_at_once(x: Tensor) -> int:
    """Return how many images of x's size [N, C, H, W] to decode at once on its device; at least 1."""
    pixels = _PIXELS_AT_ONCE if x.device.type == "cpu" else _PIXELS_AT_ONCE_ON_ACCELERATOR
    return max(1, pixels // max(1, math.prod(x.shape[1:])))


@torch.no_grad()
def neg_elbo(model: BaseAE, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Return the model's negative ELBO of each image in nats [N] (float64), in batches; in evaluation mode."""
    view = capable(model)
    return torch.cat([view.neg_elbo(as_float(part), generator) for part in x.split(rows_at_once(x))]).double()
