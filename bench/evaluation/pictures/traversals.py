"""Latent traversals: one variable of a code at a time."""

import numpy as np

from bench.evaluation.arrays.evaluation import Evaluation

ROWS, STEPS = 10, 8
ENDS = (0.02, 0.98)  # quantiles of a variable over the test images


def traversals(evaluation: Evaluation) -> np.ndarray | None:
    """Return what the first test image's code decodes to with one variable changed, a variable a row: [R, 8, C, H, W].

    The ten variables whose means vary most, in that order, from their 2% to their 98% quantile in equal steps. None of
    models that work level by level, whose codes hold images.
    """
    if "levels" in evaluation.view.capabilities:
        return None
    means = evaluation.get("test_mean")
    rows = np.argsort(-means.var(axis=0), kind="stable")[:ROWS]
    codes = np.tile(means[0], (len(rows), STEPS, 1))
    for code, variable in zip(codes, rows, strict=True):
        low, high = np.quantile(means[:, variable], ENDS)
        code[:, variable] = np.linspace(low, high, STEPS)
    images = evaluation.run(evaluation.view.decode, codes.reshape(-1, codes.shape[-1]))
    return images.reshape(*codes.shape[:2], *images.shape[1:])
