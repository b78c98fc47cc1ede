"""Arrays of a model of images and labels: canonical images, what is read in them, the way there and back.

A part of the evaluation's arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bench.evaluation.features.label_reader import readings
from bench.metrics.types import Blank
from models.training import as_float

GRID = 20  # values of each of the two latent variables in the round trip
WALK = 5  # and in the figure of walks


class LabelArrays:
    """What is computed with labels. The methods' names and arguments are those of `Evaluation`, which mixes them in."""

    view: Any
    data: Any
    device: Any
    rows: int
    get: Callable[..., Any]
    run: Callable[..., np.ndarray]

    def _free_classes(self) -> np.ndarray:
        """Return the classes without labels in training [F], which are also the dimensions of y left to them."""
        if self.data.train.labels.ndim > 1:
            raise Blank("labels are attributes, not classes")
        return np.setdiff1d(np.arange(len(self.data.classes)), self.data.train.labels)

    def _class_log_probabilities(self) -> np.ndarray:
        return self.run(lambda x: self.view.label_log_probs(x), self.get("test_images"))

    def _predicted_labels(self) -> np.ndarray:
        return self.run(lambda x: self.view.predict_label(x), self.get("test_images"))

    def _mean_z(self) -> np.ndarray:
        """Return the mean over labelled training images of the mean of q(z|x, y): [d] (Section 3, Untapped)."""
        told = self.data.train.labels >= 0
        y = self._one_hot(self.data.train.labels[told])
        z = self._together(self.view.latent_given, self.data.train.images[told], y)
        return z.mean(axis=0, dtype=np.float64).astype(np.float32)

    def _canonical_images(self) -> np.ndarray:
        """Return the mean image of every one-hot y at the mean z: [k, C, H, W] in [0, 1] (Figure 2, Untapped)."""
        y = self._one_hot(np.arange(len(self.data.classes)))
        z = np.repeat(self.get("mean_z")[None], len(y), axis=0)
        return self._together(self.view.decode_given, y, z)

    def _canonical_readings(self) -> np.ndarray:
        """Return p(class | canonical image) [k, k]: a row for each dimension of y, a column for each class."""
        return readings(self.data, self.get("canonical_images"))

    def _round_trip(self) -> np.ndarray:
        """Return y' = y as 0 or 1, and |z' - z|, of each point of a grid of (y, z) that is decoded and encoded.

        The decoded image is the mean of p(x|y, z), y' the likeliest class of q(y|x), z' the mean of q(z|x, y').
        """
        y, z = self._grid(GRID)
        x = self._together(self.view.decode_given, y, z)
        back = self.run(lambda x: self.view.predict_label(x), x)
        z_back = self._together(self.view.latent_given, x, self._one_hot(back))
        return np.stack([y.argmax(axis=1) == back, np.linalg.norm(z_back - z, axis=1)], axis=1).astype(np.float64)

    def _label_walks(self) -> np.ndarray:
        """Return the mean images of a grid of z for every class: [k, 5, 5, C, H, W], z_1 along columns."""
        images = self._together(self.view.decode_given, *self._grid(WALK))
        return images.reshape(-1, WALK, WALK, *images.shape[1:])

    def _grid(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Return every one-hot y [k steps^2, k] with every z [k steps^2, 2] of a grid of the prior's box.

        The points are the middles of steps x steps equal cells. Raises Blank for another number of latent variables.
        """
        if len(self.get("mean_z")) != 2:
            raise Blank("the grid is of two latent variables")
        axis = self.view.prior.box.half_width * ((2 * np.arange(steps, dtype=np.float32) + 1) / steps - 1)
        z = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2)  # z_2 grows upwards
        classes = len(self.data.classes)
        return np.repeat(self._one_hot(np.arange(classes)), len(z), axis=0), np.tile(z, (classes, 1))

    def _one_hot(self, labels: np.ndarray) -> np.ndarray:
        return np.eye(len(self.data.classes), dtype=np.float32)[labels]

    @torch.no_grad()
    def _together(self, function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
        """Apply a function of several arrays of one length in batches; return the results as one."""
        starts = range(0, len(arrays[0]), self.rows)
        parts = ([as_float(torch.from_numpy(a[i : i + self.rows]).to(self.device)) for a in arrays] for i in starts)
        return np.concatenate([function(*part).cpu().numpy() for part in parts])
