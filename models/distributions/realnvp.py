"""RealNVP for codes: couplings that mask a checkerboard or channels, in two scales."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.distributions.densities import standard_normal_log_prob
from models.networks.dense import Conv2d, DenseGroup
from models.networks.weight_norm import normed
from models.noise import Noise, normal

LEAST_SIDE = 4
Maps = tuple[int, int, int]  # C, H, W
Network = Callable[[int, int], nn.Module]  # of channels that come in and go out


def convolutions(hidden: int) -> Network:
    """Return three convolutions of `hidden` channels, of which the last starts at 0, a coupling as the identity."""

    def network(channels: int, out: int) -> nn.Module:
        last = Conv2d(hidden, out, 3, padding=1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        first, second = Conv2d(channels, hidden, 3, padding=1), Conv2d(hidden, hidden, 1)
        return nn.Sequential(first, nn.ELU(), second, nn.ELU(), last)

    return network


def dense(growth: int, steps: int) -> Network:
    """Return a dense group and a 3 x 3 convolution, weight-normalised: in selfVAE's code growth 64, 5 steps."""

    def network(channels: int, out: int) -> nn.Module:
        group = DenseGroup(channels, growth, steps)
        return nn.Sequential(group, normed(Conv2d(group.out_channels, out, 3, padding=1)))

    return network


