"""`python -m report --results DIR`: rebuild every table and figure of the suites stored there, and their page."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from report import NoResults, write, write_page
from report.build import suite_folders


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild what is asked for; returns 0, 1 where some suites failed, 2 where there was nothing to do or no way to.

    Text that the terminal has no characters for is shown with "?"; a reader that goes away ends the output quietly.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = _rebuild(_options(arguments))
        print(end="", flush=True)  # what cannot be written is noticed here
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that closing standard output does not fail as well
        return 141
    except OSError as error:
        print(f"{error.filename or 'standard output'}: {error.strerror or error}", file=sys.stderr)
        return 2


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m report", description="Rebuild tables, figures and the page from stored results."
    )
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of suites (default: results)")
    parser.add_argument("--suite", help="tables and figures of this suite alone (default: all)")
    parser.add_argument("--page-only", action="store_true", help="the page alone, with the figures that are there")
    parser.add_argument(
        "--published", action=argparse.BooleanOptionalAction, default=True, help="show the papers' own values (default)"
    )
    return parser.parse_args(arguments)


def _rebuild(options: argparse.Namespace) -> int:
    suites = [f for f in suite_folders(options.results) if options.suite in (None, f.name)]
    if not suites:
        wanted = options.results / options.suite if options.suite else options.results
        print(f"no results in {wanted}: run vae-bench run, or name another folder by --results", file=sys.stderr)
        return 2
    unread = 0
    for folder in () if options.page_only else suites:
        try:
            written = write(folder, published=options.published)
        except (NoResults, OSError) as error:
            print(error, file=sys.stderr)
            unread += 1
            continue
        print(f"{folder}: {', '.join(path.name for path in written)}")
    page, problems = write_page(options.results, published=options.published)
    if options.page_only:
        print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    print(page)
    return 0 if not unread else 1 if unread < len(suites) else 2


if __name__ == "__main__":
    sys.exit(main())
