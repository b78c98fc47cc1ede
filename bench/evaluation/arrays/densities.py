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
from models.distributions.likelihoods import LIKELIHOODS

WARM_UP, TIMED = 5, 100


class DensityArrays:
    """What is computed of densities. The methods' names and arguments are those of `Evaluation`, which has them."""

    view: Any
    data: Any
    device: Any
    rows: int
    get: Callable[..., Any]
    generator: Callable[[str], torch.Generator]
    _encoded_by_name: Callable[..., dict[str, np.ndarray]]

    def _bound_terms(self) -> dict[str, np.ndarray]:
        """Return the terms of -ELBO by name, [N] each in nats, of the posterior samples that -ELBO has.

        A model of several levels has a distortion for each image and a KL for each latent.
        """
        generator = self.generator("elbo")
        terms = self.view.level_terms if "levels" in self.view.capabilities else self.view.elbo_terms
        return self._encoded_by_name(lambda x, q: terms(x, generator, q), "test_images")

    def _reconstruction_nats(self) -> np.ndarray:
        terms = self.get("bound_terms")
        return terms["distortion_x" if "distortion_x" in terms else "distortion"]

    def _kl_nats(self) -> np.ndarray:
        return np.sum([term for name, term in self.get("bound_terms").items() if name.startswith("kl")], axis=0)

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
