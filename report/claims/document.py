"""claims.md: every claim with its verdict, and the noise in the papers' own tables."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from report.claims import wording as text
from report.claims.noise_floor import PAPER, NoiseFloor, explained, noise_floors
from report.claims.verdicts import ALPHA, NOT_MEASURED, VERDICTS, Verdict, printed_cells
from report.files import write_whole
from report.names import dataset_label, row_label
from report.tables.formats.markdown import escape, row


def write_claims(results: Path, found: Sequence[Verdict]) -> Path:
    """Write claims.md of a results folder from its verdicts and return the path."""
    return write_whole(Path(results) / "claims.md", to_markdown(found, noise_floors(printed_cells(results))))


def to_markdown(found: Sequence[Verdict], floors: Sequence[NoiseFloor]) -> str:
    """Write the verdicts by paper and claim, then the noise floors."""
    counts = {verdict: sum(v.verdict == verdict for v in found) for verdict in VERDICTS}
    parts = [
        "# Claims of the papers, and what the results here say of them",
        f"{len(found)} comparisons: {', '.join(f'{n} {verdict}' for verdict, n in counts.items())}.",
        "Each claim was declared in `report/claims.toml` before it was measured, and is judged by rule from the stored "
        "runs. The difference is the first minus the second over the seeds that both have, with its paired t-interval. "
        "A claim *holds* where the interval lies inside what is claimed, *does not hold* where it lies wholly outside, "
        "and is *not resolved* where it reaches across. Intervals are at Holm's level among the statistical claims of "
        f"one paper that have two seeds or more, so that the chance of any wrong verdict in a paper is at most "
        f"{ALPHA:.0%}. Exact claims need no interval. Every verdict is about the setting beside it, which is the "
        "paper's only where the preset says so.",
    ]
    for paper, claims in groupby(found, key=lambda v: v.claim.paper):
        parts.append(f"## {escape(paper)}")
        for _, same in groupby(claims, key=lambda v: v.claim.entry):
            parts += _claim(list(same))
        parts += _floors(floors) if paper == PAPER else []
    return "\n\n".join(parts) + "\n"


def _claim(found: list[Verdict]) -> list[str]:
    claim = found[0].claim
    unit = next((v.unit for v in found if v.unit), "")
    said = [f"{claim.source}; {claim.kind}: {text.claimed(claim, unit)}"]
    said += [f"margin: {claim.margin_from}"] if claim.margin_from else []
    parts = [f"### {escape(claim.text)}", f"{escape('; '.join(said))}.{f' {escape(claim.note)}' if claim.note else ''}"]
    judged = [v for v in found if v.verdict != NOT_MEASURED]
    if judged:
        head = ["Compared", "Setting", "Printed", "Measured", "Difference", "Verdict"]
        lines = [row(head), row([":---"] * len(head)), *(_line(v) for v in judged)]
        parts += ["\n".join(lines), *_more(judged)]
    absent = [v for v in found if v.verdict == NOT_MEASURED]
    return parts + [_absent(list(same)) for _, same in groupby(absent, key=lambda v: (v.claim.suite, v.command))]


def _line(v: Verdict) -> str:
    verdict = f"**{v.verdict}**" + (f" {escape(v.because)}" if v.because else "")
    cells = [text.compared(v.claim), text.settings(v), text.printed(v), text.measured(v), text.difference(v)]
    return row([*map(escape, cells), verdict])


def _more(found: list[Verdict]) -> list[str]:
    """Write what to run for the claims of each suite that are not resolved: the longest list of seeds."""
    open_ones = [v for v in found if v.command]
    return [
        f"- to resolve {escape(suite)}: {_code(max((v.command for v in same), key=len))}"
        for suite, same in groupby(open_ones, key=lambda v: v.claim.suite)
    ]


def _absent(found: list[Verdict]) -> str:
    reasons = " ".join(dict.fromkeys(v.because for v in found))
    values = dict.fromkeys(f"{row_label(v.claim.first.row)} {text.printed(v)}" for v in found if v.printed)
    printed = f" Printed: {'; '.join(values) or found[0].claim.printed or 'nothing'}."
    said = f"- *not measured* on {escape(found[0].claim.suite)}: {escape(reasons)}"
    return f"{said} {_code(found[0].command)}{escape(printed)}"


def _code(command: str) -> str:
    return escape(command) if "`" in command else f"`{command}`"


def _floors(floors: Sequence[NoiseFloor]) -> list[str]:
    if not floors:
        return []
    head = ["Table", "Metric", "Gap, unidirectional", "Gap, bidirectional", "Floor", "Pairs beyond it"]
    return [
        "### The paper's own noise",
        explained(floors),
        "\n".join([row(head), row([":---", ":---", *["---:"] * 4]), *map(_floor, floors)]),
    ]


def _floor(floor: NoiseFloor) -> str:
    what = f"{floor.metric} ({floor.setting})" if floor.setting else floor.metric
    numbers: Iterable[float] = (*floor.gaps, floor.floor)
    beyond = f"{floor.exceeding} of {len(floor.differences)}"
    table = f"{floor.table} ({dataset_label(floor.dataset)})"
    return row([escape(table), escape(what), *(f"{x:.3g}".replace("-", "−") for x in numbers), beyond])
