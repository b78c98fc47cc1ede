"""Which model is best for what: what a suite over many families answers, with its interval against the runner-up."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from report.names import model_label
from report.statistics import Interval, paired_interval, t_interval
from report.store import Digest, Suite, seed_values

TABLE = "all"  # the kind of table of suites over many families


class Use(NamedTuple):
    """What a model is wanted for, and the metric at the setting that says how good it is."""

    name: str
    metric: str
    setting: str


USES = (
    Use("samples", "fd_classifier", "sampler=own"),
    Use("reconstruction", "psnr", "reconstruction=mean"),
    Use("likelihood", "nll", ""),
    Use("representation", "probe_accuracy", "probe=linear"),
    Use("speed", "seconds_per_epoch", ""),
)
LABELLED = ("M2", "Untapped")  # learn from labels, which the others do not see


@dataclass(frozen=True)
class Answer:
    """The best model of a suite for one use, and how far the best of another row is behind it.

    `mean` and `second` are means over seeds; `behind` is the mean of second - best over the seeds of both, with its
    paired 95 % t-interval, None where there are fewer than two.
    """

    use: Use
    unit: str
    best: str
    mean: float
    runner_up: str
    second: float
    seeds: int
    behind: Interval | None

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.behind is not None and self.behind.resolved


def answers(suite: Suite) -> list[Answer]:
    """Return an answer for each use that two rows have numbers for: of a row its best form, none that sees labels."""
    found = []
    for use in USES:
        sign = suite.sign(use.metric)
        best_of_row: dict[str, tuple[float, str, dict[int, float]]] = {}
        for row, variant, runs in suite.models():
            done = (d for d in runs if d.status == "done" and (use.name != "speed" or _alone(d)))
            values = seed_values(done, use.metric, use.setting)
            if not values or row.split()[0] in LABELLED:
                continue
            mean = t_interval(list(values.values())).mean
            if row not in best_of_row or sign * mean > sign * best_of_row[row][0]:
                best_of_row[row] = mean, model_label(row, variant), values
        if len(best_of_row) < 2 or not sign:
            continue
        (mean, best, values), (second, other, others) = sorted(best_of_row.values(), key=lambda x: -sign * x[0])[:2]
        seeds = len(values.keys() & others.keys())
        unit = suite.metric(use.metric).get("unit", "")
        found.append(Answer(use, unit, best, mean, other, second, seeds, paired_interval(values, others)))
    return found


def _alone(digest: Digest) -> bool:
    """Whether a run was trained by itself: of several that train as one, each has an equal share of the time."""
    return digest.facts["provenance"].get("together", 1) == 1


def over_families(suites: Iterable[Suite]) -> list[Suite]:
    """Return the suites that answer which model to use: those over many families."""
    return [suite for suite in suites if suite.facts["table"] == TABLE]


def recommended(suites: Iterable[Suite]) -> list[tuple[Suite, Answer]]:
    """Return one answer for each use: of a suite over many families, else of any; of those tuned alike first, then a
    decided one, of the most rows."""
    known = [(suite, answer) for suite in suites for answer in answers(suite)]

    def weight(found: tuple[Suite, Answer]) -> tuple[bool, bool, bool, int]:
        suite, answer = found
        return suite.facts["table"] == TABLE, bool(suite.facts["tuning"]), answer.decided, len(suite.rows)

    by_use = [[(suite, answer) for suite, answer in known if answer.use == use] for use in USES]
    return [max(found, key=weight) for found in by_use if found]


def sentence(answer: Answer) -> str:
    """Write an answer: "RAE-L2, stock (9.60), ahead of LBAE (17.10) by 7.50 ± 3.77, 3 seeds", or "not decided …"."""
    unit = f" {answer.unit}" if answer.unit not in ("", "%") else answer.unit
    first, second = (
        f"{answer.best} ({_short(answer.mean)}{unit})",
        f"{answer.runner_up} ({_short(answer.second)}{unit})",
    )
    if answer.behind is None or answer.behind.half_width is None:
        return f"not decided between {first} and {second}: one seed"
    by = f"{_short(abs(answer.behind.mean))} ± {_short(answer.behind.half_width)}{unit}, {answer.seeds} seeds"
    if not answer.decided:
        return f"not decided between {first} and {second}: apart by {by}"
    return f"{first}, ahead of {second} by {by}"


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"
