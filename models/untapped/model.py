"""Semi-supervised M2 and Untapped, which also learns from labels without images, each in two forms.

The bidirectional one is on one network that runs both ways (`models.untapped.networks.MirrorNetwork`).
"""

import math
from collections.abc import Callable

import torch
from pythae import models as pythae
from pythae.models.base.base_utils import ModelOutput
from torch import Tensor

from models.bidirectional import Decoder
from models.capabilities import LabelledLatent
from models.distributions.concrete import (
    concrete_log_prob,
    hard_bernoulli,
    relaxed_bernoulli,
    straight_through_bernoulli,
)
from models.distributions.densities import Bernoulli
from models.distributions.labelled import one_hot
from models.forms import Family, forms
from models.from_config import FromConfig
from models.networks.linear import TwoWay
from models.noise import Noise
from models.training import Batch, Objective, Terms
from models.untapped.bounds import BOUNDS
from models.untapped.networks import LabelledEncoder, networks_of
from models.untapped.settings import M2Config, UntappedConfig

IMAGE_TEMPERATURE = 2 / 3  # of the relaxed Bernoulli, as Maddison et al. 2017 choose for binary variables
IMAGE_SAMPLES: dict[str, Callable[[Tensor, Noise], Tensor]] = {
    "straight-through": straight_through_bernoulli,
    "hard": hard_bernoulli,
    "relaxed": lambda logits, generator: relaxed_bernoulli(logits, IMAGE_TEMPERATURE, generator),
}


class M2(FromConfig, Objective, LabelledLatent, pythae.AE):
    r"""M2: minimise the negative forward bounds and the discriminative losses, each a mean over the images it is for.

    .. math::
        L = -\alpha_f (\mathcal{J}_f^l + \mathcal{J}_f^u) + \alpha_f^d L_y(q(y|x), y) + \alpha_r^d ||x - E[x|y, z]||^2

    Source: Eqs. 7 and 8 and Algorithm 1, Untapped, with the bounds of `models.untapped.bounds`, y of an unlabelled
    image relaxed or summed; all constants are kept. The x-discriminative loss is the square of the L2 norm; the paper
    says "L2", and its public code takes the norm itself. Labelled and unlabelled images (label -1) may stand in any
    order in a batch.
    """

    config_class = M2Config
    flat = True
    _ones = 0  # labels in a row that were all 1.0
    weight_options = frozenset({"alpha_f", "alpha_r", "alpha_f_d", "alpha_r_d"})

    def networks(self, config: M2Config, own: TwoWay | None = None) -> tuple[LabelledEncoder, Decoder]:
        """Return the encoder and the decoder."""
        return networks_of(config, shared=self.shared, own=own)

    def check_labels(self, labels: Tensor | None) -> None:
        """Raise ValueError where training labels cannot serve: none at all, or others than -1 to k - 1."""
        k, advice = self.model_config.classes, "give one label an image, -1 where it has none"
        if labels is None or labels.ndim != 1 or not bool((labels >= 0).any()):
            raise ValueError(f"{self.model_name} learns from labels, and these images have none: {advice}")
        if int(labels.min()) < -1 or int(labels.max()) >= k:
            found = f"labels from {int(labels.min())} to {int(labels.max())}"
            raise ValueError(f"{self.model_name} of {k} classes takes labels from 0 to {k - 1}, not {found}: {advice}")

    def forward(self, inputs: dict[str, Tensor], **kwargs: int) -> ModelOutput:
        """Pythae's interface; raises ValueError in training without labels. Elsewhere images may have none."""
        x, labels = inputs["data"], self._given(inputs.get("labels"))
        if self.training and not x.is_meta:
            self.check_labels(labels)
        labels = x.new_full((len(x),), -1, dtype=torch.long) if labels is None else labels
        return super().forward({"data": x, "labels": labels}, **kwargs)

    def _given(self, labels: Tensor | None) -> Tensor | None:
        """Return labels, or -1 for those that Pythae gives images without any: 1.0 for all, in so many that labels
        drawn at random would all be so in one case of a million."""
        if labels is None or labels.is_meta:
            return labels
        self._ones = self._ones + len(labels) if labels.is_floating_point() and bool((labels == 1).all()) else 0
        return torch.full_like(labels, -1) if self.model_config.classes**self._ones > 1e6 else labels

    def weights(self, epoch: int) -> dict[str, float]:
        config = self.model_config
        bounds = {"forward_labelled": config.alpha_f, "forward_unlabelled": config.alpha_f}
        bounds |= {"reverse": config.alpha_r, "reverse_labelled": config.alpha_r}
        return bounds | {"label_loss": config.alpha_f_d, "image_loss": config.alpha_r_d}

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        assert batch.y is not None
        config = self.model_config
        labelled = batch.y >= 0  # [B]
        y_l = one_hot(batch.y, config.classes)  # [B, k]
        found = BOUNDS[config.unlabelled](self, batch.x, y_l, labelled, generator)
        losses = {
            "forward_labelled": of(labelled, -found.labelled),
            "forward_unlabelled": of(~labelled, -found.unlabelled),
            "label_loss": of(labelled, -(y_l * found.log_y).sum(-1)),
            "image_loss": of(labelled, found.squared_error),
        }
        return Terms(losses, found.code, Bernoulli(found.logits))


