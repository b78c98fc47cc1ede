"""`python -m report.claims [ID] --results DIR`: the list of statements, or what stands behind one."""

import argparse
import sys
from pathlib import Path

from report.claims.document import detail, listed


def main() -> int:
    """Print what is asked for; returns 0, or 2 for a statement that is not listed."""
    parser = argparse.ArgumentParser(prog="python -m report.claims", description="Verdicts on the papers' statements.")
    parser.add_argument("id", nargs="?", help="one statement (default: the list of all)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of suites (default: results)")
    options = parser.parse_args()
    try:
        print(detail(options.results, options.id) if options.id else "\n".join(listed(options.results)))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
