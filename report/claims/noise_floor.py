"""The noise in the papers' own tables: what two runs of one objective differ by, and which printed gaps exceed it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from report.names import PAIR, row_label
from report.published import PrintedLine

PAPER = "BVAE"
SAME = ("VAE", "beta-TCVAE 1")  # one objective: alpha = gamma = beta = 1 leaves the ELBO
BY_NOISE = 0.4226  # share of gaps to expect above the floor if all are noise: P(|t| > 1) with 2 degrees of freedom
LOW, HIGH = (float(np.sqrt(2 / quantile)) for quantile in chdtri(2, [0.025, 0.975]))  # σ / floor: 2 floor² / σ² is χ²₂
_NOT_TRAINED = ("parameters", "parameter_mib")


@dataclass(frozen=True)
class NoiseFloor:
    """One metric of one table: what repeating a run changes, and how many rows' pairs differ by more than that.

    With g_u and g_b the printed differences between the two rows of one objective, unidirectional and bidirectional,
    floor = sqrt((g_u² + g_b²) / 2) estimates the standard deviation of the difference of two such runs.
    """

    table: str
    dataset: str
    metric: str
    setting: str
    gaps: tuple[float, float]  # beta-TCVAE 1 minus VAE: unidirectional, bidirectional
    floor: float
    differences: tuple[float, ...]  # bidirectional minus unidirectional, row by row

    @property
    def exceeding(self) -> int:
        """How many of the differences are greater than the floor."""
        return sum(abs(d) > self.floor for d in self.differences)


def noise_floors(published: Iterable[PrintedLine] | None) -> list[NoiseFloor]:
    """Return the floor of every metric of the tables that print both rows of one objective, in their order."""
    by_metric: dict[tuple[str, str, str, str], dict[tuple[str, str], float]] = {}
    for c in published or ():
        if c["paper"] == PAPER and c["metric"] not in _NOT_TRAINED:
            values = by_metric.setdefault((c["table"], c["dataset"], c["metric"], c["setting"]), {})
            values[c["row"], c["variant"]] = float(c["value"])
    found = []
    for (table, dataset, metric, setting), values in by_metric.items():
        rows = [row for row in dict.fromkeys(row for row, _ in values) if all((row, v) in values for v in PAIR)]
        if not set(SAME) <= set(rows):
            continue
        # rounded: values have at most four decimals, and a difference at the floor does not exceed it
        gaps = [round(values[SAME[1], v] - values[SAME[0], v], 6) for v in PAIR]
        differences = tuple(round(values[row, PAIR[1]] - values[row, PAIR[0]], 6) for row in rows)
        floor = float(np.sqrt((gaps[0] ** 2 + gaps[1] ** 2) / 2))
        found.append(NoiseFloor(table, dataset, metric, setting, (gaps[0], gaps[1]), floor, differences))
    return found


def explained(floors: Sequence[NoiseFloor]) -> str:
    """Write what the floor is and how many of the paper's differences it leaves."""
    exceeding, cells = share(floors)
    names = [row_label(name) for name in SAME]
    return (
        f"{names[1]} has the objective of {names[0]}, so what Tables I–III print for the two differs by chance alone. "
        "The floor is one standard deviation between two runs of one model, estimated from two gaps alone, whose root "
        f"mean square it is: the true one may be {LOW:.2f} to {HIGH:.1f} times as great (95%). Of "
        f"{cells} printed differences between a bidirectional model and its unidirectional one {exceeding} "
        f"({exceeding / cells:.0%}) are greater than their floor; if all were chance, about "
        f"{BY_NOISE:.0%} would be."
    )


def share(floors: Sequence[NoiseFloor]) -> tuple[int, int]:
    """Return how many of all differences exceed their floor, and how many there are."""
    return sum(f.exceeding for f in floors), sum(len(f.differences) for f in floors)
