"""The importance-weighted estimate of ln p(x) of a model that is a density of images."""

import math
from typing import Protocol

import torch
from torch import Tensor

from models.capabilities import Posterior
from models.distributions.likelihoods import Likelihood
from models.distributions.priors import Prior
from models.noise import Noise
from models.training import as_float


class Density(Protocol):
    """A model as a density of images, which `models.capabilities.GaussianLatent` is an example of."""

    @property
    def prior(self) -> Prior:
        """p(z)."""

    def posterior(self, x: Tensor) -> Posterior:
        """Return q(z|x) of images [N, C, H, W] in [0, 1]."""

    def likelihood(self, z: Tensor) -> Likelihood:
        """Return p(x|z) for codes [N, L]."""

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return ln p(x|z) in nats [N * K]: x [N, C, H, W], z [N * K, L] with K consecutive rows an image."""


@torch.no_grad()
def importance_nll(view: Density, x: Tensor, k: int, rows: int, generator: Noise = None) -> Tensor:
    """Return the estimate of `bench.likelihood.nll` of each image in nats [N] (float64), decoding `rows` at once."""
    parts = [_nll(view, part, k, rows, generator) for part in x.split(max(1, rows // min(k, 16))) if len(part)]
    return torch.cat(parts) if parts else x.new_zeros(0, dtype=torch.float64)


def _nll(view: Density, x: Tensor, k: int, rows: int, generator: Noise) -> Tensor:
    x = as_float(x)
    q, prior = view.posterior(x), view.prior
    total = torch.full((len(x),), -math.inf, dtype=torch.float64, device=x.device)
    chunk = max(1, rows // len(x))
    for done in range(0, k, chunk):
        now = min(chunk, k - done)
        z = q.rsample(now, generator)  # [n, now, L]
        log_p_x = view.log_likelihood(x, z.flatten(0, 1)).reshape(len(x), now)
        log_w = log_p_x + prior.log_prob(z) - q.log_prob(z)
        total = torch.logaddexp(total, torch.logsumexp(log_w.double(), dim=1))
    return math.log(k) - total
