"""LIKELIHOODS: what p(x|z) a decoder's numbers stand for, by the name that a configuration's `reconstruction_loss` has.

A law takes the decoder's numbers [N, P, H, W], P of them a pixel. Those here read the first as means, so that the
first C of a bidirectional network's P maps stand for the image's own channels.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from models.distributions.densities import LOG_2PI, Bernoulli, BernoulliMeans, UnitGaussian

COMPONENTS = 10
BIN = 1 / 255  # the distance of two grey levels, pixels being in [0, 1]
START = -2.0  # of log-scales where the decoder gives 0: a scale of 35 grey levels; our choice
LEAST, MOST = -7.0, 7.0  # of log-scales; the latter ours, so that a bin keeps its probability


class LearnedGaussian(NamedTuple):
    r"""A Gaussian of each pixel, mean and deviation given by the decoder: a density of real pixels.

    .. math:: \ln p(x|z) = \sum_i \ln N(x_i; \mu_i, s_i^2), \quad \ln s_i \geq \ln \tfrac1{255}

    The bound is ours: without it a pixel that never varies has an unbounded density. `raw` is [N, 2C, H, W]: means,
    then log-deviations less `START`.
    """

    raw: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return ln p(x|z): [N, C, H, W] -> [N * K], for `raw` [N * K, ...] with K consecutive rows an image."""
        means, log_scales = _rows(self.raw, x).chunk(2, 2)  # [N, K, C, H, W]
        log_scales = (log_scales + START).clamp(min=math.log(BIN))
        error = (x[:, None] - means) * torch.exp(-log_scales)
        return (-0.5 * (LOG_2PI + error.square()) - log_scales).flatten(2).sum(2).flatten()

    @property
    def mean(self) -> Tensor:
        """The means, brought into [0, 1]: [N, C, H, W]."""
        return self.raw.chunk(2, 1)[0].clamp(0, 1)


class Logistic(NamedTuple):
    r"""A discretised logistic of each 8-bit pixel: a distribution over its 256 grey levels.

    .. math:: \ln p(x|z) = \sum_i \ln [F((x_i + \tfrac1{510} - \mu_i) / s_i) - F((x_i - \tfrac1{510} - \mu_i) / s_i)]

    F is the logistic function; levels 0 and 1 take the tails. Source: Eq. 2 of Salimans et al. 2017, with pixels in [0,
    1] and :math:`\ln s \geq -7` as in selfVAE's code. `raw` is [N, 2C, H, W]: means, then log-scales less `START`.
    """

    raw: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return ln p(x|z): [N, C, H, W] -> [N * K], for `raw` [N * K, ...] with K consecutive rows an image."""
        means, log_scales = _rows(self.raw, x).chunk(2, 2)  # [N, K, C, H, W]
        return logistic_log_mass(x[:, None], means, log_scales).flatten(2).sum(2).flatten()

    @property
    def mean(self) -> Tensor:
        """The logistics' means, brought into [0, 1]: [N, C, H, W]."""
        return self.raw.chunk(2, 1)[0].clamp(0, 1)


