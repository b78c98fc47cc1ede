"""The study of a set of codes of bits: what their moments give back, as arrays for metrics and figures."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from models.lbae.hyperplane import HyperplaneSampler, cut, gram_matrix, square_root
from models.lbae.paths import cut_between, inversion_steps, invert, invert_exactly

_CODES_AT_ONCE = 1000


def random_pairs(bits: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of n random pairs of different images, as two arrays [P, N]; fewer where there are too few."""
    n = min(n, len(bits) // 2)
    chosen = rng.choice(len(bits), 2 * n, replace=False)
    return bits[chosen[:n]], bits[chosen[n:]]


# How a code is made a plane again, and whether planes are cut with the boundary's flip: as the paper says it, as its
# code does it, and the degenerate solution that the paper warns of.
INVERSIONS: dict[str, tuple[Callable[[torch.Tensor, torch.Tensor], torch.Tensor], bool]] = {
    "paper": (partial(invert, flip=True), True),
    "code": (partial(invert, flip=False), False),
    "inverse": (invert_exactly, True),
}


def inverted(moments: np.ndarray, bits: np.ndarray, how: str) -> np.ndarray:
    """Return the codes that the planes found for codes [P, N] give back: int8 [P, N]; `how` is in INVERSIONS."""
    factor, (plane, flip) = _factor(moments), INVERSIONS[how]
    return np.concatenate([_int8(cut(factor, plane(factor, part), flip=flip)) for part in _parts(bits)])


def tilts(moments: np.ndarray, bits: np.ndarray, how: str) -> np.ndarray:
    """Return how often the plane found for each of codes [P, N] was tilted: int64 [P]; `how`: "paper" or "code"."""
    factor, flip = _factor(moments), INVERSIONS[how][1]
    return np.concatenate([inversion_steps(factor, part, flip=flip).numpy() for part in _parts(bits)])


def paths(moments: np.ndarray, source: np.ndarray, target: np.ndarray, how: str) -> np.ndarray:
    """Return the codes of ten steps from source to target codes [P, N] twice: int8 [P, 10, N].

    The first and the last step are what inversion gives back of the two.
    """
    factor, (plane, flip) = _factor(moments), INVERSIONS[how]
    ends = zip(_parts(source), _parts(target), strict=True)
    return np.concatenate([_int8(cut_between(factor, plane(factor, a), plane(factor, b), flip=flip)) for a, b in ends])


def gram(moments: np.ndarray) -> np.ndarray:
    """Return the matrix H whose factor the planes cut, which may be indefinite: moments [N + 1, N + 1] -> the same."""
    return gram_matrix(torch.from_numpy(moments)).numpy()


def drawn_moments(moments: np.ndarray) -> np.ndarray:
    r"""Return the second moments of codes that hyperplanes draw, in the limit of many: [N + 1, N + 1] -> the same.

    .. math:: M'_{ij} = \frac2\pi \arcsin \frac{v_i^T v_j}{|v_i| |v_j|}

    with rows v of the factor V of H: M itself where H is positive semidefinite (Eq. 9, LBAE, solved for M).
    """
    factor = square_root(gram_matrix(torch.from_numpy(moments))).numpy()
    rows = factor / np.linalg.norm(factor, axis=1, keepdims=True)
    return 2 / np.pi * np.arcsin(np.clip(rows @ rows.T, -1, 1))


def bit_sums(bits: np.ndarray) -> np.ndarray:
    """Return the share of codes [K, N] with 0, 1, …, N positive bits: [N + 1] (Figure 2, LBAE)."""
    return np.bincount((bits > 0).sum(axis=1), minlength=bits.shape[1] + 1) / len(bits)


def hamming_curves(source: np.ndarray, target: np.ndarray, path: np.ndarray) -> np.ndarray:
    r"""Return the distance from the source along each path, in units of the distance between its ends: [P, T].

    .. math:: q_k = H(b_k, s) / H(s, t)

    Source: Figure 9, LBAE; H counts bits that differ. source and target are [P, N], path is [P, T, N]. Pairs of equal
    codes, which have no such unit, are left out.
    """
    apart = (source != target).sum(axis=1)  # [P]
    moved = (path != source[:, None]).sum(axis=2)  # [P, T]
    return moved[apart > 0] / apart[apart > 0, None]


def _parts(bits: np.ndarray) -> tuple[torch.Tensor, ...]:
    return torch.from_numpy(bits).float().split(_CODES_AT_ONCE)


def _factor(moments: np.ndarray) -> torch.Tensor:
    return HyperplaneSampler().fit_moments(torch.from_numpy(moments)).factor


def _int8(bits: torch.Tensor) -> np.ndarray:
    return bits.to(torch.int8).numpy()
