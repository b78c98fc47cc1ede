"""Make every fault happen and print what was expected and seen: python -m tests.faults [--full] [NAME …]."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from . import cluster, disk, hostile, inputs, kills, training
from .common import Fault

FAULTS: list[Fault] = [
    *kills.FAULTS, *disk.FAULTS, *training.FAULTS, *cluster.FAULTS, *hostile.FAULTS, *inputs.FAULTS,
]  # fmt: skip


def seen(fault: Fault) -> tuple[bool, str]:
    """Return whether a fault had the consequences that are expected, and what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return True, fault.happen(Path(folder))
        except Exception as error:
            return False, " ".join(f"NOT AS EXPECTED: {type(error).__name__}: {error}".split())


def main() -> int:
    """Print the table; return 1 where a row does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of faults (default: all)")
    parser.add_argument("--full", action="store_true", help="the 20 kills in the whole digits suite as well")
    options = parser.parse_args()
    faults = FAULTS + (kills.FULL if options.full else [])
    chosen = [f for f in faults if not options.names or any(name in f.name for name in options.names)]
    print("| fault | expected | seen |\n| --- | --- | --- |")
    failed = 0
    for fault in chosen:
        started = time.monotonic()
        holds, what = seen(fault)
        failed += not holds
        print(f"| {fault.name} | {fault.expected} | {what.replace('|', '/')} |", flush=True)
        print(f"{time.monotonic() - started:6.0f} s  {fault.name}", file=sys.stderr)
    print(f"\n{len(chosen) - failed} of {len(chosen)} rows hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
