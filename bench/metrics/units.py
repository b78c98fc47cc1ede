"""Active latent units."""

import numpy as np

from bench.metrics.types import Measured

THRESHOLD = 0.01


def active_units(means: np.ndarray) -> Measured:
    """Return how many latent units carry information about the image.

    AU = sum_d 1[ Var_x( E_q(z|x)[z_d] ) >= 0.01 ]        (Eq. 41, BVAE)

    means: posterior means [N, L] of the test set; Var_x is the population variance over its N images.
    """
    variance = means.astype(np.float64).var(axis=0)  # [L]
    return Measured(float((variance >= THRESHOLD).sum()), n=len(means))
