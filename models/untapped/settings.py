"""Configurations of M2 and Untapped, and what the paper and its code do differently."""

import math
from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae import models as pythae

from models.untapped.networks import PerceptronConfig

# In the code the x-discriminative loss is taken of a hard sample and so has no gradient: it has no weight here. The
# whole is a tenth of a loss with unit weights on the bounds; the code's clips and epsilon are meant for that. "fork" is
# a public fork of that code, which alone has the printed 150 epochs: its box is wider, its bound that of Eq. 17.
SETTINGS: dict[str, dict[str, object]] = {
    "as-paper": {
        "half_width": 1.5,
        "label_loss": "cross-entropy",
        "alpha_f": 1.0,
        "alpha_r": 1.0,
        "alpha_f_d": 10.0,
        "alpha_r_d": 0.1,
        "pairs": "fresh",
        "smoothing": 0.0,
        "image_sample": "straight-through",
        "reverse_latent": True,
    },
    "as-code": {
        "half_width": math.pi / 2,
        "label_loss": "sample",
        "alpha_f": 0.1,
        "alpha_r": 0.1,
        "alpha_f_d": 1.0,
        "alpha_r_d": 0.0,
        "pairs": "fixed",
        "smoothing": 0.05,
        "image_sample": "hard",
        "reverse_latent": False,
    },
}
SETTINGS["fork"] = SETTINGS["as-code"] | {"half_width": 6.0, "reverse_latent": True}
_STRICT = ConfigDict(extra="forbid")


@dataclass(config=_STRICT)
class M2Config(pythae.AEConfig):
    """M2. What is None is filled in by `setting`; `latent_dim` is the dimension d of z.

    classes            k; labels are 0 to k - 1, and -1 where there is none
    setting            "as-paper", "as-code" or "fork", which differ as `SETTINGS` says
    unlabelled         y of an unlabelled image: a "concrete" sample (Eq. 4), or the "sum" over all k of Kingma et al.
    temperature        of the Concrete distribution of y
    half_width         h of the box [-h, h]^d of z
    label_loss         y-discriminative loss: the "cross-entropy" of q(y|x), or KL(y || y~) of a Concrete "sample" y~
    alpha_f, alpha_r   weights of the forward and of the reverse bounds (Algorithm 1)
    alpha_f_d          weight of the y-discriminative loss
    alpha_r_d          weight of the x-discriminative loss, the square of the L2 norm (the paper's code: the norm)
    """

    latent_dim: int = 2
    reconstruction_loss: Literal["bce"] = "bce"
    network: PerceptronConfig = PerceptronConfig()
    classes: int = 10
    setting: Literal["as-paper", "as-code", "fork"] = "as-paper"
    unlabelled: Literal["concrete", "sum"] = "concrete"
    temperature: float = 1.0
    half_width: float | None = None
    label_loss: Literal["cross-entropy", "sample"] | None = None
    alpha_f: float | None = None
    alpha_r: float | None = None
    alpha_f_d: float | None = None
    alpha_r_d: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, value in SETTINGS[self.setting].items():
            if getattr(self, key, value) is None:
                setattr(self, key, value)
        assert self.half_width is not None
        if self.classes < 2 or self.half_width <= 0 or self.temperature <= 0:
            raise ValueError("classes must be at least 2, half_width and temperature positive")
        if self.unlabelled == "sum" and self.label_loss == "sample":
            raise ValueError('label_loss "sample" is of a Concrete sample, and unlabelled "sum" draws none')


@dataclass(config=_STRICT)
class UntappedConfig(M2Config):
    """Untapped: M2 and the reverse model.

    pairs              (y, z) without images: "fresh" z ~ p(z) (Eq. 17); "latent", the same as a bound on ln q(y) alone
                       (Eq. 5), which only adds the constant -ln p(z); "fixed", k pairs drawn once
    smoothing          s of the labels of these pairs: 1 - s for the label, s / (k - 1) for each other; q(y|x) is then
                       the Concrete density. 0: one-hot, under the categorical distribution
    image_sample       x ~ p(x|y, z) of {0, 1}: "straight-through", with its mean's gradient and the exact entropy, for
                       which the decoder gives noise for most z; or "hard", without a gradient, judged by its
                       likelihood, so that the decoder learns from images alone; or "relaxed", a binary Concrete
                       variable judged by that likelihood too, which is no bound
    reverse_latent     whether the reverse bound has ln q(z|x, y); without it, it is one on ln q(y)
    labelled_reverse   add the bound of the reverse model with labels (Eq. 51), which the paper found to harm
    """

    pairs: Literal["fresh", "fixed", "latent"] | None = None
    smoothing: float | None = None
    image_sample: Literal["straight-through", "hard", "relaxed"] | None = None
    reverse_latent: bool | None = None
    labelled_reverse: bool = False
