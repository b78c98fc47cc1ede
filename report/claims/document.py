"""claims.md: the list of statements, a line each, then what stands behind it, and the noise in the papers' tables."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from report.claims import wording as text
from report.claims.noise_floor import PAPER, NoiseFloor, explained, noise_floors
from report.claims.verdicts import ALPHA, VERDICTS, Verdict, printed_cells, verdicts
from report.files import write_whole
from report.names import dataset_label
from report.tables.formats.markdown import escape, row


def write_claims(results: Path, found: Sequence[Verdict]) -> Path:
    """Write claims.md of a results folder from its verdicts and return the path."""
    return write_whole(Path(results) / "claims.md", to_markdown(found, noise_floors(printed_cells(results))))


def listed(results: Path) -> list[str]:
    """Return the list of statements of a results folder, one line each, and how many are decided."""
    found = verdicts(Path(results))
    return [*map(text.line, found), text.summary(found)]


def detail(results: Path, name: str) -> str:
    """Return what stands behind one statement, as Markdown: rows, intervals, seeds and commands.

    Raises ValueError, naming what there is, for a statement that is not listed.
    """
    found = verdicts(Path(results))
    same = [v for v in found if v.claim.id == name]
    if not same:
        raise ValueError(f"no statement {name!r}; known: {', '.join(dict.fromkeys(v.claim.id for v in found))}")
    return "\n\n".join([*(f"- {text.line(v)}" for v in same), *_statement(same)]) + "\n"


def to_markdown(found: Sequence[Verdict], floors: Sequence[NoiseFloor]) -> str:
    """Write the list, how it was judged, then the statements of each paper."""
    counts = {verdict: sum(v.verdict == verdict for v in found) for verdict in VERDICTS}
    top = ["# Statements of the papers, and what the results here say of them", "", *map(_listed, found)]
    parts = [
        "\n".join(top),
        f"{text.summary(found)}: {', '.join(f'{n} {verdict}' for verdict, n in counts.items())}. Bold: headlines.",
        "Each statement, its primary comparison and its margin are frozen in `report/claims.toml`; some of the stored "
        "runs are older than that list. It is judged by rule from the runs of the setting nearest to the paper's. With "
        "the paired t-interval over seeds it *holds* where the interval lies inside what is claimed, there is *no "
        "difference that matters* where it lies inside the margin, it *does not hold* where it lies wholly outside "
        "what is claimed, and there are *too few seeds* else. A paper's intervals have one level, so that of its "
        "verdicts a "
        f"share of at most {ALPHA:.0%} is wrong (false discovery rate). Rows have plain 95% intervals: they describe, "
        "and decide nothing.",
    ]
    for paper, claims in groupby(found, key=lambda v: v.claim.paper):
        parts.append(f"## {escape(paper)}")
        for _, same in groupby(claims, key=lambda v: v.claim.id):
            parts += _statement(list(same))
        parts += _floors(floors) if paper == PAPER else []
    return "\n\n".join(parts) + "\n"


def _listed(v: Verdict) -> str:
    said = escape(text.line(v))
    return f"- **{said.partition(' ')[0]}** {said.partition(' ')[2]}" if v.claim.headline else f"- {said}"


def _statement(found: list[Verdict]) -> list[str]:
    claim = found[0].claim
    unit = next((v.unit for v in found if v.unit), "")
    said = [f"{claim.source}; {claim.kind}: {text.claimed(claim, unit)}", f"judged: {text.primary(claim)}"]
    said += text.margin(claim)
    said += [f"printed: {claim.printed}"]
    parts = [f"### {escape(claim.id)}: {escape(claim.text)}"]
    parts.append(f"{escape('; '.join(said))}.{f' {escape(claim.note)}' if claim.note else ''}")
    commands = {v.claim.dataset: v.command for v in found if v.command}
    parts += (
        ["\n".join(f"- {dataset_label(name)}: {_code(line)}" for name, line in commands.items())] if commands else []
    )
    lines = {(s.suite, text.compared(claim, s.compared)): s for v in found for s in v.shown}
    if lines:
        head = ["Suite", "Compared", "Means", "Difference, 95%", "Seeds"]
        rows = [
            row([escape(a), escape(b), *map(escape, text.descriptive(s, claim.relative))])
            for (a, b), s in lines.items()
        ]
        parts.append("\n".join([row(head), row([":---", ":---", *["---:"] * 3]), *rows]))
    return parts


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
