"""Pythae's autoencoders without a posterior on the suite's networks, and their bidirectional forms.

Their losses are squared errors, and no other can be asked for.
"""

from typing import Literal

from pydantic.dataclasses import dataclass
from pythae import models as pythae
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor
from torch.nn.utils.parametrizations import spectral_norm

from models.bidirectional import Decoder, PointEncoder
from models.capabilities import PointLatent
from models.distributions.densities import StandardNormal
from models.forms import Family, forms
from models.interface.routes import Route, followed, owned
from models.interface.trainers import COUPLED
from models.networks.linear import BiConv2d, BiLinear
from models.noise import Noise


@dataclass
class _SquaredError:
    """The field of a configuration that names the loss."""

    reconstruction_loss: Literal["mse"] = "mse"


class _Point(PointLatent):
    """What they share."""

    mixed_in = (_SquaredError,)


class _AE(_Point, pythae.AE):
    """AE: minimise the squared error."""


class _WAE(_Point, pythae.WAE_MMD):
    """WAE-MMD: squared error + reg_weight MMD(q(z), N(0, I)); the codes of all images follow the prior."""

    capabilities = PointLatent.capabilities | {"prior"}

    @property
    def prior(self) -> StandardNormal:
        """The prior p(z)."""
        return StandardNormal(self.model_config.latent_dim)

    def sample(self, n: int, generator: Noise = None) -> Tensor:
        """Decode n draws of the prior: [n, C, H, W]."""
        return self.decode(self.prior.sample(n, generator, next(self.decoder.parameters()).device))


@dataclass
class _RAEConfig(pythae.RAE_L2_Config):
    """RAE-L2. RAE-SN has `spectral_norm`."""

    spectral_norm: bool = False


class _RAE(_Point, pythae.RAE_L2):
    r"""RAE-L2: minimise the squared error, the size of the codes and that of the decoder's weights.

    .. math:: ||x - D(z)||^2 + \beta \tfrac12 ||z||^2 + \lambda \tfrac12 ||\theta_D||^2

    Source: Ghosh et al. 2020. Pythae gives the last term to the decoder's optimiser as weight decay
    `reg_weight`; with one optimiser for all weights it is part of the loss, whose gradient is the same. RAE-SN, which
    Pythae lacks, divides each weight of the decoder by its largest singular value instead of weighing its size.
    """

    trainers = COUPLED

    def __init__(self, model_config: _RAEConfig, encoder: BaseEncoder, decoder: BaseDecoder):
        super().__init__(model_config, encoder, decoder)
        if model_config.spectral_norm:
            for module in [m for m in self.decoder.modules() if isinstance(m, BiConv2d | BiLinear)]:
                spectral_norm(module, "weight")

    def forward(self, inputs: dict[str, Tensor], **kwargs: int) -> ModelOutput:
        """Pythae's output, with the decoder's term in the loss; the losses of two optimisers move a network each."""
        out = super().forward(inputs, **kwargs)
        if not self.model_config.spectral_norm:
            size = sum(p.square().sum() for p in self.decoder.parameters())
            out.loss = out.loss + 0.5 * self.model_config.reg_weight * size
        out.encoder_loss = followed(Route(owned(self.encoder), out.loss))
        out.decoder_loss = followed(Route(owned(self.decoder), out.loss))
        return out


class _RAEGP(_Point, pythae.RAE_GP):
    """RAE-GP: squared error + the size of the codes + that of the gradient of D(E(x)) by x."""


class GridEncoder(PointEncoder):
    """A network seen as an encoder of a grid of vectors: its code, cut into `side` x `side` places."""

    side = 1

    def forward(self, x: Tensor) -> ModelOutput:
        """Return `embedding`: [B, C, H, W] -> [B, D, side, side] with D side^2 = L."""
        return ModelOutput(embedding=self.network.point(x).unflatten(1, (-1, self.side, self.side)))


class GridDecoder(Decoder):
    """A network seen as a decoder of such a grid, or of it laid out flat."""

    def logits(self, z: Tensor) -> Tensor:
        """Return pixel logits: [B, D, side, side] or [B, L] -> [B, C, H, W]."""
        return self.network.reverse(z.flatten(1))


@dataclass
class _VQVAEConfig(pythae.VQVAEConfig):
    """VQ-VAE whose code is `side` x `side` vectors of the codebook, of latent_dim / side^2 numbers each."""

    side: int = 2


class _VQVAE(_Point, pythae.VQVAE):
    """VQ-VAE: squared error, each vector of the code replaced by the nearest of the codebook."""

    capabilities = PointLatent.capabilities | {"codebook"}

    def __init__(self, model_config: _VQVAEConfig, encoder: BaseEncoder, decoder: BaseDecoder):
        if model_config.latent_dim % model_config.side**2:
            raise ValueError(f"latent_dim {model_config.latent_dim} is no multiple of {model_config.side}^2 places")
        if isinstance(encoder, GridEncoder):
            encoder.side = model_config.side
        super().__init__(model_config, encoder, decoder)

    def embed(self, inputs: Tensor) -> Tensor:
        """Return the quantised code, laid out flat: [N, C, H, W] -> [N, L]."""
        return self._quantised(inputs).quantized_vector.flatten(1)

    def indices(self, inputs: Tensor) -> Tensor:
        """Return which vectors of the codebook an image has: [N, C, H, W] -> [N, side, side] int64."""
        return self._quantised(inputs).quantized_indices[:, 0]

    def look_up(self, indices: Tensor) -> Tensor:
        """Return the code of vectors of the codebook: [N, side, side] int64 -> [N, L]."""
        table = self.quantizer.embeddings
        rows = table.weight if hasattr(table, "weight") else table  # a buffer where moving averages fit it
        return rows[indices].permute(0, 3, 1, 2).flatten(1)

    def _quantised(self, x: Tensor) -> ModelOutput:
        return self.quantizer(self.encoder(x).embedding.permute(0, 2, 3, 1))


__getattr__ = forms(
    __name__,
    AE=Family(_AE, pythae.AEConfig, view=PointEncoder),
    WAE=Family(_WAE, pythae.WAE_MMD_Config, view=PointEncoder),
    RAE=Family(_RAE, _RAEConfig, view=PointEncoder),
    RAEGP=Family(_RAEGP, pythae.RAE_GP_Config, view=PointEncoder),
    VQVAE=Family(_VQVAE, _VQVAEConfig, view=GridEncoder, decoder_view=GridDecoder),
)
