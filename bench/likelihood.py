"""Importance-weighted estimates of the log-likelihood, per image."""

import math

import torch
from pythae.models import BaseAE
from torch import Tensor

from models.capabilities import capable
from models.training import as_float

_DECODED_AT_ONCE = 2_000  # images a chunk: memory does not grow with K


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
    view = capable(model)
    was_training = model.training
    model.eval()
    try:
        parts = [_nll(view, part, k, generator) for part in x.split(max(1, _DECODED_AT_ONCE // min(k, 16)))]
    finally:
        model.train(was_training)
    return torch.cat(parts) if parts else x.new_zeros(0, dtype=torch.float64)


def _nll(view: object, x: Tensor, k: int, generator: torch.Generator | None) -> Tensor:
    x = as_float(x)
    q = view.posterior(x)  # type: ignore[attr-defined]
    total = torch.full((len(x),), -math.inf, dtype=torch.float64, device=x.device)
    chunk = max(1, _DECODED_AT_ONCE // len(x))
    for done in range(0, k, chunk):
        now = min(chunk, k - done)
        z = q.rsample(now, generator)  # [n, now, L]
        repeated = x.repeat_interleave(now, dim=0)  # [n * now, C, H, W]
        log_p_x = view.log_likelihood(repeated, z.flatten(0, 1)).reshape(len(x), now)  # type: ignore[attr-defined]
        log_w = log_p_x + view.prior.log_prob(z) - q.log_prob(z)  # type: ignore[attr-defined]
        total = torch.logaddexp(total, torch.logsumexp(log_w.double(), dim=1))
    return math.log(k) - total


@torch.no_grad()
def neg_elbo(model: BaseAE, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Return the model's negative ELBO of each image in nats [N] (float64), in batches; in evaluation mode."""
    view = capable(model)
    return torch.cat([view.neg_elbo(as_float(part), generator) for part in x.split(_DECODED_AT_ONCE)]).double()
