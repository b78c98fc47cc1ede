"""Arrays of the data set and of the model as such: images, labels, costs."""

import numpy as np

from bench.data.types import Images, Labels
from bench.evaluation.arrays.evaluation import Evaluation
from bench.metrics.types import Blank
from models.networks.two_way import count_parameters


def test_images(evaluation: Evaluation) -> Images:
    return evaluation.data.test.images[: evaluation.settings.images]


def fit_images(evaluation: Evaluation) -> Images:
    return evaluation.data.train.images[: evaluation.settings.gmm_images]


def test_labels(evaluation: Evaluation) -> Labels:
    return evaluation.data.test.labels[: evaluation.settings.images]


def train_labels(evaluation: Evaluation) -> Labels:
    """Return the labels of all training images; raises Blank where some have none."""
    if (evaluation.data.train.labels < 0).any():
        raise Blank("some training images have no label")
    return evaluation.data.train.labels


def dimensions(evaluation: Evaluation) -> np.ndarray:
    return np.array([np.prod(evaluation.data.shape)])


def parameters(evaluation: Evaluation) -> np.ndarray:
    count = count_parameters(evaluation.model)
    if not count:
        raise Blank("no network is here to count the parameters of")
    return np.array([count])


def seconds_per_epoch(evaluation: Evaluation) -> np.ndarray:
    if evaluation.seconds_per_epoch is None:
        raise Blank("it was not trained here")
    return np.array([evaluation.seconds_per_epoch])
