"""What stored results say of the papers' claims: one verdict each, by one rule, none written by hand."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from report.claims.declared import CLAIMS, Claim, read_claims
from report.claims.values import (
    Index,
    PrintedPair,
    epochs,
    left_out,
    obstacle,
    printed_index,
    printed_pairs,
    side_values,
    unit,
)
from report.commands import command
from report.published import read_published
from report.statistics import bootstrap_interval, holm_levels, seeds_to_resolve, t_interval, t_p_value
from report.store import NoResults, Suite, read_suite

HOLDS, DOES_NOT_HOLD = "holds", "does not hold"
NOT_RESOLVED, NOT_MEASURED = "not resolved", "not measured"
VERDICTS = (HOLDS, DOES_NOT_HOLD, NOT_RESOLVED, NOT_MEASURED)
ALPHA = 0.05  # chance of any wrong verdict among the statistical claims of one paper
_BOOTSTRAP_FROM = 8  # seeds
_WORTH_RUNNING = 50  # seeds: up to here the command lists them


@dataclass(frozen=True)
class Verdict:
    """A claim, what is printed, what was measured under which settings, and what follows.

    `difference` is the mean over seeds of first - second in the metric's unit (of first / second for an exact claim);
    `interval` is its paired t-interval at confidence `level`, `bootstrap` the percentile bootstrap's at the same level.
    """

    claim: Claim
    verdict: str  # one of VERDICTS
    because: str = ""  # why, and what would settle it
    command: str = ""  # what to run, where runs are lacking
    printed: tuple[PrintedPair, ...] = ()
    dataset: str = ""
    preset: str = ""
    epochs: str = ""
    unit: str = ""
    seeds: tuple[int, ...] = ()  # that both sides have
    first: float | None = None  # mean over those seeds
    second: float | None = None
    differences: tuple[float, ...] = ()  # seed by seed
    difference: float | None = None
    interval: tuple[float, float] | None = None
    level: float | None = None
    p_value: float | None = None
    bootstrap: tuple[float, float] | None = None
    seeds_needed: int | None = None  # about as many in all would resolve it


def verdicts(results: Path, claims: Path = CLAIMS, known: Mapping[str, Suite] | None = None) -> list[Verdict]:
    """Judge every claim by the suites in a results folder; what cannot be read there counts as not there.

    `known` are its suites, by folder, where they have been read before.
    A suite that was run at several presets has a folder for each, and the claim is judged in each. Raises ValueError
    for a bad entry of the claims' file.
    """
    declared: list[Claim] = []
    suites = dict(known or {})
    for claim in read_claims(claims):
        folders = [f"{claim.suite}{preset}" for preset in ("", "-paper", "-code")]
        for name in folders:
            with suppress(NoResults):
                if known is None and name not in suites:
                    suites[name] = read_suite(Path(results) / name)
        there = [name for name in folders if name in suites]
        declared += [replace(claim, suite=name) for name in there or folders[:1]]
    return judge(declared, suites, printed_cells(Path(results)))


def printed_cells(results: Path) -> pd.DataFrame | None:
    """Return the lines of published.csv; None where it is missing or cannot be read, which the tables report."""
    try:
        return read_published(results)
    except (OSError, ValueError):
        return None


def judge(claims: Sequence[Claim], suites: Mapping[str, Suite], published: pd.DataFrame | None = None) -> list[Verdict]:
    """Judge claims by suites.

    With d the mean paired difference over seeds, C its t-interval and R the claim's region (`Claim.region`):
    *holds* where C lies inside R, *does not hold* where C and R are apart, *not resolved* where C reaches an end of R.
    The statistical claims of one paper with at least two seeds are a family: C is at confidence 1 - level, where level
    is Holm's (`holm_levels`) for p = the p-value of the end of R nearest to d, so that a verdict is given exactly where
    Holm's procedure rejects that end. A verdict is wrong only where C misses the true difference, so the chance of any
    wrong verdict in a family is at most `ALPHA` (Holm 1979; for the side of a two-sided decision Shaffer 1980, who
    proves it for independent claims). An exact claim needs no interval: it holds where every seed's ratio is in R.
    """
    index = printed_index(published)
    found = [_measure(claim, suites.get(claim.suite), index) for claim in claims]
    for paper in dict.fromkeys(claim.paper for claim in claims):
        family = [i for i, v in enumerate(found) if v.claim.paper == paper and v.p_value is not None]
        levels = holm_levels([found[i].p_value or 0.0 for i in family], ALPHA)
        for i, level in zip(family, levels, strict=True):
            found[i] = _resolve(found[i], level, suites[found[i].claim.suite])
    return found


def decide(interval: tuple[float, float], region: tuple[float, float]) -> str:
    """Return the verdict on a claim whose statistic is claimed to lie in `region` and lies in `interval`."""
    if region[0] < interval[0] and interval[1] < region[1]:
        return HOLDS
    if interval[1] < region[0] or region[1] < interval[0]:
        return DOES_NOT_HOLD
    return NOT_RESOLVED


def _measure(claim: Claim, suite: Suite | None, index: Index) -> Verdict:
    """Return what can be said of a claim on its own: everything but the interval of a statistical one."""
    printed = printed_pairs(claim, index)
    if suite is None:
        places = "" if claim.suite.endswith(("digits", "toy")) else " --data-dir DATA"
        again = f"python -m bench.run --suite {claim.suite}{places} --seeds 0,1,2"
        return Verdict(claim, NOT_MEASURED, f"No results of suite {claim.suite}.", again, printed)
    sides = [side_values(suite, side) for side in (claim.first, claim.second)]
    seeds = tuple(sorted(sides[0].keys() & sides[1].keys()))
    settings = Verdict(
        claim,
        NOT_MEASURED,
        command=command(suite),
        printed=printed,
        dataset=suite.facts["dataset"],
        preset=suite.facts["preset"],
        epochs=epochs(suite, claim),
        unit=unit(suite, claim),
    )
    if not seeds:
        missing = [side for side, found in zip((claim.first, claim.second), sides, strict=True) if not found]
        why = obstacle(suite, missing[0]) if missing else "the two sides have no seed in common"
        return replace(settings, because=f"{why[0].upper()}{why[1:]}.")
    if claim.superseded:
        return replace(settings, because=claim.superseded, command=f"{settings.command} --force")
    first, second = (np.array([found[seed] for seed in seeds]) for found in sides)
    exact = claim.kind == "exact"
    differences = first / second if exact else first - second
    gone = left_out(suite, claim)
    measured = replace(
        settings,
        because=f"Left out: {gone}." if gone else "",
        command="",
        seeds=seeds,
        first=float(first.mean()),
        second=float(second.mean()),
        differences=tuple(map(float, differences)),
        difference=float(differences.mean()),
    )
    if exact:
        inside = all(decide((x, x), claim.region) == HOLDS for x in measured.differences)
        return replace(measured, verdict=HOLDS if inside else DOES_NOT_HOLD)
    if len(seeds) == 1:
        return _unresolved(measured, "One seed has no spread, so nothing can be said.", suite, 3)
    return replace(measured, verdict=NOT_RESOLVED, p_value=t_p_value(measured.differences, _distance(measured)))


def _resolve(found: Verdict, level: float, suite: Suite) -> Verdict:
    """Return a statistical claim with its interval at confidence 1 - level and the verdict that follows."""
    mean, half_width = t_interval(found.differences, 1 - level)
    assert half_width is not None  # two seeds or more
    interval = (mean - half_width, mean + half_width)
    many = len(found.seeds) >= _BOOTSTRAP_FROM
    found = replace(
        found,
        interval=interval,
        level=1 - level,
        bootstrap=bootstrap_interval(found.differences, 1 - level) if many else None,
    )
    if half_width == 0:
        return _unresolved(found, "The seeds do not differ, so t has nothing to measure against.", suite, None)
    verdict = decide(interval, found.claim.region)
    if verdict != NOT_RESOLVED:
        return replace(found, verdict=verdict)
    spread = float(np.std(found.differences, ddof=1))
    needed = seeds_to_resolve(spread, _distance(found), level)
    about = f"about {needed}" if needed else "more than 10,000"
    why = f"With this difference and spread {about} seeds would resolve it."
    return replace(_unresolved(found, why, suite, needed), seeds_needed=needed)


def _unresolved(found: Verdict, why: str, suite: Suite, seeds: int | None) -> Verdict:
    again = command(suite, seeds=range(seeds)) if seeds and seeds <= _WORTH_RUNNING else ""
    because = " ".join(filter(None, [why, found.because]))
    return replace(found, verdict=NOT_RESOLVED, because=because, command=again)


def _distance(found: Verdict) -> float:
    """Return how far the mean difference lies from the nearest end of the claim's region."""
    return min(abs((found.difference or 0.0) - end) for end in found.claim.region if np.isfinite(end))
