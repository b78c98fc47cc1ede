"""The papers' claims as the page shows them: by paper and claim, with how many comparisons came to which verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from report.claims import wording as text
from report.claims.declared import Claim
from report.claims.verdicts import NOT_MEASURED, VERDICTS, Verdict


@dataclass(frozen=True)
class Judged:
    """One claim of a paper and its comparisons: those that were measured, and those that were not."""

    claim: Claim
    measured: tuple[Verdict, ...]
    absent: tuple[Verdict, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many comparisons came to which verdict."""
        return counts([*self.measured, *self.absent])

    @property
    def claimed(self) -> str:
        """Where the claim says that the difference lies, and where its margin comes from."""
        unit = next((v.unit for v in self.measured if v.unit), "")
        source = f"; margin: {self.claim.margin_from}" if self.claim.margin_from else ""
        return f"{self.claim.kind}: {text.claimed(self.claim, unit)}{source}"

    @property
    def missing(self) -> list[tuple[str, str]]:
        """Why comparisons were not measured, and the command that would: each different pair once."""
        return list(dict.fromkeys((f"{v.claim.suite}: {v.because}", v.command) for v in self.absent))


def counts(found: Sequence[Verdict]) -> dict[str, int]:
    """Return how many came to which verdict, those that some came to."""
    numbers = {verdict: sum(v.verdict == verdict for v in found) for verdict in VERDICTS}
    return {verdict: n for verdict, n in numbers.items() if n}


def papers(found: Sequence[Verdict]) -> list[tuple[str, list[Judged]]]:
    """Group verdicts by paper and claim, in the order of the claims."""
    return [
        (paper, [_judged(list(same)) for _, same in groupby(claims, key=lambda v: v.claim.entry)])
        for paper, claims in groupby(found, key=lambda v: v.claim.paper)
    ]


def _judged(found: list[Verdict]) -> Judged:
    measured = tuple(v for v in found if v.verdict != NOT_MEASURED)
    return Judged(found[0].claim, measured, tuple(v for v in found if v.verdict == NOT_MEASURED))
