"""Arrays of a model of images and labels: canonical images, what is read in them, the way there and back."""

import numpy as np

from bench.data.types import Images
from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.features.label_reader import readings
from bench.metrics.types import Blank

GRID = 20  # values of each of the two latent variables in the round trip
WALK = 5  # and in the figure of walks


def free_classes(evaluation: Evaluation) -> np.ndarray:
    """Return the classes without labels in training, which are also the dimensions of y left to them."""
    labels = evaluation.data.train.labels
    if labels.ndim > 1:
        raise Blank("labels are attributes, not classes")
    return np.setdiff1d(np.arange(len(evaluation.data.classes)), labels)


def class_log_probabilities(evaluation: Evaluation, test_images: Images) -> np.ndarray:
    return evaluation.run(evaluation.view.label_log_probs, test_images)


def predicted_labels(evaluation: Evaluation, test_images: Images) -> np.ndarray:
    return evaluation.run(evaluation.view.predict_label, test_images)


def mean_z(evaluation: Evaluation) -> np.ndarray:
    """Return the z of canonical images (Section 3, Untapped)."""
    train = evaluation.data.train
    told = train.labels >= 0
    z = evaluation.run(evaluation.view.latent_given, train.images[told], _one_hot(evaluation, train.labels[told]))
    return z.mean(axis=0, dtype=np.float64).astype(np.float32)


def canonical_images(evaluation: Evaluation, mean_z: np.ndarray) -> np.ndarray:
    """Return the mean image of every one-hot y at the mean z (Figure 2, Untapped)."""
    y = _every_y(evaluation)
    return evaluation.run(evaluation.view.decode_given, y, np.repeat(mean_z[None], len(y), axis=0))


def canonical_readings(evaluation: Evaluation, canonical_images: np.ndarray) -> np.ndarray:
    """Return the class that a logistic regression reads in each canonical image."""
    return readings(evaluation.data, canonical_images)


def round_trip(evaluation: Evaluation, mean_z: np.ndarray) -> np.ndarray:
    """Return y' = y as 0 or 1, and |z' - z|, of each point of a grid of (y, z) that is decoded and encoded.

    The decoded image is the mean of p(x|y, z), y' the likeliest class of q(y|x), z' the mean of q(z|x, y').
    """
    view = evaluation.view
    y, z = _grid(evaluation, mean_z, GRID)
    x = evaluation.run(view.decode_given, y, z)
    back = evaluation.run(view.predict_label, x)
    z_back = evaluation.run(view.latent_given, x, _one_hot(evaluation, back))
    return np.stack([y.argmax(axis=1) == back, np.linalg.norm(z_back - z, axis=1)], axis=1).astype(np.float64)


def label_walks(evaluation: Evaluation, mean_z: np.ndarray) -> np.ndarray:
    """Return the mean images of a grid of z for every class, z_1 along columns."""
    images = evaluation.run(evaluation.view.decode_given, *_grid(evaluation, mean_z, WALK))
    return images.reshape(-1, WALK, WALK, *images.shape[1:])


def _grid(evaluation: Evaluation, mean_z: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every one-hot y [k steps^2, k] with every z [k steps^2, 2] of a grid of the prior's box.

    The points are the middles of steps x steps equal cells. Raises Blank for another number of latent variables.
    """
    if len(mean_z) != 2:
        raise Blank("the grid is of two latent variables")
    axis = evaluation.view.prior.box.half_width * ((2 * np.arange(steps, dtype=np.float32) + 1) / steps - 1)
    z = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2)  # z_2 grows upwards
    every_y = _every_y(evaluation)
    return np.repeat(every_y, len(z), axis=0), np.tile(z, (len(every_y), 1))


def _every_y(evaluation: Evaluation) -> np.ndarray:
    return np.eye(len(evaluation.data.classes), dtype=np.float32)


def _one_hot(evaluation: Evaluation, labels: np.ndarray) -> np.ndarray:
    return _every_y(evaluation)[labels]
