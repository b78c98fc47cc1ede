"""What selfVAE is used for: its kinds of reconstruction and what each sends, super-resolution, ways through latents."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models.noise import Noise
from models.selfvae.chain import Chain, ChainPosterior


class Mode(NamedTuple):
    """A kind of reconstruction: the kinds of parts that are the image's own, and which image is shown.

    Parts are "u" and "z" (each z_j), drawn from the posterior; "y", the last compressed image; "x", all images.
    """

    sends: tuple[str, ...]
    shows: str = "x"


# Original; compressed; from u alone; from u and z; compressed generation; conditional (Section A.3, selfVAE). With
# more than one compressed image, y is the last and those between are made from what is sent (our choice).
RECONSTRUCTION_MODES: dict[str, Mode] = {
    "OG": Mode(("u", "z", "y", "x")),
    "CM": Mode(("u", "y"), shows="y"),
    "RS1": Mode(("u",)),
    "RS2": Mode(("u", "z")),
    "CG": Mode(("u", "y")),
    "conditional": Mode(("u", "z", "y")),
}


class ChainUses(Chain):
    """Methods of a chain for figures and measurements; images are in [0, 1]."""

    def reconstruct_as(self, x: Tensor, mode: str, generator: Noise = None) -> Tensor:
        r"""Return the images [N, C, H, W] that a mode of RECONSTRUCTION_MODES makes of images x.

        .. math::
            RS1&: u \sim q(u|y), \hat y, z \sim p(z|\hat y, u), \hat x \quad&
            RS2&: u \sim q(u|y), \hat y, z \sim q(z|x), \hat x \\
            CG&: u \sim q(u|y), y, z \sim p(z|y, u), \hat x &
            conditional&: y, z \sim q(z|x), \hat x

        OG is x itself, CM the last compressed image, of its own shape. Source: Section A.3, selfVAE. Raises KeyError
        for another mode.
        """
        own, shown = self.own(x, generator), RECONSTRUCTION_MODES[mode].shows
        given = self.sent(own, mode)
        shown = self.image_name(self.depth - 1) if shown == "y" else shown
        return given[shown] if shown in given else self.walk(given, generator=generator).parts[shown]

    def compressed_from_u(self, x: Tensor, generator: Noise = None) -> Tensor:
        r"""Return the last compressed image as u alone gives it: x [N, C, H, W] -> [N, C', H', W'].

        .. math:: u \sim q(u|y), \quad \hat y = E[y|u]

        Source: Section A.3, selfVAE, which compares it with y, the sketch.
        """
        u = self.own(x, generator)["u"]
        return self.walk({"u": u}, generator=generator, to_x=False).parts[self.image_name(self.depth - 1)]

    def information(self, x: Tensor, generator: Noise = None) -> dict[str, Tensor]:
        r"""Return the bits that each mode sends of images x: [N] by mode, with one sample of the latents for all.

        .. math:: \frac{1}{\ln 2} \sum_{l \in latents} [\ln q(l|x) - \ln p(l|\cdot)] - \frac{1}{\ln 2} \sum_{y \in
            images} \ln p(y|\cdot)

        over what the mode sends, p being conditional on what the receiver then has (in RS2, on :math:`\hat y`): the
        expected length of a bits-back code (Townsend et al. 2019). RS1: KL of u; RS2: of u and z; CM and CG: KL of u
        and -ln p(y|u); conditional: these and KL of z; OG: -ELBO. The paper shows the modes and prints no bits
        (Figure 13): the definition is ours.
        """
        own, q = self.own(x, generator), self.posterior(x)
        return {mode: self._bits(self.sent(own, mode), q, generator) for mode in RECONSTRUCTION_MODES}

    def own(self, x: Tensor, generator: Noise = None) -> dict[str, Tensor]:
        """Return an image's own parts by name: x, the compressed images, a sample of each latent's posterior."""
        q = self.posterior(x)
        return {"x": x, **q.images, **q.draw(generator)}

    def sent(self, own: dict[str, Tensor], mode: str) -> dict[str, Tensor]:
        """Return those of an image's own parts that a mode sends."""
        kinds, last = RECONSTRUCTION_MODES[mode].sends, self.image_name(self.depth - 1)

        def is_sent(name: str) -> bool:
            return "x" in kinds or ("y" in kinds if name == last else name[0] in kinds and name[0] != "y")

        return {name: part for name, part in own.items() if is_sent(name)}

    def _bits(self, given: dict[str, Tensor], q: ChainPosterior, generator: Noise) -> Tensor:
        log_p = self.walk(given, generator=generator, to_x="x" in given).log_p
        nats = -torch.stack(list(log_p.values())).sum(0)
        for name, law in q.latents.items():  # in their order, so that the last bits are the same in every process
            if name in given:
                nats = nats + law.log_prob(given[name][:, None])[:, 0]
        return nats / math.log(2)

    def super_resolve(self, y: Tensor, n: int = 1, generator: Noise = None) -> Tensor:
        r"""Return n images for each compressed image y, which is given: [N, C', H', W'] -> [N, n, C, H, W].

        .. math:: u \sim q(u|y), \quad z \sim p(z|y, u), \quad \hat x
        """
        last, many = self.image_name(self.depth - 1), y.repeat_interleave(n, 0)
        u = self.encoder.latent(self.depth, y).rsample(n, generator).flatten(0, 1)
        return self.walk({"u": u, last: many}, generator=generator).parts["x"].unflatten(0, (len(y), n))

    def vary_z(self, x: Tensor, n: int, generator: Noise = None) -> Tensor:
        """Return n images for each x with u the mean of its posterior, all else generated: [N, n, C, H, W].

        Source: Figure 12 (ii), selfVAE.
        """
        u = self.posterior(x).latents["u"].mean.repeat_interleave(n, 0)
        return self.walk({"u": u}, generator=generator).parts["x"].unflatten(0, (len(x), n))

    def interpolate_u(self, x0: Tensor, x1: Tensor, steps: int) -> Tensor:
        """Return the images of u on the line between the posterior means of two: [N, C, H, W] -> [N, steps, C, H, W].

        All else is generated, z as the mean of its law, so that nothing but u changes along a row. Source: Figure 12
        (i), selfVAE.
        """
        first, last = (self.posterior(x).latents["u"].mean for x in (x0, x1))
        share = torch.linspace(0, 1, steps, device=x0.device)[:, None]
        u = torch.lerp(first[:, None], last[:, None], share)  # [N, steps, L]
        return self.walk({"u": u.flatten(0, 1)}, noise=False).parts["x"].unflatten(0, u.shape[:2])
