"""SelfVAE's latents and images in the order in which they are generated, and the flat code that holds them."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from pythae.models import BaseAEConfig
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor

from models.distributions.densities import Gaussian
from models.distributions.likelihoods import Likelihood
from models.distributions.priors import Prior
from models.noise import Noise
from models.selfvae.transformations import TRANSFORMATIONS, on_grid


class Walk(NamedTuple):
    """All parts of the chain by name, given or made; ln p [N] in nats of those that were given; p(x|y_1, z_1)."""

    parts: dict[str, Tensor]
    log_p: dict[str, Tensor]
    p_x: Likelihood | None


class ChainPosterior(NamedTuple):
    """q(code|x): Gaussians of the latents; of the compressed images, which x determines, a point. By name."""

    images: dict[str, Tensor]
    latents: dict[str, Gaussian]
    names: tuple[str, ...]

    @property
    def mean(self) -> Tensor:
        """The images and the Gaussians' means as a code: [N, L]."""
        parts = self.images | {name: q.mean for name, q in self.latents.items()}
        return torch.cat([parts[name].flatten(1) for name in self.names], 1)

    def draw(self, generator: Noise = None) -> dict[str, Tensor]:
        """Return one reparametrised sample of each latent, by name: [N, L] each."""
        return {name: q.rsample(1, generator)[:, 0] for name, q in self.latents.items()}

    def rsample(self, k: int = 1, generator: Noise = None) -> Tensor:
        """Draw k reparametrised codes a row: [N, k, L]."""
        parts = {name: q.rsample(k, generator) for name, q in self.latents.items()}
        parts |= {name: y.flatten(1)[:, None].expand(-1, k, -1) for name, y in self.images.items()}
        return torch.cat([parts[name] for name in self.names], 2)

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln q(code|x) of codes with the posterior's own images: [N, k, L] -> [N, k]."""
        start, total = 0, z.new_zeros(z.shape[:2])
        for name in self.names:
            size = (self.images[name] if name in self.images else self.latents[name].mean)[0].numel()
            if name in self.latents:
                total = total + self.latents[name].log_prob(z[..., start : start + size])
            start += size
        return total


class ChainPrior(NamedTuple):
    r"""p(code), of a chain.

    .. math:: p(u) \, p(y_n|u) \prod_{j=n}^1 p(z_j|y_j, z_{j+1}) \prod_{j=n-1}^1 p(y_j|y_{j+1}, z_{j+1}),
        \quad z_{n+1} = u
    """

    chain: "Chain"

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln p(code): [..., L] -> [...]."""
        walk = self.chain.walk(self.chain.split(z.flatten(0, -2)), to_x=False)
        return torch.stack(list(walk.log_p.values())).sum(0).reshape(z.shape[:-1])

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n codes [n, L]: latents are drawn, images are the means of their laws, on 256 levels, as in the paper's
        code."""
        parts = self.chain.walk({}, n, generator, device, to_x=False).parts
        return torch.cat([parts[name].flatten(1) for name in self.chain.names], 1)


