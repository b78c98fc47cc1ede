"""The perceptrons of M2 and Untapped: three of their own, or one that runs both ways."""

import math
from itertools import pairwise
from typing import Protocol

import torch
import torch.nn.functional as F
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseEncoder
from torch import Tensor, nn

from models.bidirectional import Decoder
from models.networks.layers import BiLayer
from models.networks.linear import BiLinear, Stack, TwoWay
from models.networks.two_way import Autocast, as_float32, own_trunk

_GAIN = math.sqrt(2)  # of Glorot's uniform initialisation, as in the paper's code
_LEAST_SCALE = 1e-6
Seen = tuple[Tensor, ...]  # what a network keeps of images that it has looked at


@dataclass(config=ConfigDict(extra="forbid"), frozen=True)
class PerceptronConfig:
    """Hidden sizes, from the input on; the activation is tanh. The defaults are the paper's (Appendix D, Untapped).

    labels   x -> y
    latent   (x, y) -> z
    image    (y, z) -> x; the bidirectional form is this network and its mirror image, and reads no other field
    """

    labels: tuple[int, ...] = (50, 50)
    latent: tuple[int, ...] = (10, 10)
    image: tuple[int, ...] = (250, 500)

    def __post_init__(self) -> None:
        if min((*self.labels, *self.latent, *self.image), default=1) < 1 or not self.latent or not self.image:
            raise ValueError("hidden sizes must be positive, and latent and image need at least one")


