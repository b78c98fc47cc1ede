"""Splits drawn once from a recorded seed: by class, or by group so that no group is on both sides."""

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadInput

SPLIT_SEED = 0
HELD_OUT = 0.1  # validation share of the training set where no paper fixes the number

Indices = NDArray[np.int64]


def carve(labels: NDArray[np.int64], count: int, seed: int = SPLIT_SEED) -> tuple[Indices, Indices]:
    """Return sorted indices (rest, carved) of which `carved` holds `count`, every class in proportion.

    Class c gives floor(count n_c / N); what is left over goes to the largest remainders. RandomState is used because
    its stream is frozen across NumPy versions. Raises BadInput if nothing would be left.
    """
    if not 0 < count < len(labels):
        raise BadInput(f"cannot set aside {count} of {len(labels)} images; a data set needs more images")
    classes, sizes = np.unique(labels, return_counts=True)
    quota, remainder = np.divmod(count * sizes, len(labels))
    quota[np.argsort(-remainder, kind="stable")[: count - quota.sum()]] += 1
    random = np.random.RandomState(seed)
    chosen = [random.permutation(np.flatnonzero(labels == c))[:n] for c, n in zip(classes, quota, strict=True)]
    return _divide(np.isin(np.arange(len(labels)), np.concatenate(chosen)))


def carve_groups(groups: NDArray[np.int64], share: float, seed: int = SPLIT_SEED) -> tuple[Indices, Indices]:
    """Return sorted indices (rest, carved) of which `carved` holds all members of round(share G) of the G groups.

    Raises BadInput if there are fewer than two groups.
    """
    names = np.unique(groups)
    if len(names) < 2:
        raise BadInput(f"cannot split {len(names)} identities; a split by identity needs more of them")
    count = min(max(round(share * len(names)), 1), len(names) - 1)
    return _divide(np.isin(groups, np.random.RandomState(seed).permutation(names)[:count]))


def _divide(carved: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    return np.flatnonzero(~carved), np.flatnonzero(carved)
