"""What stands behind a claim: the values of its two sides seed by seed, and what the paper prints for them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from report.claims.declared import Claim, Side
from report.names import model_label
from report.published import Published, cells_of, printed_cell
from report.store import Suite, seed_values


@dataclass(frozen=True)
class PrintedPair:
    """What the paper prints for both sides of a claim in one of its tables."""

    table: str
    dataset: str
    first: str
    second: str
    difference: float  # first - second


Index = Mapping[tuple[str, str], Published]  # (paper, dataset)


def printed_index(published: pd.DataFrame | None) -> Index:
    """Return all printed cells by paper and data set."""
    if published is None:
        return {}
    tables = published.drop_duplicates(["paper", "dataset"])[["paper", "table", "dataset"]]
    return {
        (p, dataset): cells_of(published, {"paper": p, "table": t}) for p, t, dataset in tables.itertuples(index=False)
    }


def printed_pairs(claim: Claim, index: Index) -> tuple[PrintedPair, ...]:
    """Return the printed values of a claim: of the data set that ends its suite's name, else of all that have any."""
    found = []
    for (paper, dataset), cells in index.items():
        first, second = (printed_cell(cells, s.row, s.variant, *s.printed) for s in (claim.first, claim.second))
        if paper == claim.paper and first and second:
            table = " and ".join(dict.fromkeys([first.table, second.table]))
            found.append(PrintedPair(table, dataset, first.text, second.text, first.value - second.value))
    suite = claim.suite.removesuffix("-paper").removesuffix("-code")
    return tuple(pair for pair in found if suite.endswith(pair.dataset)) or tuple(found)


def side_values(suite: Suite, side: Side) -> dict[int, float]:
    """Return what each finished seed measured of a side."""
    runs = [d for d in suite.runs(side.row, side.variant) if d.status == "done"]
    return seed_values(runs, side.metric, side.setting)


def obstacle(suite: Suite, side: Side) -> str:
    """Return why no seed has a value of this side."""
    name = model_label(side.row, side.variant)
    runs = suite.runs(side.row, side.variant)
    if not runs:
        return f"no run of {name}"
    broken = [d for d in runs if d.status != "done"]
    if len(broken) == len(runs):
        return f"{name} {broken[0].ending}"
    reasons = [m.get("reason") for d in runs if (m := d.values().get((side.metric, side.setting)))]
    what = f"{side.metric} ({side.setting})" if side.setting else side.metric
    return f"{name} has no {what}: {next((r for r in reasons if r), 'not among what was measured')}"


def left_out(suite: Suite, claim: Claim) -> str:
    """Return which runs of a claim's sides ended otherwise than done, as text; empty where none did."""
    runs = [d for side in dict.fromkeys([claim.first, claim.second]) for d in suite.runs(side.row, side.variant)]
    return ", ".join(f"{model_label(d.row, d.variant)} seed {d.seed} ({d.status})" for d in runs if d.status != "done")


def epochs(suite: Suite, claim: Claim) -> str:
    """Return for how many epochs the two sides were trained."""
    runs = [d for side in (claim.first, claim.second) for d in suite.runs(side.row, side.variant)]
    stored = [d.training.get("epochs") for d in runs]
    return " or ".join(str(n) for n in dict.fromkeys(stored) if n is not None)


def unit(suite: Suite, claim: Claim) -> str:
    """Return the unit of a claim's metric; a ratio has none."""
    return "" if claim.kind == "exact" else suite.metric(claim.first.metric).get("unit", "")