class LogisticMixture(NamedTuple):
    r"""A mixture of ten discretised logistics of each pixel, whose channels are coupled.

    .. math::
        p(x|z) = \prod_i \sum_k \pi_{ik} \prod_c p(x_{ic} | \mu_{ikc}, s_{ikc}), \quad
        \mu_{ikc} = m_{ikc} + \sum_{b < c} \tanh(a_{ikcb}) x_{ib}

    Source: Eqs. 1-3 of Salimans et al. 2017, as selfVAE has it (10 components, pixels in [0, 1]). `raw` is [N, P, H,
    W], P = 10 (1 + 2C + C (C - 1) / 2): m and ln s less `START` by component, then channel; ln pi, not normalised; a.
    """

    raw: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return ln p(x|z): [N, C, H, W] -> [N * K], for `raw` [N * K, ...] with K consecutive rows an image."""
        channels = x.shape[1]
        means, log_scales, logits, couplings = _mixture(_rows(self.raw, x), 2, channels)
        pixels = x[:, None, None]  # [N, 1, 1, C, H, W]
        means = torch.stack([_coupled(means, couplings, pixels, c) for c in range(channels)], 3)
        log_mass = logistic_log_mass(pixels, means, log_scales).sum(3)  # [N, K, 10, H, W]
        return torch.logsumexp(logits.log_softmax(2) + log_mass, 2).flatten(2).sum(2).flatten()

    @property
    def mean(self) -> Tensor:
        """The likeliest component's mean, channel by channel, each brought into [0, 1]: [N, C, H, W].

        This is the image that selfVAE's code shows, without noise; it is not the expectation.
        """
        channels = _channels_of(self.raw.shape[1])
        means, _, logits, couplings = _mixture(self.raw, 1, channels)
        chosen = logits.argmax(1)[:, None, None]  # [N, 1, 1, H, W]
        image = means[:, :, :0]  # [N, 10, 0, H, W]
        for c in range(channels):
            image = torch.cat([image, _coupled(means, couplings, image, c)[:, :, None].clamp(0, 1)], 2)
        return image.gather(1, chosen.expand(-1, 1, *image.shape[2:])).squeeze(1)


Likelihood = Bernoulli | BernoulliMeans | UnitGaussian | LearnedGaussian | Logistic | LogisticMixture


def logistic_log_mass(x: Tensor, means: Tensor, log_scales: Tensor) -> Tensor:
    r"""Return the log-probability of each grey level x in {0, 1/255, ..., 1} under a discretised logistic of its own.

    With a and b the bin's ends in units of the scale, :math:`\ln [F(a) - F(b)] = \ln F(a) + \ln F(-b) + \ln (1 -
    e^{b - a})`, which loses no digits in the tails. `START` is added to log-scales, which are kept between `LEAST`
    and `MOST`.
    """
    precision = torch.exp(-(log_scales + START).clamp(LEAST, MOST))
    upper, lower = ((x + end - means) * precision for end in (BIN / 2, -BIN / 2))
    below, above = F.logsigmoid(upper), F.logsigmoid(-lower)
    inside = below + above + torch.log(-torch.expm1(-BIN * precision))
    return torch.where(x < BIN / 2, below, torch.where(x > 1 - BIN / 2, above, inside))


def _rows(raw: Tensor, x: Tensor) -> Tensor:
    """Return a decoder's numbers [N * K, P, H, W] for images [N, C, H, W] as [N, K, P, H, W]."""
    return raw.unflatten(0, (len(x), -1))


def _mixture(raw: Tensor, axis: int, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Split numbers [..., P, H, W] along `axis` into means and log-scales [..., 10, C, H, W], logits [..., 10, H, W]
    and couplings [..., 10, C (C - 1) / 2, H, W]."""
    sizes = channels, channels, 1, channels * (channels - 1) // 2
    parts = raw.split([COMPONENTS * size for size in sizes], axis)
    means, log_scales, logits, couplings = (
        part.unflatten(axis, (COMPONENTS, size)) for part, size in zip(parts, sizes, strict=True)
    )
    return means, log_scales, logits.squeeze(axis + 1), couplings


def _coupled(means: Tensor, couplings: Tensor, pixels: Tensor, c: int) -> Tensor:
    """Return the means of channel c given the channels before it: [..., 10, H, W]; the axis of channels is third."""
    first = c * (c - 1) // 2
    weights = couplings[..., first : first + c, :, :].tanh()
    return means[..., c, :, :] + (weights * pixels[..., :c, :, :]).sum(-3)


def _numbers(channels: int) -> int:
    """Return how many numbers a pixel of so many channels needs in a mixture."""
    return COMPONENTS * (1 + 2 * channels + channels * (channels - 1) // 2)


def _channels_of(numbers: int) -> int:
    """Return the channels of a pixel whose mixture has so many numbers."""
    return next(c for c in range(1, numbers) if _numbers(c) == numbers)


def _of_probabilities(logits: Tensor) -> UnitGaussian:
    """Return the Gaussian whose mean is a sigmoid of the decoder's numbers."""
    return UnitGaussian(logits.sigmoid())


class LikelihoodEntry(NamedTuple):
    """A law of the decoder's numbers [N, P, H, W]; P for C channels; and the pixels that it is a distribution of."""

    law: Callable[[Tensor], Likelihood]
    numbers: Callable[[int], int]
    pixels: Literal["binary", "real", "8-bit"]


def _once(channels: int) -> int:
    return channels


def _twice(channels: int) -> int:
    return 2 * channels


LIKELIHOODS: dict[str, LikelihoodEntry] = {
    "bce": LikelihoodEntry(Bernoulli, _once, "binary"),
    "mse": LikelihoodEntry(_of_probabilities, _once, "real"),
    "gaussian": LikelihoodEntry(LearnedGaussian, _twice, "real"),
    "logistic": LikelihoodEntry(Logistic, _twice, "8-bit"),
    "logistic-mixture": LikelihoodEntry(LogisticMixture, _numbers, "8-bit"),
}
if TYPE_CHECKING:
    LikelihoodName = str
else:
    LikelihoodName = Literal[tuple(LIKELIHOODS)]  # the type of a configuration's field


def numbers_a_pixel(name: str, channels: int) -> int:
    """Return how many numbers a decoder gives for each pixel of an image of so many channels."""
    return LIKELIHOODS[name].numbers(channels) if name in LIKELIHOODS else channels
