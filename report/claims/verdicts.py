"""What stored results say of the papers' statements: one verdict for each on a data set, none written by hand."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from report.claims.declared import CLAIMS, Claim, read_claims
from report.claims.values import UNASKED, Compared, compare, left_out, obstacle, over_rows
from report.commands import command
from report.names import dataset_label
from report.published import PrintedLine, read_published
from report.statistics import fdr_level, seeds_to_resolve, t_interval, t_p_value
from report.store import NoResults, Suite, read_suite
from report.tables.printed import unlike_printed

HOLDS, DOES_NOT_HOLD, NO_MATTER = "holds", "does not hold", "no difference that matters"
TOO_FEW, NOT_COMPARABLE, NOT_MEASURED = "too few seeds", "not comparable", "not measured"
VERDICTS = (HOLDS, DOES_NOT_HOLD, NO_MATTER, TOO_FEW, NOT_COMPARABLE, NOT_MEASURED)
DECIDED = (HOLDS, DOES_NOT_HOLD, NO_MATTER)
ALPHA = 0.05  # share of wrong verdicts among those of one paper, at most
FEWEST = 3  # seeds to begin with
_WORTH_RUNNING = 50  # seeds: up to here the command lists them
_PRESETS = (
    "-paper",
    "-code",
    "-paper-half",
    "-medium",
    "",
    "-mirror",
)  # endings of a suite's folders, the nearest to the paper first


@dataclass(frozen=True)
class Shown:
    """A comparison that is shown and not judged: its mean and plain 95% t-interval."""

    suite: str
    compared: Compared
    mean: float
    half_width: float | None


@dataclass(frozen=True)
class Verdict:
    """A claim, what was measured in its nearest setting, and what follows.

    `difference` is the mean over seeds of the claim's statistic, `interval` its t-interval at confidence `level`.
    """

    claim: Claim
    verdict: str  # one of VERDICTS
    because: str = ""  # why, and what would settle it
    command: str = ""  # what to run, where runs are lacking
    suite: str = ""
    unlike: tuple[str, ...] = ()  # how the setting differs from the paper's
    unit: str = ""
    compared: Compared | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    level: float | None = None
    p_value: float | None = None
    seeds_needed: int | None = None  # about as many in all would do
    shown: tuple[Shown, ...] = ()  # rows, and other settings, descriptive

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that the verdict stands on."""
        return self.compared.seeds if self.compared else ()


def verdicts(results: Path, claims: Path = CLAIMS, known: Mapping[str, Suite] | None = None) -> list[Verdict]:
    """Judge every claim by the suites in a results folder; what cannot be read there counts as not there.

    `known` are its suites, by folder, where they have been read before. Raises ValueError for a bad claims' file.
    """
    declared = read_claims(claims)
    suites = dict(known or {})
    for name in {folder for claim in declared for folder in _folders((*claim.suites, *claim.elsewhere))}:
        with suppress(NoResults):
            if known is None:
                suites[name] = read_suite(Path(results) / name)
    return judge(declared, suites)


def printed_cells(results: Path) -> list[PrintedLine] | None:
    """Return the lines of published.csv; None where it is missing or cannot be read, which the tables report."""
    try:
        return read_published(results)
    except (OSError, ValueError):
        return None


def judge(claims: Sequence[Claim], suites: Mapping[str, Suite]) -> list[Verdict]:
    """Judge claims by suites.

    With C the t-interval of the mean statistic over seeds and R the claim's region (`Claim.region`): a claim *holds*
    where C lies inside R; there is *no difference that matters* where C lies inside (-margin, margin); it *does not
    hold* where C and R are apart; else there are *too few seeds*. The statistical claims of one paper that have two
    seeds or more are a family, whose intervals have one level (`fdr_level`): at most a share `ALPHA` of its verdicts is
    wrong. An exact claim needs no interval: it holds where every seed's ratio is in R.
    """
    found = [_measure(claim, suites) for claim in claims]
    for paper in dict.fromkeys(claim.paper for claim in claims):
        family = [i for i, v in enumerate(found) if v.claim.paper == paper and v.p_value is not None]
        if family:
            level = float(fdr_level(np.array([found[i].p_value for i in family]), ALPHA)[0])
            for i in family:
                found[i] = _resolve(found[i], level, suites[found[i].suite])
    return found


def decide(interval: tuple[float, float], claim: Claim) -> str:
    """Return the verdict on a claim whose statistic lies in `interval`."""
    if _inside(interval, claim.region):
        return HOLDS
    if claim.negligible and _inside(interval, claim.negligible):
        return NO_MATTER
    return DOES_NOT_HOLD if interval[1] < claim.region[0] or claim.region[1] < interval[0] else TOO_FEW


def reach(claim: Claim, mean: float) -> float:
    """Return the half-width below which an interval around `mean` decides the claim."""
    low, high = claim.region
    around = [r for r in (claim.region, claim.negligible) if r and r[0] <= mean <= r[1]]
    inside = [min(abs(mean - end) for end in region if np.isfinite(end)) for region in around]
    return max([*inside, low - mean, mean - high])