class Coupling(nn.Module):
    r"""An affine map of one part of a code, given the other part, which stays.

    .. math:: u_A = z_A, \quad u_B = (z_B + t(z_A)) \, e^{s(z_A)}, \quad \ln |\det| = \sum s, \quad
        s = r \tanh(\tilde s)

    Source: Eqs. 7-8 of Dinh et al. 2017 in the form of selfVAE's code: t before the scale, r a trained factor for each
    channel. A subclass says which part moves. z is [B, C, H, W].
    """

    def __init__(self, channels: int, moved: int, network: Network):
        super().__init__()
        self.network = network(channels, 2 * moved)
        self.rescale = nn.Parameter(torch.ones(moved, 1, 1))

    def parameters_of(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Return s and t, given the part that stays: [B, moved, H, W] each."""
        scale, shift = self.network(kept).chunk(2, 1)
        return self.rescale * scale.tanh(), shift

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return u [B, C, H, W] and the log-determinant [B]."""
        raise NotImplementedError

    def inverse(self, u: Tensor) -> Tensor:
        """Return z of u."""
        raise NotImplementedError


class CheckerboardCoupling(Coupling):
    """The fields of one colour of a checkerboard stay, in all channels; the others move."""

    mask: Tensor

    def __init__(self, shape: Maps, odd: bool, network: Network):
        super().__init__(shape[0], shape[0], network)
        rows, columns = torch.arange(shape[1])[:, None], torch.arange(shape[2])
        self.register_buffer("mask", ((rows + columns + odd) % 2).float(), persistent=False)  # 1: moves

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        scale, shift = (self.mask * part for part in self.parameters_of(z * (1 - self.mask)))
        return (z + shift) * scale.exp(), scale.flatten(1).sum(1)

    def inverse(self, u: Tensor) -> Tensor:
        scale, shift = (self.mask * part for part in self.parameters_of(u * (1 - self.mask)))
        return u * torch.exp(-scale) - shift


class ChannelCoupling(Coupling):
    """One half of the channels stays, the other moves."""

    def __init__(self, shape: Maps, odd: bool, network: Network):
        super().__init__(shape[0] // 2, shape[0] // 2, network)
        self.odd = odd

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        kept, moved = self._halves(z)
        scale, shift = self.parameters_of(kept)
        return self._joined(kept, (moved + shift) * scale.exp()), scale.flatten(1).sum(1)

    def inverse(self, u: Tensor) -> Tensor:
        kept, moved = self._halves(u)
        scale, shift = self.parameters_of(kept)
        return self._joined(kept, moved * torch.exp(-scale) - shift)

    def _halves(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the half that stays and the one that moves."""
        first, second = z.chunk(2, 1)
        return (second, first) if self.odd else (first, second)

    def _joined(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.cat([moved, kept] if self.odd else [kept, moved], 1)


def squeeze(z: Tensor) -> Tensor:
    """Move each 2 x 2 field of pixels into channels: [B, C, H, W] -> [B, 4C, H/2, W/2]."""
    return F.pixel_unshuffle(z, 2)


def squeeze_alternately(z: Tensor) -> Tensor:
    """The same with the pixels of one diagonal of all fields first, those of the other last, as Dinh et al. do."""
    parts = F.pixel_unshuffle(z, 2).unflatten(1, (z.shape[1], 4))[:, :, [0, 3, 1, 2]]  # [B, C, 4, H/2, W/2]
    return parts.transpose(1, 2).flatten(1, 2)


def unsqueeze_alternately(z: Tensor) -> Tensor:
    """Undo `squeeze_alternately`."""
    parts = z.unflatten(1, (4, z.shape[1] // 4)).transpose(1, 2)[:, :, [0, 2, 3, 1]]
    return F.pixel_shuffle(parts.flatten(1, 2), 2)


def code_shape(latent_dim: int) -> Maps:
    """Return the maps [C, S, S] that a flat code is seen as: 1,024 numbers as 16 x 8 x 8, 64 as 4 x 4 x 4.

    S is the greatest power of two with S^3 at most the code's size, and at least 4, which two scales need; a code from
    a linear layer has no such order of its own, and this one is ours. Raises ValueError where S^2 does not divide it.
    """
    side = max(LEAST_SIDE, 2 ** (math.floor(math.log2(max(latent_dim, 1)) / 3 + 1e-9)))
    if latent_dim % side**2:
        raise ValueError(f"a RealNVP prior takes codes of a multiple of {side**2} numbers, not of {latent_dim}")
    return latent_dim // side**2, side, side


class Couplings(nn.ModuleList):
    """Couplings one after another."""

    def __init__(self, kind: type[CheckerboardCoupling | ChannelCoupling], shape: Maps, count: int, network: Network):
        super().__init__(kind(shape, bool(i % 2), network) for i in range(count))

    def forward(self, u: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """Return u after all, and log_det [B] plus their log-determinants."""
        for layer in self:
            u, more = layer(u)
            log_det = log_det + more
        return u, log_det

    def inverse(self, u: Tensor) -> Tensor:
        """Return what `forward` takes to u."""
        for layer in reversed(self):
            assert isinstance(layer, Coupling)
            u = layer.inverse(u)
        return u


class RealNVP(nn.Module):
    r"""The prior of codes that an invertible map takes to the standard normal.

    .. math:: \ln p(z) = \ln N(f(z); 0, I) + \ln |\det \partial f / \partial z|

    f is: three checkerboard couplings; three of channels on squeezed maps; then, with maps squeezed in the alternate
    order, half of them are left as they are and the others go through four checkerboard couplings.
    Source: Figure 4 of Dinh et al. 2017, in the sizes of selfVAE's code (10 couplings, no batch normalisation).
    """

    def __init__(self, latent_dim: int, network: Network):
        super().__init__()
        self.shape = channels, side, _ = code_shape(latent_dim)
        half = side // 2
        squeezed, rest = (4 * channels, half, half), (2 * channels, half, half)
        self.fields = Couplings(CheckerboardCoupling, self.shape, 3, network)
        self.channels = Couplings(ChannelCoupling, squeezed, 3, network)
        self.last = Couplings(CheckerboardCoupling, rest, 4, network)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return u = f(z) and the log-determinants: [M, L] -> [M, L], [M]."""
        u, log_det = self.fields(z.unflatten(1, self.shape), z.new_zeros(len(z)))
        u, log_det = self.channels(squeeze(u), log_det)
        done, u = squeeze_alternately(F.pixel_shuffle(u, 2)).chunk(2, 1)
        u, log_det = self.last(u, log_det)
        return torch.cat([done, u], 1).flatten(1), log_det

    def inverse(self, u: Tensor) -> Tensor:
        """Return z with f(z) = u: [M, L] -> [M, L]."""
        channels, side, _ = self.shape
        done, z = u.unflatten(1, (4 * channels, side // 2, side // 2)).chunk(2, 1)
        z = squeeze(unsqueeze_alternately(torch.cat([done, self.last.inverse(z)], 1)))
        z = F.pixel_shuffle(self.channels.inverse(z), 2)
        return self.fields.inverse(z).flatten(1)

    def log_prob(self, z: Tensor) -> Tensor:
        """Return ln p(z): [..., L] -> [...]."""
        u, log_det = self(z.reshape(-1, z.shape[-1]))
        return (standard_normal_log_prob(u) + log_det).reshape(z.shape[:-1])

    def sample(self, n: int, generator: Noise = None, device: str | torch.device = "cpu") -> Tensor:
        """Draw n codes: [n, L]."""
        return self.inverse(normal((n, math.prod(self.shape)), generator, device))
