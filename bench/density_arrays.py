"""Arrays of a model as a density: the ELBO's terms, what 8-bit pixels cost, how long samples take.

A part of the evaluation's arrays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bench.metrics.types import Blank
from models.likelihoods import LIKELIHOODS

WARM_UP, TIMED = 5, 100


class DensityArrays:
    """What is computed of densities. The methods' names and arguments are those of `Evaluation`, which has them."""

    view: Any
    data: Any
    device: Any
    rows: int
    get: Callable[..., Any]
    generator: Callable[[str], torch.Generator]
    _encoded: Callable[..., np.ndarray]

    def _elbo_terms(self) -> np.ndarray:
        """Return the terms of -ELBO [N, 2] in nats: distortion and KL, of the posterior samples that -ELBO has."""
        generator = self.generator("elbo")

        def terms(x: torch.Tensor, q: Any) -> torch.Tensor:
            found = self.view.elbo_terms(x, generator, q)
            return torch.stack([found["distortion"], found["kl"]], 1).double()

        return self._encoded(terms, "test_images")

    def _reconstruction_nats(self) -> np.ndarray:
        return self.get("elbo_terms")[:, 0]

    def _kl_nats(self) -> np.ndarray:
        return self.get("elbo_terms")[:, 1]

    def _discrete_nll_nats(self) -> np.ndarray:
        """Return the NLL where p(x) is a distribution over the values that pixels have; raises Blank elsewhere."""
        entry = LIKELIHOODS[self.view.model_config.reconstruction_loss]
        if entry.pixels == "real":
            raise Blank("p(x|z) is a density of real pixels, which gives 8-bit ones no probability")
        if entry.pixels == "binary" and not np.isin(self.get("test_images"), (0, 255)).all():
            raise Blank("Bernoulli of grey levels, which is not a density of 8-bit pixels")
        return self.get("nll_nats")

    def _dimensions(self) -> np.ndarray:
        return np.array([np.prod(self.data.shape)])

    @torch.no_grad()
    def _generation_seconds(self, images: str) -> np.ndarray:
        """Return the seconds of each of 100 runs that draw so many codes of the prior and decode them: [100].

        Five runs go before; an accelerator is waited for. What a prior is made of (a VampPrior's components) is taken
        as computed before.
        """
        prior, generator, n = self.view.prior, self.generator("time"), int(images)
        seconds = []
        for _ in range(WARM_UP + TIMED):
            started = time.perf_counter()
            for z in prior.sample(n, generator, self.device).split(self.rows):
                self.view.decode(z)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            seconds.append(time.perf_counter() - started)
        return np.array(seconds[WARM_UP:])
