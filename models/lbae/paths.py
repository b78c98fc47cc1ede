"""From a code back to a plane that cuts it, and along the sphere from one code to another; edits of attributes."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from models.lbae.hyperplane import cut

ROUNDS = 10
STEPS = 10


def invert(factor: Tensor, bits: Tensor, *, flip: bool) -> Tensor:
    r"""Return unit normals r of planes that cut codes s, nearly: bits [B, N] -> [B, N + 1].

    .. math:: r = (p - n) / ||p - n||, \quad p = \text{centroid of } V_i, s_i = +1; \quad n = \text{of } V_i, s_i = -1

    Source: Eqs. 13-16, LBAE. A centroid is the unit weighted mean of its rows; rows on the wrong side of r are counted
    once more in the next round, and the best of ten rounds is kept. Algorithm 1 instead adds +V_i for every wrong bit,
    also where s_i = -1, and returns the last normal; the paper's code judges p and n each alone, before they are
    joined, which gets fewer bits right.

    `flip` says how the normals will be cut. With the boundary's flip, as in the paper, r is kept on the boundary's
    side (reflected on its plane where it is not there), as otherwise all bits would come out negated; without it, as
    in the code, the boundary plays no part.
    """
    best, fewest = factor.new_zeros(len(bits), factor.shape[1]), factor.new_full((len(bits),), torch.inf)
    for normals, wrong in _tilted(factor, bits, flip):
        best = torch.where((wrong < fewest)[:, None], normals, best)
        fewest = torch.minimum(fewest, wrong)
    return best


def inversion_steps(factor: Tensor, bits: Tensor, *, flip: bool) -> Tensor:
    """Return how often `invert` tilts the first plane of each code until that helps no more: bits [B, N] -> [B].

    Counted up to the first tilt that does not lower the number of wrong bits, that one included; 0 where the first
    plane is right. Source: Section 3.3, LBAE ("typically takes < 4 steps"). At most nine are made.
    """
    wrong = torch.stack([wrong for _, wrong in _tilted(factor, bits, flip)])  # [ROUNDS, B]
    lowered = (wrong[1:] < wrong[:-1]).long().cumprod(0).sum(0)
    left = wrong.gather(0, lowered[None])[0] > 0
    return lowered + (left & (lowered < ROUNDS - 1))


def _tilted(factor: Tensor, bits: Tensor, flip: bool) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the normals [B, N + 1] of each round of `invert`, and how many bits they get wrong: [B]."""
    rows, boundary = factor[:-1], F.normalize(factor[-1], dim=0)
    weights = torch.ones_like(bits, dtype=rows.dtype)
    for _ in range(ROUNDS):
        positive, negative = ((weights * mine) @ rows for mine in (bits > 0, bits < 0))  # [B, N + 1]
        normals = F.normalize(F.normalize(positive, dim=1) - F.normalize(negative, dim=1), dim=1)
        if flip:
            normals = normals - 2 * (normals @ boundary).clamp(max=0)[:, None] * boundary
        wrong = cut(factor, normals, flip=flip) != bits  # [B, N]
        yield normals, wrong.sum(1).to(rows.dtype)
        weights = weights + wrong


def invert_exactly(factor: Tensor, bits: Tensor) -> Tensor:
    r"""Return the degenerate solution, which cuts each code exactly where V is regular: [B, N] -> [B, N + 1].

    .. math:: r = V^{-1} [s, 1]

    Source: Section 3.3, LBAE, as what not to do: between two such normals the code jumps from one end to the other.
    Where V is singular its pseudo-inverse is taken, and bits may be wrong.
    """
    target = F.pad(bits.double(), (0, 1), value=1.0)  # [B, N + 1]
    return F.normalize(target @ torch.linalg.pinv(factor.double()).T, dim=1).to(factor.dtype)


def slerp(source: Tensor, target: Tensor, t: Tensor) -> Tensor:
    r"""Interpolate between unit vectors on the sphere: [B, D], [B, D], [T] -> [B, T, D].

    .. math:: (\sin((1 - t) \omega) \, a + \sin(t \omega) \, b) / \sin \omega, \quad \cos \omega = a^T b

    Source: Shoemake 1985. Straight-line interpolation where the angle is 0 or pi.
    """
    omega = (source * target).sum(1).clamp(-1, 1).acos()[:, None]  # [B, 1]
    straight = omega.sin() < 1e-6
    share = omega.sin().masked_fill(straight, 1.0)
    first = torch.where(straight, 1 - t, ((1 - t) * omega).sin() / share)  # [B, T]
    second = torch.where(straight, t.expand_as(first), (t * omega).sin() / share)
    return first[..., None] * source[:, None] + second[..., None] * target[:, None]


def interpolate(factor: Tensor, source: Tensor, target: Tensor, *, steps: int = STEPS, flip: bool) -> Tensor:
    r"""Return the codes along the great circle between the planes of two codes: bits [B, N] twice -> [B, steps, N].

    The first and the last step are the codes that the two inversions give back, which need not be the exact ones;
    the paper's sequences put those before and after. Source: Section 3.3, LBAE; `flip` as in `invert`: True in the
    paper's Eq. 12, False in its code.
    """
    first, last = (invert(factor, bits, flip=flip) for bits in (source, target))
    return cut_between(factor, first, last, steps=steps, flip=flip)


def cut_between(factor: Tensor, first: Tensor, last: Tensor, *, steps: int = STEPS, flip: bool) -> Tensor:
    """Return the codes that planes between two unit normals cut: [B, N + 1] twice -> [B, steps, N]."""
    t = torch.linspace(0, 1, steps, dtype=factor.dtype, device=factor.device)
    normals = slerp(first, last, t)  # [B, T, N + 1]
    return cut(factor, normals.flatten(0, 1), flip=flip).unflatten(0, normals.shape[:2])


def edit_attribute(bits: Tensor, attribute_mean: Tensor, threshold: float = 0.1) -> Tensor:
    r"""Set the bits that codes with an attribute mostly share: bits [B, N], attribute_mean [N] -> [B, N].

    .. math:: b_i = +1 \text{ if } p_i > D, \; -1 \text{ if } p_i < -D, \; b_i \text{ otherwise}

    Source: Eq. 17, LBAE. p, `attribute_mean`, is the mean of the training codes with the attribute; D, `threshold`,
    is 0.1 in the paper and 0.12 in its code.
    """
    raised = torch.where(attribute_mean > threshold, torch.ones_like(bits), bits)
    return torch.where(attribute_mean < -threshold, -torch.ones_like(bits), raised)