def again(claim: Claim, seeds: Iterable[int] = range(FEWEST)) -> str:
    """Return the command that measures a claim anew, on the suite nearest to the paper."""
    nearest = claim.suites[0]
    places = "" if nearest.endswith(("digits", "toy", "toy-full")) else " --data-dir DATA"
    given = "" if "-toy" in nearest else f" --seeds {','.join(map(str, seeds))}"  # there a seed is a configuration
    return f"vae-bench run {nearest}{' --preset paper' if claim.constant_of else ''}{places}{given}"


def _folders(suites: Iterable[str]) -> list[str]:
    return [f"{suite}{preset}" for suite in suites for preset in _PRESETS]


def _inside(interval: tuple[float, float], region: tuple[float, float]) -> bool:
    return region[0] < interval[0] and interval[1] < region[1]


def _measure(claim: Claim, suites: Mapping[str, Suite]) -> Verdict:
    """Return what can be said of a claim on its own: everything but the interval of a statistical one."""
    there = [suites[name] for name in _folders(claim.suites) if name in suites]
    shown = tuple(_described(claim, suites))
    if not there:
        return Verdict(claim, NOT_MEASURED, f"No results of suite {claim.suites[0]}.", again(claim), shown=shown)
    compared = {suite.folder.name: over_rows([compare(suite, claim, pair) for pair in claim.pairs]) for suite in there}
    suite = next((s for n in (2, 1) for s in there if len(compared[s.folder.name].seeds) >= n), there[0])
    primary = compared[suite.folder.name]
    settings = Verdict(
        claim,
        NOT_MEASURED,
        command=command(suite),
        suite=suite.folder.name,
        unlike=_unlike(claim, suite, primary),
        unit="" if claim.kind == "exact" or claim.relative else suite.metric(primary.pair.first.metric).get("unit", ""),
        shown=shown,
    )
    if not primary.seeds:
        why = next(
            (obstacle(suite, p) for p in claim.pairs if not compare(suite, claim, p).seeds), "no seed has all rows"
        )
        anew = f"{settings.command} --force" if why.endswith(UNASKED) else settings.command
        return replace(settings, because=f"{why[0].upper()}{why[1:]}.", command=anew)
    if claim.superseded:
        return replace(settings, because=claim.superseded, command=f"{settings.command} --force")
    if claim.constant_of and suite.facts["preset"] not in ("paper", "code"):
        because = f"{claim.constant_of} is printed; ours is of the {suite.facts['preset']} preset."
        return replace(settings, verdict=NOT_COMPARABLE, because=because, compared=primary, command=again(claim))
    mean = float(np.mean(primary.statistics))
    gone = left_out(suite, claim)
    because = f"Left out: {gone}." if gone else ""
    measured = replace(settings, because=because, command="", compared=primary, difference=mean)
    if claim.kind == "exact":
        inside = all(_inside((x, x), claim.region) for x in primary.statistics)
        return replace(measured, verdict=HOLDS if inside else DOES_NOT_HOLD)
    if len(primary.seeds) == 1:
        return replace(_undecided(measured, "", suite, FEWEST), seeds_needed=FEWEST)
    p_value = t_p_value(primary.statistics, reach(claim, mean))
    return replace(measured, verdict=TOO_FEW, p_value=p_value)


def _resolve(found: Verdict, level: float, suite: Suite) -> Verdict:
    """Return a statistical claim with its interval at confidence 1 - level and the verdict that follows."""
    assert found.compared is not None
    statistics = found.compared.statistics
    mean, half_width = t_interval(statistics, 1 - level)
    assert half_width is not None  # two seeds or more
    found = replace(found, interval=(mean - half_width, mean + half_width), level=1 - level)
    if half_width == 0:
        return _undecided(found, "The seeds do not differ, so t has nothing to measure against.", suite, None)
    verdict = decide((mean - half_width, mean + half_width), found.claim)
    if verdict != TOO_FEW:
        return replace(found, verdict=verdict)
    needed = seeds_to_resolve(float(np.std(statistics, ddof=1)), reach(found.claim, mean), level)
    return replace(_undecided(found, "", suite, needed), seeds_needed=needed)


def _undecided(found: Verdict, why: str, suite: Suite, seeds: int | None) -> Verdict:
    more = command(suite, seeds=range(seeds)) if seeds and seeds <= _WORTH_RUNNING else ""
    return replace(found, verdict=TOO_FEW, because=" ".join(filter(None, [why, found.because])), command=more)


def _unlike(claim: Claim, suite: Suite, compared: Compared) -> tuple[str, ...]:
    """Return how the setting differs from the paper's: data, network, budget, images, features."""
    found = list(unlike_printed(suite))
    dataset = suite.facts["dataset"]
    if dataset != claim.dataset:
        found.insert(0, f"{dataset_label(dataset)} in place of {dataset_label(claim.dataset)}")
    return (*found, *([f"{compared.stand_in} in place of Inception's features"] if compared.stand_in else []))


def _described(claim: Claim, suites: Mapping[str, Suite]) -> Iterable[Shown]:
    """Yield the rows of a claim in every setting that was measured, the nearest first, then on other data."""
    for name in _folders((*claim.suites, *claim.elsewhere)):
        if name not in suites:
            continue
        for pair in (*claim.pairs, *claim.also):
            found = compare(suites[name], claim, pair)
            if found.seeds:
                yield Shown(name, found, *t_interval(found.statistics))
