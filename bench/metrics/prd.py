"""Precision and recall for distributions: how much of the samples is like the data, and how much of the data is met."""

import warnings

import numpy as np

from bench.metrics.types import Blank, Measured

CLUSTERS, ANGLES, RUNS = 20, 1001, 10
_EPSILON = 1e-10


def curve_of_histograms(reference: np.ndarray, samples: np.ndarray, angles: int = ANGLES) -> np.ndarray:
    """Return the precisions and recalls, [2, angles], that two histograms [B] (each of sum 1) attain.

    alpha(lambda) = sum_b min(lambda p_b, q_b),  beta(lambda) = sum_b min(p_b, q_b / lambda)

    Source: Eqs. 4-5 and Algorithm 1 of Sajjadi et al. 2018, with p the reference, q the samples, alpha the precision
    and beta the recall; lambda is the tangent of equally spaced angles between 0 and pi / 2.
    """
    slopes = np.tan(np.linspace(_EPSILON, np.pi / 2 - _EPSILON, angles))[:, None]  # [A, 1]
    precision = np.minimum(slopes * reference, samples).sum(axis=1)
    return np.clip(np.stack([precision, precision / slopes[:, 0]]), 0.0, 1.0)


def prd_curve(reference: np.ndarray, samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return precision and recall, [2, 1001], of features of samples [M, F] against a reference [N, F].

    Both sets together are clustered by minibatch k-means into 20 clusters; their histograms over clusters give a
    curve, and the mean of ten such curves is returned (Sajjadi et al. 2018, Section 4). The larger set is thinned to
    the size of the smaller. Raises Blank for fewer images than clusters.
    """
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    n = min(len(reference), len(samples))
    if n < CLUSTERS:
        raise Blank(f"precision and recall need at least {CLUSTERS} images, one for each cluster")
    thinned = [f if len(f) == n else f[rng.choice(len(f), n, replace=False)] for f in (reference, samples)]
    both = np.concatenate(thinned)  # [2 n, F]
    curves = []
    for seed in rng.integers(2**31, size=RUNS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct features than clusters
            labels = MiniBatchKMeans(CLUSTERS, n_init=10, random_state=int(seed)).fit(both).labels_
        data, made = (np.bincount(part, minlength=CLUSTERS) / n for part in (labels[:n], labels[n:]))
        curves.append(curve_of_histograms(data, made))
    return np.mean(curves, axis=0)


def f_beta(curve: np.ndarray, beta: float) -> float:
    """Return the largest F score on a curve [2, A]: large where precision and recall are, recall weighing beta times.

    F_beta = max (1 + beta^2) precision recall / (beta^2 precision + recall), 0 where both are 0.
    """
    precision, recall = curve
    below = beta**2 * precision + recall
    return float(((1 + beta**2) * precision * recall / np.where(below > 0, below, 1.0)).max())


def f8(curve: np.ndarray, samples: np.ndarray) -> Measured:
    """Return F8 of a curve [2, A], which weighs recall: low where modes of the data are missing. n is of samples."""
    return Measured(f_beta(curve, 8.0), n=len(samples))


def f1_8(curve: np.ndarray, samples: np.ndarray) -> Measured:
    """Return F1/8 of a curve [2, A], which weighs precision: low where samples are unlike the data. n is of samples."""
    return Measured(f_beta(curve, 1.0 / 8.0), n=len(samples))
