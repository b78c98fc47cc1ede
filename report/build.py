"""From a results folder to its tables, its figures and its page."""

from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from report.claims.document import write_claims
from report.claims.noise_floor import NoiseFloor, noise_floors
from report.claims.verdicts import Verdict, printed_cells, verdicts
from report.figures import registry
from report.files import write_whole
from report.made import NAME, Made, key_of, read_of, unless_made
from report.published import PRINTED, Published, cells_of, read_published
from report.store import NoResults, Suite, log, read_suite
from report.tables.assemble import make_table
from report.tables.cells import Table
from report.tables.formats.csv_text import to_csv, to_measurements
from report.tables.formats.latex import to_latex
from report.tables.formats.markdown import to_markdown
from report.tables.rates import write_rates
from report.tables.trials import write_trials
from report.tables.tuning import write_tuning

if TYPE_CHECKING:
    from report.page.sections import Section

_NOT_SUITES = ("perf",)  # folders of other results


def write(suite_folder: Path, published: bool = True) -> list[Path]:
    """Rebuild measurements.csv, table.csv, table.tex, table.md and figures of results/SUITE from its stored digests.

    The same digests give the same bytes of text, and nothing is written where all is as the last call left it, by
    this code from these digests (`report.made`). What is missing is logged to "report" in one line each and left
    out; with `published`, the paper's values stand beside the measured ones. Returns the paths written.
    Raises NoResults where there is no readable suite.json, OSError where a file cannot be written.
    """
    folder = Path(suite_folder)
    key = key_of([*read_of(folder), folder.parent / PRINTED], folder.parent, folder.name, published)
    return unless_made(folder / NAME, key, lambda: Made(_write(folder, published), [])).paths


def _write(folder: Path, published: bool) -> list[Path]:
    suite = read_suite(folder)
    printed = _printed(suite, published)
    table = _table(suite, printed)
    for problem in suite.problems:
        log.warning("%s", problem)
    texts = {"measurements.csv": to_measurements(suite), "table.csv": to_csv(table)}
    texts |= {"table.tex": to_latex(table), "table.md": to_markdown(table)}
    written = [write_whole(suite.folder / name, text) for name, text in texts.items()]
    tables = [*write_trials(suite), *write_rates(suite), *write_tuning(suite)]
    return written + tables + registry.draw_figures(suite, printed)


def write_page(results: Path, published: bool = True, claims: bool = True) -> tuple[Path, list[str]]:
    """Rebuild index.html of a results folder and, with `claims`, its claims.md; return the page's path and what its
    suites lack.

    The figures that lie in the folder are shown. What cannot be read is left out, with a line on the page. Where a
    folder has its name, the page is index-2.html. Raises OSError where the page cannot be written.
    """
    results = Path(results)
    folders = suite_folders(results)
    shown = [path for folder in folders for path in (*read_of(folder), *sorted(folder.glob("*"))) if path.name != NAME]
    taken = sorted(path.name for path in results.glob("index*.html") if path.is_dir())
    there = [claims or (results / "claims.md").is_file(), (results / "README.md").is_file()]
    key = key_of([*shown, results / PRINTED], results, [f.name for f in folders], taken, there, published, claims)
    made = unless_made(results / NAME, key, lambda: _write_page(results, published, claims))
    return made.paths[0], made.remarks


def _write_page(results: Path, published: bool, claims: bool) -> Made:
    from report.page.page import render

    sections: list[Section] = []
    suites: dict[str, Suite] = {}
    problems: list[str] = []
    for folder in suite_folders(results):
        try:
            suite = suites[folder.name] = read_suite(folder)
            sections.append(_section(suite, _table(suite, _printed(suite, published)), results))
            problems += suite.problems
        except NoResults as error:
            problems.append(str(error))
    judged, floors, unjudged, written = _claims(results, suites, claims)
    names = chain(["index.html"], (f"index-{n}.html" for n in count(2)))
    path = next(path for name in names if not (path := results / name).is_dir())
    taken = [] if path.name == "index.html" else [f"index.html is a folder, so this page is {path.name}"]
    write_whole(path, render(results, sections, judged, floors, [*problems, *unjudged, *taken]))
    return Made([path, *written], problems)


def suite_folders(results: Path) -> list[Path]:
    """Return the folders below `results` that hold a suite, what is left of one, or nothing that may be looked at."""
    folders = sorted(path for path in results.iterdir() if path.is_dir()) if results.is_dir() else []
    return [folder for folder in folders if folder.name not in _NOT_SUITES and _holds_a_suite(folder)]


def _holds_a_suite(folder: Path) -> bool:
    try:
        return any((folder / name).exists() for name in ("suite.json", "digests.jsonl", "digests"))
    except OSError:
        return True


def _table(suite: Suite, printed: Published | None) -> Table:
    """Return a suite's table; raises NoResults, one line, where there is none to make."""
    try:
        return make_table(suite, printed)
    except NoResults:
        raise
    except Exception as error:
        raise _odd(suite, error) from error


def _section(suite: Suite, table: Table, results: Path) -> "Section":
    """Return a suite as the page shows it; raises NoResults, one line, where that cannot be."""
    from report.page.payload import with_data
    from report.page.sections import make_section

    try:
        return with_data(make_section(suite, table), results)
    except Exception as error:
        raise _odd(suite, error) from error


def _odd(suite: Suite, error: Exception) -> NoResults:
    return NoResults(f"{suite.folder}: a digest holds what no run writes ({_why(error)}); measure it anew")


def _claims(
    results: Path, suites: dict[str, Suite], write: bool
) -> tuple[list[Verdict], list[NoiseFloor], list[str], list[Path]]:
    """Judge the statements, write claims.md if asked to; return verdicts, noise floors, what could not be done, and
    what was written."""
    try:
        judged, floors = verdicts(results, known=suites), noise_floors(printed_cells(results))
    except Exception as error:
        log.warning("claims are not judged: %s", _why(error))
        return [], [], [f"Claims are not judged: {_why(error)}"], []
    try:
        return judged, floors, [], [write_claims(results, judged)] if write else []
    except OSError as error:
        return judged, floors, [f"claims.md is not written: {_why(error)}"], []


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _printed(suite: Suite, published: bool) -> Published | None:
    """Return the paper's cells for the suite's table; None where they are not wanted or cannot be read."""
    source = suite.facts["published"] if published else None
    if not source:
        return None
    try:
        lines = read_published(suite.folder.parent)
        if lines is None:
            log.warning("no published.csv beside %s: published values are not shown", suite.folder)
        return None if lines is None else cells_of(lines, source)
    except (OSError, ValueError) as error:
        where = suite.folder.parent / "published.csv"
        log.warning("%s cannot be read (%s): published values are not shown", where, _why(error))
        return None
