"""Correlated bits from their first two moments: random hyperplane rounding, and the two baselines beside it.

Bits are -1 or +1, a code is a row [N]. V denotes a factor of the Gram matrix H, one unit row for each bit and a last
one, the boundary, for the mean.
"""

import math
from typing import Self

import torch
from torch import Tensor

_ROWS_AT_ONCE = 4096


def sign(x: Tensor) -> Tensor:
    r"""Return :math:`f_b(x)`, +1 where x >= 0 and -1 elsewhere, in x's type (Eq. 1, LBAE)."""
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


def second_moments(bits: Tensor) -> Tensor:
    r"""Return the moments matrix of a set of codes.

    .. math:: M = \begin{pmatrix} E[y y^T] & E[y] \\ E[y]^T & 1 \end{pmatrix}

    Source: Eq. 4, LBAE. bits [K, N] of any type -> [N + 1, N + 1] float64, exact, since each product of at most
    4,096 rows is a sum of whole numbers. Raises ValueError for no code or for a value that is neither -1 nor +1.
    """
    if bits.ndim != 2 or len(bits) == 0:
        raise ValueError(f"moments need at least one code, as [K, N], not {list(bits.shape)}")
    total = torch.zeros(bits.shape[1] + 1, bits.shape[1] + 1, dtype=torch.float64, device=bits.device)
    for rows in bits.split(_ROWS_AT_ONCE):
        augmented = torch.nn.functional.pad(rows.float(), (0, 1), value=1.0)  # [k, N + 1]
        if not bool((augmented.abs() == 1).all()):
            raise ValueError("bits must be -1 or +1")
        total += augmented.T @ augmented
    return total / len(bits)


def gram_matrix(moments: Tensor) -> Tensor:
    r"""Return the inner products of the unit vectors whose random cut has these moments.

    .. math:: H_{ij} = \cos(\tfrac{\pi}{2} (1 - M_{ij})) = \sin(\tfrac{\pi}{2} M_{ij})

    Source: Eq. 9, LBAE. [N + 1, N + 1] -> the same; H may be indefinite.
    """
    return torch.sin(0.5 * math.pi * moments)


def square_root(symmetric: Tensor) -> Tensor:
    r"""Return a factor V of a symmetric matrix, or of the nearest positive semidefinite one: [D, D] -> [D, D].

    .. math:: V V^T = \arg\min_{P \succeq 0} ||H - P||_F = U \max(\Lambda, 0) U^T

    The lower Cholesky factor (Eq. 10, LBAE) where there is one; elsewhere :math:`U \max(\Lambda, 0)^{1/2}` from the
    eigendecomposition (Higham 1988). The paper's code repairs H, then adds to its diagonal until Cholesky succeeds;
    a nearest matrix is singular, so that always distorts it.
    """
    factor, failed = torch.linalg.cholesky_ex(symmetric)
    if not bool(failed):
        return factor
    values, vectors = torch.linalg.eigh(symmetric)
    return vectors * values.clamp(min=0).sqrt()


class BitSampler:
    """Draws codes that follow the first two moments of a set of codes; a subclass says how."""

    moments: Tensor | None = None  # [N + 1, N + 1] float64

    def fit(self, bits: Tensor) -> Self:
        """Take the moments of codes bits [K, N] and return the sampler; raises ValueError as `second_moments`."""
        return self.fit_moments(second_moments(bits))

    def fit_moments(self, moments: Tensor) -> Self:
        """Take a moments matrix [N + 1, N + 1] and return the sampler."""
        self.moments = moments.double()
        self._prepare(self.moments)
        return self

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw n codes: [n, N] float32, -1 or +1; raises ValueError before `fit`."""
        if self.moments is None:
            raise ValueError(f"{type(self).__name__} has no moments yet: call fit(bits) first")
        return self._draw(n, generator)

    def _prepare(self, moments: Tensor) -> None:
        """Compute what every draw needs."""

    def _draw(self, n: int, generator: torch.Generator | None) -> Tensor:
        raise NotImplementedError


class HyperplaneSampler(BitSampler):
    r"""Cut the unit vectors of the bits by a random plane through the origin.

    .. math:: b = f_b(V r)_{-(N+1)} \, f_b(V_{N+1} r), \quad r \sim N(0, I)

    Source: Eqs. 8-12, LBAE. Where H is positive semidefinite, the second moments of the samples are M itself, and
    the means with them. `factor` is V, [N + 1, N + 1] float32; a draw is one matrix product whatever n.
    """

    factor: Tensor

    def _prepare(self, moments: Tensor) -> None:
        self.factor = square_root(gram_matrix(moments)).float()

    def _draw(self, n: int, generator: torch.Generator | None) -> Tensor:
        return cut(self.factor, _normal(n, self.factor, generator), flip=True)


class RoundingSampler(BitSampler):
    r"""Round a Gaussian with the moments of the bits; its samples have other moments.

    .. math:: b = f_b(L z + E[y]), \quad z \sim N(0, I), \quad L L^T = E[y y^T] - E[y] E[y]^T

    Source: Eqs. 2-3, LBAE. `factor` is L, [N, N], and `mean` is E[y], [N], both float32.
    """

    factor: Tensor
    mean: Tensor

    def _prepare(self, moments: Tensor) -> None:
        mean = moments[:-1, -1]
        self.factor = square_root(moments[:-1, :-1] - torch.outer(mean, mean)).float()
        self.mean = mean.float()

    def _draw(self, n: int, generator: torch.Generator | None) -> Tensor:
        return sign(torch.addmm(self.mean, _normal(n, self.factor, generator), self.factor.T))


class CoinSampler(BitSampler):
    r"""Fair and independent bits, :math:`f_b(z), z \sim N(0, I)`: the N(0, 1) columns of LBAE's tables."""

    def _draw(self, n: int, generator: torch.Generator | None) -> Tensor:
        assert self.moments is not None
        shape, device = (n, len(self.moments) - 1), self.moments.device
        return 2.0 * torch.randint(0, 2, shape, generator=generator, device=device, dtype=torch.float32) - 1.0


def cut(factor: Tensor, normals: Tensor, *, flip: bool) -> Tensor:
    r"""Return the codes that planes cut: normals [B, N + 1] -> bits [B, N].

    .. math:: b = f_b(V r)_{-(N+1)} \, f_b(V_{N+1} r)

    Source: Eq. 12, LBAE. Without `flip` the factor of the boundary's bit is left out.
    """
    bits = sign(normals @ factor.T)  # [B, N + 1]
    return bits[:, :-1] * bits[:, -1:] if flip else bits[:, :-1]


def _normal(n: int, factor: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw n standard normal vectors that `factor` applies to: [n, D]."""
    return torch.randn(n, factor.shape[1], generator=generator, device=factor.device, dtype=factor.dtype)


# Names under which suites and tables know the samplers.
BIT_SAMPLERS: dict[str, type[BitSampler]] = {
    "hyperplane": HyperplaneSampler,
    "rounding": RoundingSampler,
    "coins": CoinSampler,
}
