"""How evenly samples are spread over the classes."""

from collections.abc import Mapping

import numpy as np

from bench.metrics.types import Measured


def class_tv(
    reference: np.ndarray, samples: np.ndarray, *, setting: Mapping[str, str], rng: np.random.Generator
) -> Measured:
    """Return the total variation distance between the class histograms of two sets of predicted classes [N], [M].

    TV = 1/2 sum_c |p_c - q_c|, in [0, 1]; n is M.
    """
    classes = 1 + int(max(reference.max(), samples.max()))
    p, q = (np.bincount(found, minlength=classes) / len(found) for found in (reference, samples))
    return Measured(0.5 * float(np.abs(p - q).sum()), n=len(samples))
