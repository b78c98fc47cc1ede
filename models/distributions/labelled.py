"""Codes of a label and a latent point: a row [k + d], the one-hot (or soft) label first; their prior and posterior."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from models.distributions.concrete import gumbel
from models.distributions.uniform_box import BoxedGaussian, UniformBox
from models.noise import Noise


class LabelledPrior(NamedTuple):
    """p(y) p(z), a uniform label of k and a uniform point of a box (Eq. 1, Untapped)."""

    classes: int
    box: UniformBox

    def log_prob(self, code: Tensor) -> Tensor:
        """Return ln p(y) + ln p(z) of codes with one-hot labels: [..., k + d] -> [...], a constant."""
        return self.box.log_prob(code[..., self.classes :]) - math.log(self.classes)

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n codes: [n, k + d]."""
        y = _draw(torch.zeros(n, self.classes, device=device), generator)
        return torch.cat([y, self.box.sample(n, generator, device)], 1)


class LabelledPosterior(NamedTuple):
    """q(y|x) q(z|x, y) of N images: log_probs [N, k], and q(z|x, y) of every label, with parameters [N, k, d]."""

    log_probs: Tensor
    given: BoxedGaussian

    @property
    def mean(self) -> Tensor:
        r"""The mean code [N, k + d]: :math:`q(y|x)` beside :math:`\sum_y q(y|x) \, n(\mu(x, y))`."""
        probs = self.log_probs.exp()
        return torch.cat([probs, self._picked(self.given.mean, probs[:, None])[:, 0]], 1)

    def rsample(self, k: int = 1, generator: Noise = None) -> Tensor:
        """Draw k codes with one-hot labels an image: [N, k, k + d]; only z has a gradient."""
        y = _draw(self.log_probs[:, None].expand(-1, k, -1), generator)
        return torch.cat([y, self._of(y).rsample(generator)[0]], -1)

    def log_prob(self, code: Tensor) -> Tensor:
        """Return ln q(y|x) + ln q(z|x, y) of codes with one-hot labels: [N, k, k + d] -> [N, k]."""
        classes = self.log_probs.shape[1]
        y, z = code[..., :classes], code[..., classes:]
        return (y * self.log_probs[:, None]).sum(-1) + self._of(y).log_prob(z)

    def _of(self, y: Tensor) -> BoxedGaussian:
        location, scale, half_width = self.given
        return BoxedGaussian(self._picked(location, y), self._picked(scale, y), half_width)

    @staticmethod
    def _picked(of_labels: Tensor, y: Tensor) -> Tensor:
        """Return what belongs to labels: [N, k, d] and [N, K, k] -> [N, K, d]."""
        return y @ of_labels


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Return labels [...] as rows [..., k]; a row of zeros where unlabelled (-1)."""
    return (labels[..., None] == torch.arange(classes, device=labels.device)).float()


def _draw(log_probs: Tensor, generator: Noise) -> Tensor:
    """Draw a one-hot label a row: [..., k] -> the same."""
    noisy = log_probs.detach() + gumbel(log_probs.shape, generator, log_probs.device)
    return F.one_hot(noisy.argmax(-1), log_probs.shape[-1]).float()
