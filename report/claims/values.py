"""What stands behind a claim: the values of its two sides seed by seed, by the paper's features or by ours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from report.claims.declared import Claim, Pair, Side
from report.names import model_label
from report.store import Digest, Suite, seed_values

# Metrics in Inception's features -> (metric, features) that stand in where no weights are: EfficientNet's, which are of
# natural images, or those of the suite's classifier; the first that both sides have.
STAND_INS = {
    "fid": (("fd", "efficientnet-lite0"), ("fd_classifier", "")),
    "rfid": (("rfd", "efficientnet-lite0"), ("rfd_classifier", "")),
    "ifid": (("ifd_classifier", ""),),
    "prd_f8": (("prd_f8_classifier", ""),),
    "prd_f1_8": (("prd_f1_8_classifier", ""),),
    "inception_score_imagenet": (("inception_score", ""),),
}
UNASKED = "not among what was measured"  # why finished runs have no value, which runs made anew would have
GRADIENT = "gradient_kept"  # a critic's gradient at its last step over that at its first; setting: loss=NAME


@dataclass(frozen=True)
class Compared:
    """One comparison as measured on a suite: both sides by seed, for the seeds that both have."""

    pair: Pair
    seeds: tuple[int, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]
    statistics: tuple[float, ...]  # seed by seed
    stand_in: str = ""  # the metric that stands in for the paper's


def compare(suite: Suite, claim: Claim, pair: Pair) -> Compared:
    """Return a comparison seed by seed; in the features that stand in where both sides lack the paper's."""
    found, used = _sides(suite, pair), pair
    for other in () if _shared(found) else _standing_in(pair):
        if _shared(measured := _sides(suite, other)):
            used, found = other, measured
            break
    seeds = _shared(found)
    first, second = (np.array([side[seed] for seed in seeds]) for side in found)
    divided = claim.kind == "exact" or claim.relative
    values = first / second - (1.0 if claim.relative else 0.0) if divided else first - second
    stand_in = used.first.metric if used is not pair and seeds else ""
    return Compared(used, seeds, _floats(first), _floats(second), _floats(values), stand_in)


def over_rows(compared: Sequence[Compared]) -> Compared:
    """Return the mean over comparisons, seed by seed, for the seeds that all of them have."""
    seeds = sorted(set.intersection(*(set(c.seeds) for c in compared)))
    by_seed = [{s: x for s, *x in zip(c.seeds, c.first, c.second, c.statistics, strict=True)} for c in compared]
    means = (
        np.array([[values[seed] for seed in seeds] for values in by_seed])
        .reshape(len(by_seed), len(seeds), 3)
        .mean(axis=0)
    )
    first, second, statistics = (_floats(column) for column in means.T)
    return replace(compared[0], seeds=tuple(seeds), first=first, second=second, statistics=statistics)


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(map(float, values))


def obstacle(suite: Suite, pair: Pair) -> str:
    """Return why no seed has a value of both sides."""
    sides = [side for side in (pair.first, pair.second) if isinstance(side, Side)]
    missing = [side for side in sides if not _values(suite, side)]
    if not missing:
        return "the two sides have no seed in common"
    side = missing[0]
    name = model_label(side.row, side.variant)
    runs = suite.runs(side.row, side.variant)
    if not runs:
        return f"no run of {name}"
    broken = [d for d in runs if d.status != "done"]
    if len(broken) == len(runs):
        return f"{name} {broken[0].ending}"
    reasons = [m.get("reason") for d in runs if (m := d.values().get((side.metric, side.setting)))]
    what = f"{side.metric} ({side.setting})" if side.setting else side.metric
    return f"{name} has no {what}: {next((r for r in reasons if r), UNASKED)}"


def left_out(suite: Suite, claim: Claim) -> str:
    """Return which runs of a claim's primary comparison ended otherwise than done, as text; empty where none did."""
    sides = [side for pair in claim.pairs for side in (pair.first, pair.second) if isinstance(side, Side)]
    runs = [d for row, variant in dict.fromkeys((s.row, s.variant) for s in sides) for d in suite.runs(row, variant)]
    return ", ".join(f"{model_label(d.row, d.variant)} seed {d.seed} ({d.status})" for d in runs if d.status != "done")


def _shared(found: Sequence[dict[int, float]]) -> tuple[int, ...]:
    return tuple(sorted(found[0].keys() & found[1].keys()))


def _sides(suite: Suite, pair: Pair) -> list[dict[int, float]]:
    first = _values(suite, pair.first)
    second = pair.second
    return [first, _values(suite, second) if isinstance(second, Side) else dict.fromkeys(first, second)]


def _values(suite: Suite, side: Side) -> dict[int, float]:
    """Return what each finished seed measured of a side."""
    runs = [d for d in suite.runs(side.row, side.variant) if d.status == "done"]
    if side.metric == GRADIENT:
        kept = {d.seed: _gradient_kept(d, side.setting.removeprefix("loss=")) for d in runs}
        return {seed: value for seed, value in kept.items() if value is not None}
    return seed_values(runs, side.metric, side.setting)


def _gradient_kept(run: Digest, loss: str) -> float | None:
    """Return the norm of the decoder's gradient by a loss when the critic is at its best, over that at the start."""
    norms = (run.facts["plots"].get("critic_gradients") or {}).get(loss) or [0.0]
    return norms[-1] / norms[0] if norms[0] else None


def _standing_in(pair: Pair) -> Iterator[Pair]:
    """Yield the comparison in each of the features that may stand in for the paper's."""
    for metric, features in STAND_INS.get(pair.first.metric, ()):
        first, second = _in_features(pair.first, metric, features), pair.second
        yield Pair(pair.row, first, _in_features(second, metric, features) if isinstance(second, Side) else second)


def _in_features(side: Side, metric: str, features: str) -> Side:
    parts = [part for part in side.setting.split(";") if not part.startswith("features=")]
    return replace(side, metric=metric, setting=";".join([f"features={features}", *parts] if features else parts))
