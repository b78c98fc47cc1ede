"""The Fréchet distance of two sets of features, each taken as a Gaussian."""

import numpy as np

from bench.metrics.types import Blank, Measured

ROWS_AT_ONCE = 1000


def statistics(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean [F] and unbiased covariance [F, F] of features [N, F] in float64; raises Blank for N < 2.

    Deviations from the mean are summed a thousand rows at a time, so that no second copy of the features is made.
    """
    n, size = features.shape
    if n < 2:
        raise Blank("a covariance needs at least two images")
    mean = features.mean(axis=0, dtype=np.float64)
    scatter = np.zeros((size, size))
    for start in range(0, n, ROWS_AT_ONCE):
        deviations = features[start : start + ROWS_AT_ONCE] - mean
        scatter += deviations.T @ deviations
    return mean, scatter / (n - 1)


def _root(matrix: np.ndarray) -> np.ndarray:
    """Return the symmetric square root of a positive semi-definite matrix [F, F]."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(min=0.0))) @ vectors.T


def frechet_distance(mu1: np.ndarray, cov1: np.ndarray, mu2: np.ndarray, cov2: np.ndarray) -> float:
    """Return the squared Fréchet (2-Wasserstein) distance of two Gaussians.

    d = |mu1 - mu2|^2 + tr( C1 + C2 - 2 (C1^(1/2) C2 C1^(1/2))^(1/2) )        (Heusel et al. 2017, Eq. 6)

    The symmetric product has the eigenvalues of C1 C2, and stays real where C1 or C2 is singular (N < F), where the
    root of C1 C2 itself does not. mu [F], cov [F, F]. Not negative.
    """
    root = _root(cov1)
    product = root @ cov2 @ root
    cross = np.sqrt(np.linalg.eigvalsh((product + product.T) / 2).clip(min=0.0)).sum()
    difference = mu1 - mu2
    distance = float(difference @ difference + np.trace(cov1) + np.trace(cov2) - 2.0 * cross)
    return max(distance, 0.0)  # rounding can leave -1e-12; nan stays nan in this order


def fd(mean: np.ndarray, covariance: np.ndarray, others: np.ndarray) -> Measured:
    """Return the Fréchet distance between a Gaussian, mean [F] and covariance [F, F], and features [N, F]; n is N.

    Its bias is positive and falls like 1/n, so distances compare only at equal n.
    """
    return Measured(frechet_distance(mean, covariance, *statistics(others)), n=len(others))
