"""Pythae's sampler interface for autoencoders of bits: fit on training images, sample images."""

from typing import Literal

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.models import BaseAE
from pythae.samplers.base import BaseSampler, BaseSamplerConfig
from torch import Tensor

from models.lbae.hyperplane import BIT_SAMPLERS


@dataclass(config=ConfigDict(extra="forbid"))
class BernoulliSamplerConfig(BaseSamplerConfig):
    """Which of `BIT_SAMPLERS` draws the bits: hyperplane rounding, direct Gaussian rounding or fair coins."""

    method: Literal["hyperplane", "rounding", "coins"] = "hyperplane"


class BernoulliSampler(BaseSampler):
    """Draws bits that follow the moments of the training images' bits, and decodes them (Section 3.2, LBAE).

    Raises TypeError for a model whose codes are not bits.
    """

    def __init__(self, model: BaseAE, sampler_config: BernoulliSamplerConfig | None = None):
        config = sampler_config or BernoulliSamplerConfig()
        if "bits" not in getattr(model, "capabilities", ()):
            raise TypeError(f"BernoulliSampler needs a model of bits, such as LBAE, not {type(model).__name__}")
        super().__init__(model=model, sampler_config=config)
        self._bits = BIT_SAMPLERS[config.method]()

    def fit(self, train_data: Tensor, eval_data: Tensor | None = None) -> None:
        """Take the moments of training images [K, C, H, W], in [0, 1] or uint8; the model keeps them too."""
        self._bits.fit_moments(self.model.fit_sampler(train_data).moments)
        self.is_fitted = True

    @torch.no_grad()
    def sample(
        self,
        num_samples: int = 1,
        batch_size: int = 500,
        output_dir: str | None = None,
        return_gen: bool = True,
        save_sampler_config: bool = False,
        generator: torch.Generator | None = None,
    ) -> Tensor | None:
        """Return images [num_samples, C, H, W], and write them to a folder as Pythae's samplers do.

        Raises ValueError before `fit`.
        """
        if not self.is_fitted:
            raise ValueError("the sampler has no moments yet: call fit(train_data) first")
        codes = self._bits.sample(num_samples, generator)
        images = torch.cat([self.model.decode(part) for part in codes.split(batch_size)])
        if output_dir is not None:
            for i, image in enumerate(images):
                self.save_img(image, output_dir, f"{i:08d}.png")
            if save_sampler_config:
                self.save(output_dir)
        return images if return_gen else None
