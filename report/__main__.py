"""`python -m report --results DIR`: rebuild every table and figure of the suites stored there."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from report import NoResults, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild the suites asked for; returns 0, 1 where some could not be read, 2 where there was nothing to do."""
    parser = argparse.ArgumentParser(prog="python -m report", description="Rebuild tables and figures from results.")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of suites (default: results)")
    parser.add_argument("--suite", help="only this suite (default: all)")
    parser.add_argument(
        "--published", action=argparse.BooleanOptionalAction, default=True, help="show the papers' own values (default)"
    )
    options = parser.parse_args(arguments)
    suites = _suites(options.results, options.suite)
    if not suites:
        wanted = options.results / options.suite if options.suite else options.results
        print(f"no results in {wanted}: run python -m bench.run, or name another folder by --results", file=sys.stderr)
        return 2
    unread = 0
    for folder in suites:
        try:
            written = write(folder, published=options.published)
        except NoResults as error:
            print(error, file=sys.stderr)
            unread += 1
            continue
        print(f"{folder}: {', '.join(path.name for path in written)}")
    return 0 if not unread else 1 if unread < len(suites) else 2


def _suites(results: Path, name: str | None) -> list[Path]:
    folders = [results / name] if name else sorted(results.iterdir()) if results.is_dir() else []
    return [f for f in folders if (f / "suite.json").is_file() or (f / "digests").is_dir()]


if __name__ == "__main__":
    sys.exit(main())
