"""The latent Bernoulli autoencoder: codes of bits through a straight-through gradient, sampled by hyperplanes."""

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic.dataclasses import dataclass
from pythae import models as pythae
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor

from models.bidirectional import Decoder, PointEncoder
from models.capabilities import PointLatent
from models.distributions.densities import Bernoulli, UnitGaussian
from models.forms import Family, forms
from models.lbae.hyperplane import HyperplaneSampler, second_moments, sign
from models.lbae.paths import interpolate
from models.noise import Noise
from models.training import Batch, Objective, Terms, as_float

_IMAGES_AT_ONCE = 1000


def binarise(t: Tensor) -> Tensor:
    r"""Return the bits of t, with the gradient of the identity.

    .. math:: b = f_b(t), \quad \partial b / \partial t := 1

    Source: Eq. 1 and the surrogate f_s, LBAE. Any shape -> the same; +1 where t >= 0, else -1, exactly.
    """
    return sign(t).detach() + (t - t.detach())


class BitEncoder(PointEncoder):
    r"""A network seen as an encoder of bits.

    .. math:: b = f_b(\tanh z), \quad \partial b / \partial z := 1 - \tanh^2 z

    Source: Section 3.1, LBAE. Without `tanh` the bits are the same and the gradient is 1.
    """

    tanh = True

    def forward(self, x: Tensor) -> ModelOutput:
        """Return `embedding`, bits -1 and +1: [B, C, H, W] -> [B, N]."""
        z = self.network.point(x)
        return ModelOutput(embedding=binarise(z.tanh() if self.tanh else z))


class BitDecoder(Decoder):
    """A network seen as a decoder of bits."""

    def forward(self, z: Tensor) -> ModelOutput:
        """Return `reconstruction`: [B, N] -> [B, C, H, W]; raises ValueError for codes that are not -1 and +1."""
        if not z.is_meta and not bool((z.abs() == 1).all()):
            raise ValueError("a code of LBAE is of bits, -1 and +1: draw them by sample(n), after fit_sampler(images)")
        return super().forward(z)


@dataclass
class _LBAEConfig(pythae.AEConfig):
    """LBAE: `latent_dim` is the number of bits N; `tanh` says whether there is one before the signs."""

    reconstruction_loss: Literal["bce", "mse"] = "bce"
    tanh: bool = True


class _LBAE(Objective, PointLatent, pythae.AE):
    r"""LBAE: minimise the reconstruction error of an autoencoder of bits.

    .. math:: L(x) = d(x, f_\theta(b)), \quad b = f_b(\tanh g_\phi(x)) \in \{-1, +1\}^N

    Source: Section 3.1, LBAE; d is the cross-entropy ("bce", MNIST) or the squared error ("mse"), summed over the
    image, its margin included. There is no prior: codes are drawn by hyperplane rounding (`models/lbae/hyperplane.py`)
    from the second moments of the training images' bits, which `fit_sampler` takes and a stored model keeps.

    The paper and its code differ in the learning rate on MNIST (1e-3; 1e-4), the epochs (2000, 2000, 500; at most
    5000, 3000, 3900, the one kept that has the best FID on the test set), the moments (of re-encoded images, as here;
    of the codes met in the last training epoch), the boundary's flip along interpolations (yes; no) and the
    threshold of attribute edits (0.1; 0.12). Here the epoch with the best validation reconstruction is kept.
    """

    capabilities = PointLatent.capabilities | {"bits"}
    moments: Tensor  # [N + 1, N + 1] float32; zeros before `fit_sampler`

    def __init__(self, model_config: _LBAEConfig, encoder: BaseEncoder, decoder: BaseDecoder):
        if not (isinstance(encoder, BitEncoder) and isinstance(decoder, Decoder)):
            raise ValueError("LBAE takes a BitEncoder and a models.bidirectional.Decoder, or none of its own")
        super().__init__(model_config, encoder, decoder)
        encoder.tanh = model_config.tanh
        self.register_buffer("moments", torch.zeros(model_config.latent_dim + 1, model_config.latent_dim + 1))

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        b = self.embed(batch.x)
        logits = self._canvas(b)
        seen = self.decoder.network.margin.crop(logits)
        p_x = Bernoulli(seen) if self.model_config.reconstruction_loss == "bce" else UnitGaussian(seen.sigmoid())
        return Terms({"distortion": self._distortion(batch.x, logits)}, b, p_x)

    def selection_loss(self, x: Tensor, generator: Noise = None) -> Tensor:
        """Return the reconstruction error of each image [N], summed over its pixels, by which the epoch is chosen."""
        return self._distortion(x, self._canvas(self.embed(x)))

    def _canvas(self, b: Tensor) -> Tensor:
        """Return the pixel logits with the margin."""
        return self.decoder.network.reverse(b, crop=False)

    def _distortion(self, x: Tensor, logits: Tensor) -> Tensor:
        target = self.decoder.network.margin.pad(x)
        if self.model_config.reconstruction_loss == "bce":
            error = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        else:
            error = (logits.sigmoid() - target).square()
        return error.flatten(1).sum(1)

    @torch.no_grad()
    def fit_sampler(self, images: Tensor) -> "_LBAE":
        """Take the moments of the bits of training images [K, C, H, W] and return the model.

        Images are in [0, 1] or uint8. Their bits are those of evaluation mode, whatever mode the model is in.
        """
        was_training, device = self.training, self.moments.device
        self.eval()
        parts = [self.embed(as_float(part.to(device))).to(torch.int8) for part in images.split(_IMAGES_AT_ONCE)]
        self.train(was_training)
        self.moments = second_moments(torch.cat(parts)).float()
        return self

    def _hyperplanes(self) -> HyperplaneSampler:
        if not bool(self.moments[-1, -1]):
            raise ValueError(
                f"{self.model_name} has no moments to sample from: call fit_sampler(training_images) first"
            )
        return HyperplaneSampler().fit_moments(self.moments)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Decode n draws by hyperplane rounding: [n, C, H, W]; raises ValueError before `fit_sampler`."""
        return self.decode(self._hyperplanes().sample(n, generator))

    def interpolate(self, starting_inputs: Tensor, ending_inputs: Tensor, granularity: int = 10) -> Tensor:
        """Decode the path between the hyperplanes of two images' bits: [B, C, H, W] twice -> [B, steps, C, H, W].

        Pythae's method of this name would mix the bits. Raises ValueError before `fit_sampler`.
        """
        first, last = self.embed(starting_inputs), self.embed(ending_inputs)
        bits = interpolate(self._hyperplanes().factor, first, last, steps=granularity, flip=True)  # [B, T, N]
        return self.decode(bits.flatten(0, 1)).unflatten(0, bits.shape[:2])


__getattr__ = forms(__name__, LBAE=Family(_LBAE, _LBAEConfig, view=BitEncoder, decoder_view=BitDecoder))
