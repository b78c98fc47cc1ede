"""How evenly samples are spread over the classes, and whether edited images are read as meant."""

import math

import numpy as np

from bench.metrics.types import Measured


def class_tv(reference: np.ndarray, samples: np.ndarray) -> Measured:
    """Return the total variation distance between the class histograms of two sets of predicted classes [N], [M].

    TV = 1/2 sum_c |p_c - q_c|, in [0, 1]; n is M.
    """
    classes = 1 + int(max(reference.max(), samples.max()))
    p, q = (np.bincount(found, minlength=classes) / len(found) for found in (reference, samples))
    return Measured(0.5 * float(np.abs(p - q).sum()), n=len(samples))


def agreement(wanted: np.ndarray, found: np.ndarray) -> Measured:
    """Return the percentage p of images whose class found [N] is the one wanted [N], with its standard error.

    se = sqrt(p (100 - p) / N)
    """
    share = 100 * float((wanted == found).mean())
    return Measured(share, math.sqrt(share * (100 - share) / len(wanted)), len(wanted))
