"""The networks of selfVAE, densely connected: q of each latent, and p of each latent and image."""

import torch
import torch.nn.functional as F
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae.models import BaseAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor, nn

from models.distributions.densities import Gaussian
from models.distributions.likelihoods import LIKELIHOODS, Likelihood, numbers_a_pixel
from models.networks.dense import code_maps, dense_down, dense_flat, dense_up
from models.networks.two_way import Autocast, as_float32
from models.selfvae.transformations import TRANSFORMATIONS

LOG_VARIANCE = 7.0  # log-variances are within this of 0

Shape = tuple[int, ...]


@dataclass(config=ConfigDict(extra="forbid"), frozen=True)
class SelfNetworkConfig:
    """Sizes of selfVAE's networks: growth, steps and, where nothing is scaled, groups.

    The growth doubles at each halving of an image and is halved at each doubling. x's sides are halved `downs` times
    to a latent's, those of a downscaled image less often. `paper` for 32 x 32: q_u [64, 3], p_y [128, 4], q_z [16, 4],
    p_z_image [32, 5], p_z_code [64, 3, 3], p_z [64, 3, 3], p_x_code [64, 8], p_x [64, 5, 3].

    q_u        of q(u|y)
    p_y        of p(y|u), of the last image y
    q_z        of each q(z|x)
    p_z_image  of each p(z|y, u): what looks at y;  p_z_code  at u (or the z above);  p_z  at both
    p_x_code   of each p(x|y, z): what looks at z;  p_x  at that and at y, enlarged
    """

    downs: int = 2
    q_u: tuple[int, int] = (8, 2)
    p_y: tuple[int, int] = (16, 2)
    q_z: tuple[int, int] = (4, 2)
    p_z_image: tuple[int, int] = (8, 2)
    p_z_code: tuple[int, int, int] = (8, 2, 1)
    p_z: tuple[int, int, int] = (8, 2, 1)
    p_x_code: tuple[int, int] = (8, 3)
    p_x: tuple[int, int, int] = (8, 2, 1)

    def __post_init__(self) -> None:
        sizes = (self.q_u, self.p_y, self.q_z, self.p_z_image, self.p_z_code, self.p_z, self.p_x_code, self.p_x)
        if min(self.downs, *(number for size in sizes for number in size)) < 1:
            raise ValueError("downs, growths, steps and groups must be positive")


class Geometry:
    """Of a configuration: the shapes of the images x, y_1, ..., y_n, how often the sides of each are halved to those of
    a latent, and a latent's maps [C, S, S]. Raises ValueError for sizes that do not fit."""

    def __init__(self, config: BaseAEConfig):
        downs, shapes, halvings = config.network.downs, [tuple(config.input_dim)], [config.network.downs]
        self.maps = code_maps(config.latent_dim, shapes[0], downs)
        for name in config.transformations:
            shapes.append(TRANSFORMATIONS[name].shape(shapes[-1]))
            halvings.append(halvings[-1] - (shapes[-1][1] < shapes[-2][1]))
        if halvings[-1] < 0:
            raise ValueError(f"{downs} downs are too few for these transformations; set {downs - halvings[-1]}")
        self.shapes, self.halvings = shapes, halvings
        self.numbers = [numbers_a_pixel(config.reconstruction_loss, shape[0]) for shape in shapes]


