"""Arrays of known factors: their values on the test images, and what forests read of them in the codes."""

import numpy as np

from bench.data.types import Factor
from bench.evaluation.arrays.evaluation import Evaluation
from bench.metrics.types import Blank

TREES, LEAF = 20, 10  # of each forest, and the least images of a leaf


def test_factors(evaluation: Evaluation) -> np.ndarray:
    numbers = [np.unique(values, return_inverse=True)[1] for values in _known(evaluation)]
    return np.stack(numbers, axis=1)[: evaluation.settings.images]


def ordered_factors(evaluation: Evaluation) -> np.ndarray:
    return np.array([values.dtype.kind == "f" for values in _known(evaluation)])


def factor_forests(evaluation: Evaluation, test_mean: np.ndarray, test_factors: np.ndarray) -> dict[str, np.ndarray]:
    """Return the importances [L, F] of forests that read each factor, and whether they are right [n, F].

    They are fitted to the codes of the first half of the test images and read the others'. All variables are looked at
    for each split, so that one which tells all is important alone (Section 4 of Eastwood and Williams 2018).
    """
    from sklearn.ensemble import RandomForestClassifier

    half, importances, right = len(test_mean) // 2, [], []
    for number, values in enumerate(test_factors.T):
        seed = evaluation.number(f"forest:{number}")
        forest = RandomForestClassifier(TREES, max_features=None, min_samples_leaf=LEAF, random_state=seed)
        forest.fit(test_mean[:half], values[:half])
        importances.append(forest.feature_importances_)
        right.append(forest.predict(test_mean[half:]) == values[half:])
    return {"importances": np.stack(importances, axis=1), "right": np.stack(right, axis=1)}


def factor_importances(factor_forests: dict[str, np.ndarray]) -> np.ndarray:
    return factor_forests["importances"]


def factor_readings(factor_forests: dict[str, np.ndarray]) -> np.ndarray:
    return factor_forests["right"]


def _known(evaluation: Evaluation) -> list[Factor]:
    """Return the values of each factor; raises Blank where they are not known, or there is one alone."""
    if len(evaluation.data.factors) < 2:
        raise Blank("the factors of the data set's images are not known")
    return list(evaluation.data.factors.values())
