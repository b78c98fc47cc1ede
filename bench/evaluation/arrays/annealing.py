"""Arrays of annealed importance sampling, on test images and on images of the model's own."""

import numpy as np
import torch

from bench.data.types import Images
from bench.evaluation.annealing import Schedule, lower_bound, simulated, upper_bound
from bench.evaluation.arrays.evaluation import Evaluation
from bench.metrics.types import Blank
from bench.study.schema import Annealing
from models.training import as_float


def _annealing(evaluation: Evaluation) -> tuple[int, Schedule]:
    """Return how many images to take, and the schedule."""
    chosen = evaluation.settings.annealing or Annealing()
    return chosen.images, Schedule(**chosen.model_dump(exclude={"images"}))


def ais_nats(evaluation: Evaluation, test_images: Images) -> np.ndarray:
    """Return a stochastic upper bound of -ln p(x) of the first test images."""
    images, schedule = _annealing(evaluation)
    x = as_float(torch.from_numpy(test_images[:images]).to(evaluation.device))
    generator = evaluation.generator("ais")
    return -lower_bound(evaluation.view, x, schedule, generator=generator, rows=evaluation.rows).cpu().numpy()


def bdmc_nats(evaluation: Evaluation) -> np.ndarray:
    """Return the lower and the upper bound of ln p(x), of images drawn from the model; raises Blank without draws."""
    images, schedule = _annealing(evaluation)
    view, generator = evaluation.view, evaluation.generator("bdmc")
    try:
        with torch.no_grad():
            x, z = simulated(view, images, generator, evaluation.device)
    except TypeError as error:
        raise Blank(f"images cannot be drawn from the model: {error}") from None
    low = lower_bound(view, x, schedule, generator=generator, rows=evaluation.rows)
    high = upper_bound(view, x, z, schedule, generator=generator, rows=evaluation.rows)
    return torch.stack([low, high]).cpu().numpy()


def bdmc_lower_nats(bdmc_nats: np.ndarray) -> np.ndarray:
    return bdmc_nats[0]


def bdmc_upper_nats(bdmc_nats: np.ndarray) -> np.ndarray:
    return bdmc_nats[1]


def bdmc_gap_nats(bdmc_upper_nats: np.ndarray, bdmc_lower_nats: np.ndarray) -> np.ndarray:
    return bdmc_upper_nats - bdmc_lower_nats