class EncoderPerceptrons(Autocast, nn.Module):
    """The perceptrons x -> y and (x, y) -> z. The head of z's scale starts at zero: a scale of ln 2."""

    def __init__(self, config: PerceptronConfig, pixels: int, classes: int, latent_dim: int):
        super().__init__()
        self.labels = perceptron(pixels, *config.labels, classes)
        first, *_ = config.latent
        self.from_image, self.from_label = _glorot(pixels, first), _glorot(classes, first, bias=False)
        for part in (self.from_image, self.from_label):  # one matrix over (x, y), kept as two
            nn.init.uniform_(part.weight, *_glorot_range(pixels + classes, first))
        hidden = [module for a, b in pairwise(config.latent) for module in (_glorot(a, b), nn.Tanh())]
        self.trunk = nn.Sequential(nn.Tanh(), *hidden)
        self.location = _glorot(config.latent[-1], latent_dim)
        self.scale = _zero(nn.Linear(config.latent[-1], latent_dim))

    def look(self, x: Tensor) -> Seen:
        """Return what the other methods take of images [B, C, H, W]: their pixels [B, D]."""
        return (x.flatten(1),)

    def label_logits(self, seen: Seen) -> Tensor:
        """Return the logits of q(y|x): [B, k]."""
        (pixels,) = seen
        with self.autocast(pixels):
            return as_float32(self.labels(pixels))

    def latent(self, seen: Seen, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the Gaussian's mean and standard deviation behind q(z|x, y), before the flow: [B, d] each.

        y is [B, k], or one label [k] of all images.
        """
        (pixels,) = seen
        with self.autocast(pixels):
            h = self.trunk(self.from_image(pixels) + self.from_label(y))
            location, scale = self.location(h), self.scale(h)
        return as_float32(location), _positive(as_float32(scale))


class DecoderPerceptron(Autocast, nn.Module):
    """The perceptron (y, z) -> x, which takes both as one code."""

    def __init__(self, config: PerceptronConfig, shape: tuple[int, ...], code_dim: int):
        super().__init__()
        self.shape = tuple(shape)
        self.image = perceptron(code_dim, *config.image, math.prod(shape))

    def reverse(self, code: Tensor) -> Tensor:
        """Decode: [B, k + d] -> pixel logits [B, C, H, W]."""
        with self.autocast(code):
            return as_float32(self.image(code)).unflatten(1, self.shape)


class MirrorNetwork(Autocast, nn.Module):
    r"""One perceptron for x -> y, (x, y) -> z and (y, z) -> x, on the weights of the last and their transposes.

    .. math::
        (l_y, c) &= W_3 h + b, \quad h = a(W_2 a(W_1 x + b) + b) \\
        q(y|x) &= softmax(l_y), \quad \mu_z = c + C y, \quad \sigma_z = softplus(V (h, y) + b) \\
        l_x &= W_1^T a(W_2^T a(W_3^T (y, z) + b) + b) + b

    Its widths are those of `PerceptronConfig.image`, mirrored for the forward pass: 784-500-250-(10 + 2) where the
    paper's own encoders are 784-50-50-10 and 794-10-10-2. Only C, V and the biases belong to one direction. A network
    of the user's `own` stands for all layers but that of W_3.
    """

    def __init__(
        self,
        config: PerceptronConfig,
        shape: tuple[int, ...],
        classes: int,
        latent_dim: int,
        own: TwoWay | None = None,
    ):
        super().__init__()
        self.shape, self.classes = tuple(shape), classes
        first = own_trunk(own, self.shape) if own is not None else []
        hidden = [first[-1].out_shape[0]] if first else [math.prod(shape), *reversed(config.image)]
        sizes = [*hidden, classes + latent_dim]
        ends: dict[int, tuple[str, ...]] = {} if first else {0: ("reverse",)}
        ends[len(sizes) - 2] = ("forward",)
        linears = [BiLinear(a, b) for a, b in pairwise(sizes)]
        for linear in linears:
            nn.init.xavier_uniform_(linear.weight, _GAIN)
        self.layers = Stack(
            *first,
            *(BiLayer(linear, "bias", nn.Tanh(), "both", ends.get(i, ())) for i, linear in enumerate(linears)),
        )
        self.flat = not first
        self.location = _zero(nn.Linear(classes, latent_dim, bias=False))
        self.scale = _zero(nn.Linear(sizes[-2] + classes, latent_dim))

    def look(self, x: Tensor) -> Seen:
        """Return the last hidden layer [B, H] and the code that the heads start from [B, k + d]."""
        with self.autocast(x):
            h = x.flatten(1) if self.flat else x
            for layer in self.layers:
                last, h = h, layer(h)
            return last, h

    def label_logits(self, seen: Seen) -> Tensor:
        """Return the logits of q(y|x): [B, k]."""
        return as_float32(seen[1][:, : self.classes])

    def latent(self, seen: Seen, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the Gaussian's mean and standard deviation behind q(z|x, y): [B, d] each; y is [B, k] or [k]."""
        h, code = seen
        with self.autocast(y):
            location = code[:, self.classes :] + self.location(y)
            scale = self.scale(torch.cat([h, y.to(h.dtype).expand(len(h), -1)], 1))
        return as_float32(location), _positive(as_float32(scale))

    def reverse(self, code: Tensor) -> Tensor:
        """Decode: [B, k + d] -> pixel logits [B, C, H, W]."""
        with self.autocast(code):
            return as_float32(self.layers.reverse(code)).flatten(1).unflatten(1, self.shape)


class LabelledEncoder(BaseEncoder):
    """Networks seen as an encoder: `look` at images once, then ask for labels and latents of what was seen."""

    def __init__(self, networks: EncoderPerceptrons | MirrorNetwork):
        super().__init__()
        self.networks = networks

    @property
    def own(self) -> nn.Module:
        """The network of the user's own that this is a view of, if it is of one."""
        assert isinstance(self.networks, MirrorNetwork)
        return self.networks.layers[0]

    def look(self, x: Tensor) -> Seen:
        """Return what the other methods take of images [B, C, H, W]."""
        return self.networks.look(x)

    def label_log_probs(self, seen: Seen) -> Tensor:
        """Return ln q(y|x) of each class: [B, k]."""
        return self.networks.label_logits(seen).log_softmax(-1)

    def latent(self, seen: Seen, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the Gaussian's mean and standard deviation behind q(z|x, y), before the flow: y [B, k] -> [B, d]."""
        return self.networks.latent(seen, y)

    def latents(self, seen: Seen, classes: int) -> tuple[Tensor, Tensor]:
        """Return the same of every label: [B, k, d] each. What does not depend on the label is computed once."""
        labels = torch.eye(classes, device=next(self.parameters()).device)
        return torch.vmap(lambda y: self.latent(seen, y), out_dims=1)(labels)

    def forward(self, x: Tensor) -> ModelOutput:
        """Pythae's interface: `embedding`, ln q(y|x)."""
        return ModelOutput(embedding=self.label_log_probs(self.look(x)))


class LabelledSizes(Protocol):
    """What of a model's configuration the sizes of its networks depend on."""

    input_dim: tuple[int, ...]
    classes: int
    latent_dim: int
    network: PerceptronConfig


def networks_of(config: LabelledSizes, *, shared: bool, own: TwoWay | None = None) -> tuple[LabelledEncoder, Decoder]:
    """Return the encoder and the decoder of a model's configuration, on two networks or on one, the user's `own`."""
    shape, classes, latent = config.input_dim, config.classes, config.latent_dim
    if shared:
        both = MirrorNetwork(config.network, shape, classes, latent, own)
        return LabelledEncoder(both), Decoder(both)
    encoder = EncoderPerceptrons(config.network, math.prod(shape), classes, latent)
    return LabelledEncoder(encoder), Decoder(DecoderPerceptron(config.network, shape, classes + latent))


def perceptron(*sizes: int) -> nn.Sequential:
    """Return linear layers of these sizes with tanh between them."""
    first, *others = [_glorot(a, b) for a, b in pairwise(sizes)]
    return nn.Sequential(first, *(module for linear in others for module in (nn.Tanh(), linear)))


def _glorot(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    linear = nn.Linear(inputs, outputs, bias=bias)
    nn.init.uniform_(linear.weight, *_glorot_range(inputs, outputs))
    if bias:
        nn.init.zeros_(linear.bias)
    return linear


def _glorot_range(inputs: int, outputs: int) -> tuple[float, float]:
    bound = _GAIN * math.sqrt(6 / (inputs + outputs))
    return -bound, bound


def _zero(linear: nn.Linear) -> nn.Linear:
    for parameter in linear.parameters():
        nn.init.zeros_(parameter)
    return linear


def _positive(raw: Tensor) -> Tensor:
    return F.softplus(raw) + _LEAST_SCALE
