"""The logistic regression that reads the class in an image: trained once for a data set, kept on disk."""

from functools import lru_cache
from hashlib import sha256

import numpy as np

from bench.data.eight_bit import to_unit
from bench.data.places import cache_folder
from bench.data.types import ImageDataset
from bench.errors import Blank
from bench.system.cache import cached_arrays

RECIPE = "multinomial logistic regression of pixels in [0, 1]; L2, C = 1; L-BFGS, at most 100 iterations; v1"


def readings(data: ImageDataset, images: np.ndarray) -> np.ndarray:
    """Return p(class | image) [N, k] of images [N, C, H, W], as the classifier of a data set reads them.

    It is trained on the images of `data.reference` (else `data.train`) with their true labels (Section 3, Untapped).
    """
    weights, bias = _reader(data)
    scores = to_unit(images).reshape(len(images), -1).astype(np.float64) @ weights.T + bias  # [N, k]
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


@lru_cache(maxsize=1)
def _reader(data: ImageDataset) -> tuple[np.ndarray, np.ndarray]:
    """Return weights [k, C H W] and biases [k]."""
    split = data.reference or data.train
    if split.labels.ndim > 1 or not (split.labels != split.labels[0]).any():
        raise Blank("labels are attributes, or of one class: a reader has nothing to learn")
    digest = sha256(f"{RECIPE};{len(data.classes)};{split.images.shape};".encode())
    for array in (split.images, split.labels):
        digest.update(np.ascontiguousarray(array).data)
    path = cache_folder() / "reference" / f"reader-{digest.hexdigest()[:24]}.npz"

    def made() -> dict[str, np.ndarray]:
        return dict(zip(("weights", "bias"), fit(split.images, split.labels, len(data.classes)), strict=True))

    stored = cached_arrays(path, ("weights", "bias"), made)
    return stored["weights"], stored["bias"]


def fit(images: np.ndarray, labels: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights [k, C H W] and biases [k] of a logistic regression; a class that no label names gets -inf."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of iterations is fixed on purpose
        model.fit(to_unit(images).reshape(len(images), -1), labels)
    weights, bias = np.zeros((classes, model.coef_.shape[1])), np.full(classes, -np.inf)
    bias[model.classes_] = 0.0
    named = model.classes_[-len(model.coef_) :]  # of two classes the first has no weights of its own
    weights[named], bias[named] = model.coef_, model.intercept_
    return weights, bias
