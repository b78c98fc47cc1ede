"""Arrays of annealed importance sampling, on test images and on images of the model's own. A part of the evaluation's
arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bench.evaluation.annealing import Schedule, lower_bound, simulated, upper_bound
from bench.metrics.types import Blank
from models.training import as_float


class AnnealingArrays:
    """The methods' names and arguments are those of `Evaluation`, which mixes them in."""

    view: Any
    settings: Any
    device: Any
    rows: int
    get: Callable[..., Any]
    generator: Callable[[str], torch.Generator]

    def _annealing(self) -> tuple[int, Schedule]:
        """Return how many images to take, and the schedule."""
        settings = dict(self.settings.get("annealing") or {"images": 100})
        return settings.pop("images"), Schedule(**settings)

    def _ais_nats(self) -> np.ndarray:
        """Return a stochastic upper bound of -ln p(x) of the first test images [N]."""
        images, schedule = self._annealing()
        x = as_float(torch.from_numpy(self.get("test_images")[:images]).to(self.device))
        return -lower_bound(self.view, x, schedule, generator=self.generator("ais"), rows=self.rows).cpu().numpy()

    def _bdmc_nats(self) -> np.ndarray:
        """Return the lower and the upper bound of ln p(x), of images drawn from the model [2, N]."""
        images, schedule = self._annealing()
        generator = self.generator("bdmc")
        try:
            with torch.no_grad():
                x, z = simulated(self.view, images, generator, self.device)
        except TypeError as error:
            raise Blank(f"images cannot be drawn from the model: {error}") from None
        low = lower_bound(self.view, x, schedule, generator=generator, rows=self.rows)
        high = upper_bound(self.view, x, z, schedule, generator=generator, rows=self.rows)
        return torch.stack([low, high]).cpu().numpy()

    def _bdmc_lower_nats(self) -> np.ndarray:
        return self.get("bdmc_nats")[0]

    def _bdmc_upper_nats(self) -> np.ndarray:
        return self.get("bdmc_nats")[1]

    def _bdmc_gap_nats(self) -> np.ndarray:
        return self.get("bdmc_upper_nats") - self.get("bdmc_lower_nats")
