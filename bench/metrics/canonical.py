"""What a model of images and labels made of the classes that it was shown no label of, and how it classifies."""

from collections.abc import Mapping

import numpy as np

from bench.metrics.averages import mean
from bench.metrics.types import Blank, Measured

LEAST = 1e-6  # probabilities are clipped to [LEAST, 1] before their logarithm


def paper_assignment(probabilities: np.ndarray) -> np.ndarray:
    """Return the column that each row takes [n], by the paper's rule; probabilities are [n, n].

    Every row claims its largest entry. A column claimed by one row alone goes to it; the rows that clash claim anew
    among the columns that are left. Where all rows that are left clash, the first contested column goes to the row
    with the largest entry there. Source: Section 3, Untapped; the rule for clashes is its code's.
    """
    taken = np.full(len(probabilities), -1)
    rows, columns = list(range(len(probabilities))), list(range(len(probabilities)))
    while rows:
        claims = np.array(columns)[probabilities[np.ix_(rows, columns)].argmax(axis=1)]
        alone = [(row, c) for row, c in zip(rows, claims, strict=True) if (claims == c).sum() == 1]
        if not alone:
            contested = claims.min()
            claimants = [row for row, c in zip(rows, claims, strict=True) if c == contested]
            alone = [(max(claimants, key=lambda row: probabilities[row, contested]), contested)]
        for row, column in alone:
            taken[row] = column
            rows.remove(row)
            columns.remove(column)
    return taken


def optimal_assignment(probabilities: np.ndarray) -> np.ndarray:
    """Return the column that each row takes [n] so that the sum of the entries taken is the largest possible."""
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(probabilities, maximize=True)[1]


ASSIGNMENTS = {"paper": paper_assignment, "optimal": optimal_assignment}


def unseen_cross_entropy(
    log_probabilities: np.ndarray,
    labels: np.ndarray,
    free: np.ndarray,
    readings: np.ndarray,
    *,
    setting: Mapping[str, str],
) -> Measured:
    """Return the cross-entropy, in nats, of the labels of the classes without labels in training.

    mean over images of -ln clip(q(y = d(c) | x), 1e-6, 1), d(c) the dimension that was assigned to the true class c

    log_probabilities [N, k] are ln q(y|x) over all k dimensions, labels [N]; free [F] the classes without labels, which
    are also the dimensions left to them; readings [k, k] the probability of each class (column) in each dimension's
    canonical image (row), of which the free rows and columns are assigned to one another by setting["assignment"].
    ln k is chance. Raises Blank where every class has labels. Source: Section 3, Untapped (2.30 and 2.07 on MNIST).
    """
    dimension, kept = _assigned(labels, free, readings, setting)
    chosen = np.exp(log_probabilities[kept, dimension].astype(np.float64))
    return mean(-np.log(np.clip(chosen, LEAST, 1.0)))


def unseen_accuracy(
    log_probabilities: np.ndarray,
    labels: np.ndarray,
    free: np.ndarray,
    readings: np.ndarray,
    *,
    setting: Mapping[str, str],
) -> Measured:
    """Return the percentage of the same images whose likeliest of all k dimensions is the one assigned to them."""
    dimension, kept = _assigned(labels, free, readings, setting)
    return mean(100.0 * (log_probabilities[kept].argmax(axis=1) == dimension))


def unseen_found(free: np.ndarray, readings: np.ndarray) -> Measured:
    """Return how many of the classes without labels appear, as the likeliest of all k, in the free dimensions' images.

    The best is F, the number of such classes; a dimension whose image shows a class that has labels counts for nothing.
    """
    _some(free)
    return Measured(float(len(np.intersect1d(readings[free].argmax(axis=1), free))), n=len(free))


def classification_error(predicted: np.ndarray, labels: np.ndarray, free: np.ndarray) -> Measured:
    """Return the percentage of test images [N] whose predicted class is another; Blank where a class has no labels."""
    if len(free):
        raise Blank("some classes have no labels in training")
    return mean(100.0 * (predicted != labels))


def round_trip_classes(round_trip: np.ndarray) -> Measured:
    """Return the percentage of a grid of (y, z) whose decoded image is encoded to the same y.

    Source: the claim of Figure 1, Untapped; round_trip [P, 2] holds y' = y as 0 or 1, and |z' - z|.
    """
    return Measured(100.0 * float(round_trip[:, 0].mean()), n=len(round_trip))


def round_trip_distance(round_trip: np.ndarray) -> Measured:
    """Return the mean Euclidean distance |z' - z| over the same grid, in units of z."""
    return Measured(float(round_trip[:, 1].mean()), n=len(round_trip))


def _assigned(
    labels: np.ndarray, free: np.ndarray, readings: np.ndarray, setting: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the dimension assigned to each test image's class, and which test images have a class without labels."""
    _some(free)
    columns = ASSIGNMENTS[setting["assignment"]](readings[np.ix_(free, free)])
    dimension_of = dict(zip(free[columns].tolist(), free.tolist(), strict=True))
    kept = np.flatnonzero(np.isin(labels, free))
    if not len(kept):
        raise Blank("no test image is of a class without labels")
    return np.array([dimension_of[label] for label in labels[kept].tolist()]), kept


def _some(free: np.ndarray) -> None:
    if not len(free):
        raise Blank("every class has labels in training")