class ChainEncoder(Autocast, BaseEncoder):
    """The posteriors, from latent 1, q(z_1|x), to the last, q(u|y_n): each sees the image before it."""

    def __init__(self, config: BaseAEConfig):
        super().__init__()
        geometry, sizes = Geometry(config), config.network
        last = len(geometry.shapes) - 1
        self.networks = nn.ModuleList(
            dense_down(shape[0], 2 * geometry.maps[0], sizes.q_u if i == last else sizes.q_z, halvings)
            for i, (shape, halvings) in enumerate(zip(geometry.shapes, geometry.halvings, strict=True))
        )

    def latent(self, j: int, image: Tensor) -> Gaussian:
        """Return q of latent j given image j - 1, [N, C, H, W]; parameters [N, L]."""
        with self.autocast(image):
            return gaussian(self.networks[j - 1](image))

    def forward(self, x: Tensor) -> ModelOutput:
        """Pythae's interface: `embedding` and `log_covariance` of q(z_1|x)."""
        mean, log_variance = self.latent(1, x)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class ConditionalLatent(nn.Module):
    """The numbers of p(z|y, u): y [N, C, H, W] and u's maps -> [N, 2 C', S, S]."""

    def __init__(self, sizes: SelfNetworkConfig, channels: int, maps: int, halvings: int):
        super().__init__()
        self.of_image = dense_down(channels, maps, sizes.p_z_image, halvings)
        self.of_code = dense_flat(maps, maps, *sizes.p_z_code)
        self.of_both = dense_flat(2 * maps, 2 * maps, *sizes.p_z)

    def forward(self, image: Tensor, code: Tensor) -> Tensor:
        return self.of_both(torch.cat([F.elu(self.of_image(image)), self.of_code(code)], 1))


class ConditionalImage(nn.Module):
    """The numbers of p(x|y, z): y [N, C', H', W'] and z's maps -> [N, P, H, W]."""

    def __init__(self, sizes: SelfNetworkConfig, channels: int, maps: int, numbers: int, halvings: int):
        super().__init__()
        self.of_code = dense_up(maps, numbers, sizes.p_x_code, halvings)
        self.of_both = dense_flat(numbers + channels, numbers, *sizes.p_x)

    def forward(self, image: Tensor, code: Tensor) -> Tensor:
        made = self.of_code(code)
        seen = F.interpolate(image, made.shape[2:], mode="bilinear", align_corners=False)
        return self.of_both(torch.cat([seen, made], 1))


class ChainDecoder(Autocast, BaseDecoder):
    """What generates: p(y_n|u), then p(z_j|y_j, latent j + 1) and p(image j - 1|y_j, z_j) for j = n to 1."""

    def __init__(self, config: BaseAEConfig):
        super().__init__()
        geometry, sizes = Geometry(config), config.network
        self.maps, self.likelihood = geometry.maps, config.reconstruction_loss
        maps, shapes, halvings, numbers = geometry.maps[0], geometry.shapes, geometry.halvings, geometry.numbers
        levels = range(1, len(shapes))
        self.last_image = dense_up(maps, numbers[-1], sizes.p_y, halvings[-1])
        self.latents = nn.ModuleList(ConditionalLatent(sizes, shapes[j][0], maps, halvings[j]) for j in levels)
        self.images = nn.ModuleList(
            ConditionalImage(sizes, shapes[j][0], maps, numbers[j - 1], halvings[j - 1]) for j in levels
        )

    def forward(self, z: Tensor) -> ModelOutput:
        """Raise NotImplementedError: an image needs more of a code than a decoder of Pythae's is given."""
        raise NotImplementedError("a code of SelfVAE holds images: decode(code) of the model, or sample(n), decodes it")

    def latent(self, j: int, image: Tensor, above: Tensor) -> Gaussian:
        """Return p of latent j given image j, [N, C, H, W], and latent j + 1, [N, L]; parameters [N, L]."""
        with self.autocast(image):
            return gaussian(self.latents[j - 1](image, above.unflatten(1, self.maps)))

    def image(self, i: int, above: Tensor | None, latent: Tensor) -> Likelihood:
        """Return p of image i given image i + 1 (none above the last) and latent i + 1, [N, L]."""
        code = latent.unflatten(1, self.maps)
        with self.autocast(latent):
            numbers = self.last_image(code) if above is None else self.images[i](above, code)
        return LIKELIHOODS[self.likelihood].law(as_float32(numbers))


def gaussian(numbers: Tensor) -> Gaussian:
    """Return the Gaussians of numbers [N, 2 C, S, S], means before log-variances: parameters [N, C S S]."""
    mean, log_variance = as_float32(numbers).flatten(1).chunk(2, 1)
    return Gaussian(mean, F.hardtanh(log_variance, -LOG_VARIANCE, LOG_VARIANCE))
