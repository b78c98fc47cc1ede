"""The papers' statements as the page shows them: by paper and statement, with how many came to which verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from report.claims import wording as text
from report.claims.declared import Claim
from report.claims.verdicts import VERDICTS, Verdict


@dataclass(frozen=True)
class Judged:
    """One statement of a paper, its verdict on each data set, and the rows that describe it."""

    claim: Claim
    verdicts: tuple[Verdict, ...]

    @property
    def claimed(self) -> str:
        """Where the statement says that the difference lies, what is judged, and where its margin comes from."""
        unit = next((v.unit for v in self.verdicts if v.unit), "")
        judged = f"{self.claim.kind}: {text.claimed(self.claim, unit)}; judged: {text.primary(self.claim)}"
        return "; ".join([judged, *text.margin(self.claim)])

    @property
    def rows(self) -> list[list[str]]:
        """Suite, what is compared, means, difference with its 95% interval, and number of seeds."""
        shown = {(s.suite, text.compared(self.claim, s.compared)): s for v in self.verdicts for s in v.shown}
        return [[suite, what, *text.descriptive(s, self.claim.relative)] for (suite, what), s in shown.items()]


def counts(found: Sequence[Verdict]) -> dict[str, int]:
    """Return how many came to which verdict, those that some came to."""
    numbers = {verdict: sum(v.verdict == verdict for v in found) for verdict in VERDICTS}
    return {verdict: n for verdict, n in numbers.items() if n}


def papers(found: Sequence[Verdict]) -> list[tuple[str, list[Judged]]]:
    """Group verdicts by paper and statement, in the order of the list."""
    return [
        (
            paper,
            [
                Judged(same[0].claim, tuple(same))
                for _, g in groupby(claims, key=lambda v: v.claim.id)
                if (same := list(g))
            ],
        )
        for paper, claims in groupby(found, key=lambda v: v.claim.paper)
    ]
