"""What the passages read: the committed suites, the verdicts on claims, the printed cells."""

from functools import cache
from pathlib import Path

from report.build import suite_folders
from report.claims.verdicts import Verdict, verdicts
from report.published import PrintedLine, cells_of, read_published
from report.store import Suite, read_suite
from report.tables.assemble import make_table
from report.tables.cells import Table

RESULTS = Path(__file__).resolve().parents[2] / "results"


@cache
def suites() -> dict[str, Suite]:
    """Return the committed suites by the name of their folder."""
    return {folder.name: read_suite(folder) for folder in suite_folders(RESULTS)}


@cache
def table(name: str) -> Table:
    """Return a suite's table, printed values beside the measured ones."""
    suite = suites()[name]
    source = suite.facts["published"]
    return make_table(suite, cells_of(published(), source) if source else None)


@cache
def found() -> tuple[Verdict, ...]:
    """Return the verdicts on all claims."""
    return tuple(verdicts(RESULTS, known=suites()))


@cache
def published() -> list[PrintedLine]:
    """Return the printed cells."""
    lines = read_published(RESULTS)
    assert lines is not None
    return lines
