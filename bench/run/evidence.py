"""The command `evidence`: what is missing of all that is to be run for the papers' statements, in the list's order."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.command.options import Parser, parse
from bench.command.streams import answer, say
from bench.study import evidence
from bench.study.evidence import Entry


class Line(NamedTuple):
    """An entry of the list, how many of its runs are finished, and the hours that the others are expected to take."""

    entry: Entry
    done: int
    total: int
    statements: list[str]

    @property
    def left(self) -> float:
        return self.entry.hours * (1 - self.done / self.total)


def main(arguments: list[str]) -> int:
    """Carry out the list, or print it with the hours left; return 0, or 1 where some run failed."""
    parser = Parser(prog="vae-bench evidence", description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of suites (default: %(default)s)")
    parser.add_argument("--data-dir", type=Path, help="folder that holds the data sets")
    parser.add_argument("--jobs", type=int, help="runs at once (default: one a core)")
    parser.add_argument("--part", type=int, choices=(1, 2), help="this part alone (default: both)")
    parser.add_argument("--dry-run", action="store_true", help="print the list with the hours left, and stop")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    options = parser.parse_args(arguments, argparse.Namespace())
    entries = [entry for entry in evidence.read() if options.part in (None, entry.part)]
    if options.dry_run or options.json:
        lines = [state(entry, options.results) for entry in entries]
        answer(_json(lines) if options.json else describe(lines))
        return 0
    failed = 0
    for entry in entries:
        found = state(entry, options.results)
        if found.done < found.total:
            say(f"{entry.command}: {found.done} of {found.total} done, {found.left:.1f} hours expected")
            failed |= _carry_out(entry, options)
    return failed


def state(entry: Entry, results: Path) -> Line:
    """Return how far an entry has come in a folder of results."""
    from report.claims.declared import read_claims

    if entry.search:
        from bench.command.search import progress

        done, total = progress(entry.search, results / "search")
        return Line(entry, done, total, [])
    from bench import data
    from bench.runs.remaining import unfinished
    from bench.study import suite

    options = parse(entry.words)
    loaded = suite.load(entry.suite, entry.preset, entry.set)
    shape = data.image_shape(loaded.dataset, loaded.data)
    runs = suite.expand(loaded, entry.suite, entry.preset, seeds=options.seeds, shape=shape)
    if options.models:
        runs = suite.select(runs, options.models.split(","))
    left = unfinished(results / suite.results_name(entry.suite, entry.preset, entry.set), runs, force=False)
    claims = {claim.id: None for claim in read_claims() if entry.suite in claim.suites}
    return Line(entry, len(runs) - len(left), len(runs), list(claims))


def describe(lines: Sequence[Line]) -> str:
    """Return the list as text: what is done, hours left, command, and the statements that are judged on the suite."""
    said = []
    for part in sorted({line.entry.part for line in lines}):
        mine = [line for line in lines if line.entry.part == part]
        left = sum(line.left for line in mine)
        said.append(f"part {part}: {left:.1f} of {sum(line.entry.hours for line in mine):.1f} hours of two cores left")
        for line in mine:
            said.append(f"  {line.done:4}/{line.total:<4} {line.left:4.1f} h  {line.entry.command}")
            said += [f"{'':18}{', '.join(line.statements)}"] if line.statements else []
    return "\n".join(said)


def _json(lines: Sequence[Line]) -> str:
    return json.dumps(
        [
            line.entry.model_dump()
            | {"done": line.done, "runs": line.total, "hours_left": round(line.left, 2), "statements": line.statements}
            | {"command": line.entry.command}
            for line in lines
        ]
    )


def _carry_out(entry: Entry, options: argparse.Namespace) -> int:
    """Carry out what is missing of an entry; return 0 where nothing failed."""
    where = ["--data-dir", str(options.data_dir)] if options.data_dir else []
    where += ["--jobs", str(options.jobs)] if options.jobs else []
    if entry.search:
        from bench.command import search

        return search.main([entry.search, "--results", str(options.results / "search"), *where])
    from bench.run import train

    return train.carry_out(parse([*entry.words, "--results", str(options.results), *where]))