class Chain:
    """What generates images from latents. Latent n + 1 is u, latent j below it z_j; image 0 is x, image j y_j.

    Reads `model_config`, `encoder`, `decoder` and `prior_of_u`.
    """

    model_config: BaseAEConfig
    encoder: BaseEncoder
    decoder: BaseDecoder
    prior_of_u: Prior
    shapes: list[tuple[int, ...]]

    @property
    def depth(self) -> int:
        """The number of latents, n + 1."""
        return len(self.model_config.transformations) + 1

    def latent_name(self, j: int) -> str:
        """Return "u" of latent n + 1, else "z<j>"."""
        return "u" if j == self.depth else f"z{j}"

    def image_name(self, i: int) -> str:
        """Return "x" of image 0, else "y<i>"."""
        return f"y{i}" if i else "x"

    @property
    def names(self) -> tuple[str, ...]:
        """The parts of a code in the order in which they are generated: u, y_n, z_n, ..., y_1, z_1."""
        pairs = ((self.latent_name(j), self.image_name(j - 1)) for j in range(self.depth, 0, -1))
        return tuple(name for pair in pairs for name in pair)[:-1]

    @property
    def layout(self) -> dict[str, slice]:
        """Where each part is in a code."""
        slices, start = {}, 0
        for name in self.names:
            size = torch.Size(self.shapes[int(name[1:])]).numel() if name[0] == "y" else self.model_config.latent_dim
            slices[name] = slice(start, start + size)
            start += size
        return slices

    @property
    def code_size(self) -> int:
        """The length L of a code."""
        return max(part.stop for part in self.layout.values())

    def split(self, code: Tensor) -> dict[str, Tensor]:
        """Return the parts of codes [M, L] by name: latents [M, latent_dim], images [M, C, H, W]."""
        parts = {name: code[:, place] for name, place in self.layout.items()}
        return {n: p.unflatten(1, self.shapes[int(n[1:])]) if n[0] == "y" else p for n, p in parts.items()}

    def levels(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return x, y_1 = d_1(x), ..., y_n = d_n(y_{n-1}), without a gradient; each [N, C, H, W], of its own size."""
        images = [x]
        for name in self.model_config.transformations:
            images.append(TRANSFORMATIONS[name](images[-1]))
        return tuple(images)

    def posterior(self, x: Tensor) -> ChainPosterior:
        """Return q(code|x) for x [N, C, H, W] in [0, 1]."""
        levels = self.levels(x)
        latents = {self.latent_name(j): self.encoder.latent(j, levels[j - 1]) for j in range(1, self.depth + 1)}
        return ChainPosterior({self.image_name(i): y for i, y in enumerate(levels) if i}, latents, self.names)

    def walk(
        self,
        given: Mapping[str, Tensor],
        n: int = 1,
        generator: Noise = None,
        device: str | torch.device = "cpu",
        *,
        to_x: bool = True,
        noise: bool = True,
    ) -> Walk:
        r"""Generate from u to x, taking what is given, by name, in the place of what would be made.

        .. math:: u \sim p(u), \quad y_n \sim p(y_n|u), \quad z_j \sim p(z_j|y_j, z_{j+1}), \quad
            y_{j-1} \sim p(y_{j-1}|y_j, z_j), \quad y_0 = x

        Source: Section A.4 and Table 1's models, selfVAE. Latents are drawn (or, without `noise`, means, u excepted);
        images are the means of their laws, the compressed ones on 256 levels, as in the paper's code. n is the number
        of rows where u is not given, on `device`. Without `to_x` it ends at z_1.
        """
        parts: dict[str, Tensor] = {}
        log_p: dict[str, Tensor] = {}
        law = None
        for j in range(self.depth, 0, -1):
            name, seen = self.latent_name(j), parts.get(self.image_name(j))
            if j == self.depth and name not in given:
                parts[name] = self.prior_of_u.sample(n, generator, device)
            elif j == self.depth:
                parts[name], log_p[name] = given[name], self.prior_of_u.log_prob(given[name])
            else:
                p_z = self.decoder.latent(j, seen, parts[self.latent_name(j + 1)])
                if name in given:
                    parts[name], log_p[name] = given[name], p_z.log_prob(given[name][:, None])[:, 0]
                else:
                    parts[name] = p_z.rsample(1, generator)[:, 0] if noise else p_z.mean
            if j == 1 and not to_x:
                return Walk(parts, log_p, None)
            image, law = self.image_name(j - 1), self.decoder.image(j - 1, seen, parts[name])
            if image in given:
                parts[image], log_p[image] = given[image], law.log_prob(given[image])
            else:
                parts[image] = on_grid(law.mean) if j > 1 else law.mean
        return Walk(parts, log_p, law)