class Untapped(M2):
    r"""Untapped: M2, and minimise the negative bound of the reverse model on pairs (y, z) that have no image.

    .. math::
        \ln q(y, z) \ge \mathcal{J}_r^u = \ln q(y|x) + \ln q(z|x, y) - \ln p(x|y, z) + \ln q(x), \quad x \sim p(x|y, z)

    Source: Eqs. 5, 8 and 17, Untapped; q(x) = 2^{-D}, labels in turn, half as many pairs as a batch has images (as
    many as either stream, where both are as large). As in the paper x is of {0, 1}; the entropy of its law is exact.
    """

    config_class = UntappedConfig
    fixed_z: Tensor  # [k, d]

    def __init__(self, model_config: UntappedConfig, encoder: None = None, decoder: None = None):
        super().__init__(model_config, encoder, decoder)
        if model_config.pairs == "fixed":
            device = next(self.parameters()).device
            self.register_buffer("fixed_z", self.prior.box.sample(model_config.classes, device=device))

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        assert batch.y is not None
        terms = super().terms(batch, generator)
        pairs = self.unfeatured(max(1, len(batch.x) // 2), batch.x.device, generator)
        terms.losses["reverse"] = -self.reverse_bound(*pairs, generator)
        if self.model_config.labelled_reverse:
            y = one_hot(batch.y, self.model_config.classes)
            bound = self.labelled_reverse_bound(batch.x, y, generator)
            terms.losses["reverse_labelled"] = of(batch.y >= 0, -bound)
        return terms

    def unfeatured(self, n: int, device: torch.device, generator: Noise = None) -> tuple[Tensor, Tensor]:
        """Return n pairs without images: y [n, k], the classes in turn, and z [n, d]."""
        config, k = self.model_config, self.model_config.classes
        turn = torch.arange(n, device=device) % k
        y = (1 - config.smoothing - config.smoothing / (k - 1)) * one_hot(turn, k) + config.smoothing / (k - 1)
        return y, self.fixed_z[turn] if config.pairs == "fixed" else self.prior.box.sample(n, generator, device)

    def reverse_bound(self, y: Tensor, z: Tensor, generator: Noise = None) -> Tensor:
        r"""Return an estimate of :math:`\mathcal{J}_r^u` of pairs y [n, k], z [n, d] by one image x each, in nats [n].

        .. math:: \ln q(y|x) + \ln q(z|x, y) + H[p(x|y, z)] + \ln q(x), \quad x \sim p(x|y, z)

        Its mean is at most :math:`\ln q(y, z)`, or :math:`\ln q(y)` with z latent or without :math:`\ln q(z|x, y)`; but
        a "relaxed" x is judged by a law of {0, 1}, and can come out above.
        """
        config = self.model_config
        logits = self.decoder.logits(torch.cat([y, z], 1))
        law, x = Bernoulli(logits), IMAGE_SAMPLES[config.image_sample](logits, generator)
        entropy = law.entropy() if config.image_sample == "straight-through" else -law.log_prob(x)
        seen = self.encoder.look(x)
        log_q_y = self.encoder.label_log_probs(seen)
        log_q = concrete_log_prob(y.log(), log_q_y, config.temperature) if config.smoothing else (y * log_q_y).sum(-1)
        bound = log_q + entropy + self.log_q_x
        if config.reverse_latent:
            bound = bound + self.latent_posterior(seen, y).log_prob(z)
            if config.pairs == "latent":
                bound = bound - self.prior.box.log_prob(z)
        return bound

    def labelled_reverse_bound(self, x: Tensor, y: Tensor, generator: Noise = None) -> Tensor:
        r"""Return the bound of the reverse model on images x [B, C, H, W] with labels y [B, k], in nats [B].

        .. math:: \mathcal{J}_r^l = \ln q(z|x, y) + \ln q(y|x) + \ln q(x) - \ln p(z), \quad z \sim p(z)

        Source: Eq. 51, Untapped.
        """
        seen, box = self.encoder.look(x), self.prior.box
        z = box.sample(len(x), generator, x.device)
        log_q_y = (y * self.encoder.label_log_probs(seen)).sum(-1)
        return self.latent_posterior(seen, y).log_prob(z) + log_q_y + self.log_q_x - box.log_prob(z)

    @property
    def log_q_x(self) -> float:
        """The prior of the reverse model on an image, fair coins: -D ln 2."""
        return -math.prod(self.model_config.input_dim) * math.log(2)


def of(chosen: Tensor, values: Tensor) -> Tensor:
    """Return values [B] so scaled that their mean is that of the chosen rows, with zeros elsewhere; 0 without any."""
    share = chosen.float().mean().clamp(min=1 / len(chosen))
    return torch.where(chosen, values, 0.0) / share


__getattr__ = forms(__name__, M2=Family(M2, M2Config), Untapped=Family(Untapped, UntappedConfig))
