"""The forward bounds of M2 for a batch: y of an unlabelled image as a relaxed sample, or summed over its classes."""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.bidirectional import Decoder
from models.distributions.concrete import concrete_log_prob, concrete_rsample
from models.distributions.labelled import LabelledPrior
from models.distributions.uniform_box import BoxedGaussian
from models.kernels.bernoulli import log_likelihood_and_error
from models.noise import Noise
from models.untapped.networks import LabelledEncoder, Seen
from models.untapped.settings import M2Config


class ForwardBounds(NamedTuple):
    """Of B images: both bounds and ||x - E[x|y, z]||^2 [B]; ln y or ln q(y|x) for the label loss [B, k]; a code
    [B, k + d] and its pixel logits [B, C, H, W]. A value for labels is without meaning where there is none."""

    labelled: Tensor
    unlabelled: Tensor
    squared_error: Tensor
    log_y: Tensor
    code: Tensor
    logits: Tensor


class LabelledModel(Protocol):
    """What the bounds ask of a model."""

    model_config: M2Config
    encoder: LabelledEncoder
    decoder: Decoder

    @property
    def prior(self) -> LabelledPrior:
        """p(y) p(z)."""

    def latent_posterior(self, seen: Seen, y: Tensor) -> BoxedGaussian:
        """q(z|x, y)."""

    def latent_posteriors(self, seen: Seen) -> BoxedGaussian:
        """q(z|x, y) of every label."""


def relaxed(model: LabelledModel, x: Tensor, y_l: Tensor, labelled: Tensor, generator: Noise = None) -> ForwardBounds:
    r"""Return the bounds of images x [B, C, H, W] with labels y_l [B, k], one-hot rows where `labelled` [B].

    .. math::
        \mathcal{J}_f^l &= \ln p(x|y, z) + \ln p(y) + \ln p(z) - \ln q(z|x, y) \\
        \mathcal{J}_f^u &= \ln p(x|y, z) + \ln p(y) + \ln p(z) - \ln q(y|x) - \ln q(z|x, y), \quad y \sim q(y|x)

    Source: Eqs. 3 and 4, Untapped; z ~ q(z|x, y), one sample. Without a label, y is a Concrete sample inside the
    simplex, q(y|x) its density, and p(y) the uniform density (k - 1)! there; with one, p(y) = 1 / k.
    """
    config = model.model_config
    seen = model.encoder.look(x)
    log_q_y = model.encoder.label_log_probs(seen)
    log_y_u = concrete_rsample(log_q_y, config.temperature, generator)
    y = torch.where(labelled[:, None], y_l, log_y_u.exp())
    z, log_q_z = model.latent_posterior(seen, y).rsample(generator)
    code = torch.cat([y, z], 1)
    logits = model.decoder.logits(code)
    log_p_x, squared_error = log_likelihood_and_error(logits, x)
    forward = log_p_x + model.prior.box.log_prob(z) - log_q_z
    log_ratio_y = math.lgamma(config.classes) - concrete_log_prob(log_y_u, log_q_y, config.temperature)
    log_q_label = log_q_y if config.label_loss == "cross-entropy" else log_y_u
    bounds = forward - math.log(config.classes), forward + log_ratio_y
    return ForwardBounds(*bounds, squared_error, log_q_label, code, logits)


def summed(model: LabelledModel, x: Tensor, y_l: Tensor, labelled: Tensor, generator: Noise = None) -> ForwardBounds:
    r"""Return the bounds of the same, y of an unlabelled image summed exactly.

    .. math::
        L(x, y) &= \ln p(x|y, z) + \ln p(y) + \ln p(z) - \ln q(z|x, y), \quad z \sim q(z|x, y) \\
        \mathcal{J}_f^l &= L(x, y), \quad \mathcal{J}_f^u = \sum_y q(y|x) L(x, y) + H(q(y|x))

    Source: Eqs. 6 and 7 of Kingma et al. 2014, of which these are the negatives. A sample of z for each image and
    class: the decoder runs k times over the batch, in one call. The code is that of the label, or the likeliest one.
    """
    k = model.model_config.classes
    seen = model.encoder.look(x)
    log_q_y = model.encoder.label_log_probs(seen)
    z, log_q_z = model.latent_posteriors(seen).rsample(generator)  # [B, k, d], [B, k]
    codes = torch.cat([torch.eye(k, device=z.device).expand(len(x), k, k), z], -1)  # [B, k, k + d]
    logits = model.decoder.logits(codes.flatten(0, 1))  # [B * k, C, H, W]
    log_p_x, squared_error = log_likelihood_and_error(logits, x[:, None].expand(-1, k, *x.shape[1:]).flatten(0, 1))
    bounds = log_p_x.unflatten(0, (-1, k)) + model.prior.box.log_prob(z) - log_q_z - math.log(k)  # L(x, y): [B, k]
    unlabelled = (log_q_y.exp() * (bounds - log_q_y)).sum(-1)
    picked = torch.where(labelled, y_l.argmax(-1), log_q_y.argmax(-1))
    return ForwardBounds(
        _of(bounds, picked),
        unlabelled,
        _of(squared_error.unflatten(0, (-1, k)), picked),
        log_q_y,
        _of(codes, picked),
        _of(logits.unflatten(0, (-1, k)), picked),
    )


def _of(values: Tensor, picked: Tensor) -> Tensor:
    """Return the values of one class an image: [B, k, ...] and [B] -> [B, ...]."""
    index = picked.view(-1, *[1] * (values.ndim - 1)).expand(-1, 1, *values.shape[2:])
    return values.gather(1, index)[:, 0]


BOUNDS: dict[str, Callable[..., ForwardBounds]] = {"concrete": relaxed, "sum": summed}
