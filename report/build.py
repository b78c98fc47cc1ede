"""From a results folder to its tables, its figures and its page."""

import os
import time
from pathlib import Path

from report.claims.document import write_claims
from report.claims.noise_floor import NoiseFloor, noise_floors
from report.claims.verdicts import Verdict, printed_cells, verdicts
from report.figures.registry import draw_figures
from report.page.page import render
from report.page.sections import Section, make_section
from report.published import Published, cells_of, read_published
from report.store import NoResults, Suite, log, read_suite
from report.tables.assemble import make_table
from report.tables.cells import Table
from report.tables.formats.csv_text import to_csv, to_measurements
from report.tables.formats.latex import to_latex
from report.tables.formats.markdown import to_markdown
from report.tables.rates import write_rates
from report.tables.trials import write_trials

_NOT_SUITES = ("perf",)  # folders of other results
_ABANDONED = 3600  # seconds after which a page that is not finished has no writer
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError)  # what reading a damaged file raises


def write(suite_folder: Path, published: bool = True) -> list[Path]:
    """Rebuild measurements.csv, table.csv, table.tex, table.md and figures of results/SUITE from its stored digests.

    The same digests give the same bytes of text. What is missing is logged to "report" in one line each and left
    out; with `published`, the paper's values stand beside the measured ones. Returns the paths written.
    Raises NoResults where there is no readable suite.json.
    """
    suite_folder = Path(suite_folder)
    suite, printed, table = _read(suite_folder, published)
    for problem in suite.problems:
        log.warning("%s", problem)
    texts = {"measurements.csv": to_measurements(suite), "table.csv": to_csv(table)}
    texts |= {"table.tex": to_latex(table), "table.md": to_markdown(table)}
    written = []
    for name, text in texts.items():
        path = suite_folder / name
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written + write_trials(suite) + write_rates(suite) + draw_figures(suite, printed)


def write_page(results: Path, published: bool = True) -> tuple[Path, list[str]]:
    """Rebuild index.html and claims.md of a results folder; return the page's path and what its suites lack.

    The figures that lie in the folder are shown. What cannot be read is left out, with a line on the page.
    """
    results = Path(results)
    sections: list[Section] = []
    problems: list[str] = []
    for folder in suite_folders(results):
        try:
            suite, _, table = _read(folder, published)
            sections.append(make_section(suite, table))
            problems += suite.problems
        except NoResults as error:
            problems.append(str(error))
    judged, floors, unjudged = _claims(results)
    path, partial = results / "index.html", results / f"index.html.{os.getpid()}.partial"
    text = render(results, sections, judged, floors, [*problems, *unjudged])
    partial.write_text(text, encoding="utf-8", newline="\n")
    os.replace(partial, path)  # suites that end at once do not mix their pages
    for left in results.glob(f"{path.name}.*.partial"):  # by a process that was killed
        if time.time() - left.stat().st_mtime > _ABANDONED:
            left.unlink(missing_ok=True)
    return path, problems


def suite_folders(results: Path) -> list[Path]:
    """Return the folders below `results` that hold a suite, or what is left of one."""
    folders = sorted(results.iterdir()) if results.is_dir() else []
    held = [f for f in folders if any((f / name).exists() for name in ("suite.json", "digests.jsonl", "digests"))]
    return [f for f in held if f.name not in _NOT_SUITES]


def _read(folder: Path, published: bool) -> tuple[Suite, Published | None, Table]:
    """Return a suite, its printed values and its table; raises NoResults, one line, where there is no table to make."""
    suite = read_suite(folder)
    printed = _printed(suite, published)
    try:
        return suite, printed, make_table(suite, printed)
    except NoResults:
        raise
    except _DAMAGE as error:
        raise NoResults(f"{folder}: a digest holds what no run writes ({_why(error)}); measure it anew") from error


def _claims(results: Path) -> tuple[list[Verdict], list[NoiseFloor], list[str]]:
    """Judge the claims, write claims.md, and return verdicts, noise floors, and why there are none."""
    try:
        judged = verdicts(results)
        write_claims(results, judged)
        return judged, noise_floors(printed_cells(results)), []
    except _DAMAGE as error:
        log.warning("claims are not judged: %s", _why(error))
        return [], [], [f"Claims are not judged: {_why(error)}"]


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _printed(suite: Suite, published: bool) -> Published | None:
    """Return the paper's cells for the suite's table; None where they are not wanted or cannot be read."""
    source = suite.facts["published"] if published else None
    if not source:
        return None
    try:
        frame = read_published(suite.folder.parent)
        if frame is None:
            log.warning("no published.csv beside %s: published values are not shown", suite.folder)
        return None if frame is None else cells_of(frame, source)
    except _DAMAGE as error:
        where = suite.folder.parent / "published.csv"
        log.warning("%s cannot be read (%s): published values are not shown", where, _why(error))
        return None
