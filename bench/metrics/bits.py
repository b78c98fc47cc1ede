"""How well bits drawn, inverted or interpolated by hyperplanes agree with the codes that they come from."""

import math

import numpy as np

from bench.metrics.averages import mean
from bench.metrics.bit_codes import bit_sums, drawn_moments, gram, hamming_curves
from bench.metrics.types import Blank, Measured


def bit_sum_tv(codes: np.ndarray, samples: np.ndarray) -> Measured:
    """Return the total variation distance between the distributions of the number of positive bits.

    TV = 1/2 sum_s |P(s) - Q(s)|, in [0, 1]        (Figure 2, LBAE, as a number)

    codes [K, N] of training images, samples [n, N]; n is the number of samples. Two sets of the same distribution are
    not at 0 but at `bit_sum_floor`.
    """
    return Measured(0.5 * float(np.abs(bit_sums(codes) - bit_sums(samples)).sum()), n=len(samples))


def bit_sum_floor(codes: np.ndarray, samples: np.ndarray) -> Measured:
    """Return the distance to expect between `codes` and as many samples of their own distribution.

    E TV = 1/2 sum_s sqrt(2/pi * P(s) (1 - P(s)) (1/K + 1/n)), as differences of shares are nearly normal
    """
    share = bit_sums(codes)
    variance = share * (1 - share) * (1 / len(codes) + 1 / len(samples))
    return Measured(0.5 * math.sqrt(2 / math.pi) * float(np.sqrt(variance).sum()), n=len(samples))


def moment_error(moments: np.ndarray, samples: np.ndarray) -> Measured:
    """Return how far the second moments of samples are from those of the codes, on average over pairs of bits.

    MAE = mean over i < j of |M_ij - E[b_i b_j]|        (M of Eq. 4, LBAE)

    moments [N + 1, N + 1], samples [n, N]. Of independent fair samples of exact moments 0 it is sqrt(2 / (pi n)).
    """
    bits = samples.astype(np.float32)  # exact up to 16 million samples: sums of whole numbers
    found = (bits.T @ bits).astype(np.float64) / len(bits)
    return Measured(_mean_over_pairs(moments[:-1, :-1] - found), n=len(samples))


def least_eigenvalue(moments: np.ndarray) -> Measured:
    r"""Return the smallest eigenvalue of the Gram matrix H, below 0 where no unit vectors have these moments.

    .. math:: H_{ij} = \sin(\tfrac{\pi}{2} M_{ij})        (Eq. 9, LBAE)

    moments [N + 1, N + 1] of any codes are positive semidefinite; H need not be. It is in units of H's diagonal, 1.
    """
    return Measured(float(np.linalg.eigvalsh(gram(moments))[0]))


def repair_error(moments: np.ndarray) -> Measured:
    """Return what `moment_error` of endlessly many hyperplane samples would be.

    Hyperplanes are cut by a factor of the positive semidefinite matrix nearest to H, so their samples have other
    moments than the codes' where H is indefinite; elsewhere it is 0. moments [N + 1, N + 1].
    """
    return Measured(_mean_over_pairs((moments - drawn_moments(moments))[:-1, :-1]))


def _mean_over_pairs(difference: np.ndarray) -> float:
    """Return the mean absolute value above the diagonal of [N, N]."""
    above = np.triu_indices(len(difference), k=1)
    if not len(above[0]):
        raise Blank("a code of one bit has no pair of bits")
    return float(np.abs(difference[above]).mean())


def inversion_share(codes: np.ndarray, given_back: np.ndarray) -> Measured:
    """Return the percentage of bits that inversion gives back: codes and given_back are [P, N].

    The paper's Eq. 16 counts the others: d = sum_i E_b(s, r)_i, share = 100 (1 - d / N).
    """
    return mean(100 * (codes == given_back).mean(axis=1))  # of [P]


def slerp_deviation(source: np.ndarray, target: np.ndarray, path: np.ndarray) -> Measured:
    """Return how far the mean path is from linear in Hamming distance, on average over its steps.

    mean over k of | mean over pairs of H(b_k, s) / H(s, t) - k / (T - 1) |        (Figure 9, LBAE)

    source and target are [P, N], path is [P, T, N]. Their codes as inversion gives them back (as in the paper's code)
    make the ends exact; the images' own codes count what inversion loses. n is the number of pairs that differ.
    """
    curves = _curves(source, target, path)
    return Measured(float(np.abs(curves.mean(axis=0) - np.linspace(0, 1, path.shape[1])).mean()), n=len(curves))


def slerp_spread(source: np.ndarray, target: np.ndarray, path: np.ndarray) -> Measured:
    """Return the standard deviation over pairs of the same distance, on average over its steps (Figure 9, LBAE)."""
    curves = _curves(source, target, path)
    return Measured(float(curves.std(axis=0).mean()), n=len(curves))


def _curves(source: np.ndarray, target: np.ndarray, path: np.ndarray) -> np.ndarray:
    curves = hamming_curves(source, target, path)
    if not len(curves):
        raise Blank("no pair of images has two different codes")
    return curves
