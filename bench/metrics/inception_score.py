"""The inception score of samples, and its value on test images, by what a classifier makes of them."""

import numpy as np

from bench.metrics.types import Measured

SPLITS = 10


def inception_score(class_probabilities: np.ndarray) -> Measured:
    """Return the mean over ten splits of the samples of exp E KL(p(y|x) || p(y)), p(y) the split's mean of p(y|x).

    Source: Salimans et al. 2016; between 1 and the number of classes k. class_probabilities: [N, k], in the order of
    sampling. The standard error is s / sqrt(10), s the deviation over splits, which the papers print. Samples fewer
    than 20 make one split, without an error.
    """
    n = len(class_probabilities)
    splits = SPLITS if n >= 2 * SPLITS else 1
    scores = np.array([_score(part) for part in np.array_split(class_probabilities.astype(np.float64), splits)])
    return Measured(float(scores.mean()), float(scores.std(ddof=1) / np.sqrt(splits)) if splits > 1 else None, n)


def _score(p: np.ndarray) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log(p / p.mean(axis=0)), 0.0)  # p log p -> 0
    return float(np.exp(terms.sum(axis=1).mean()))


def classifier_accuracy(class_probabilities: np.ndarray, labels: np.ndarray) -> Measured:
    """Return the percentage of test images whose likeliest class is theirs: [N, k], [N]; its binomial error."""
    share = float((class_probabilities.argmax(axis=1) == labels).mean())
    return Measured(100 * share, 100 * float(np.sqrt(share * (1 - share) / len(labels))), len(labels))
