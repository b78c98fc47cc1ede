"""Make every fault happen and print what was expected and seen: python -m tests.faults [--full] [NAME …]."""

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import cluster, disk, environment, hostile, images, inputs, kills, stored, training, writing
from .common import ONE_THREAD, ROOT, Fault, Seen
from .sources import sources

FAULTS: list[Fault] = [
    *kills.FAULTS, *disk.FAULTS, *writing.FAULTS, *training.FAULTS, *cluster.FAULTS, *hostile.FAULTS, *inputs.FAULTS,
    *images.FAULTS, *stored.FAULTS, *environment.FAULTS,
]  # fmt: skip


def seen(fault: Fault) -> tuple[bool, Seen]:
    """Return whether a fault had the consequences that are expected, and what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = fault.happen(Path(folder))
            return found.lost == 0, found
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            what = f"NOT AS EXPECTED: {type(error).__name__}: {error} ({Path(place.filename).name}: {place.line})"
            return False, Seen(" ".join(what.split()))


def line(row: dict[str, Any]) -> str:
    """Return a row of the table in Markdown."""
    return "| " + " | ".join(str(row[key]).replace("|", "/") for key in ("fault", "expected", "seen")) + " |"


def summary(rows: Iterable[dict[str, Any]]) -> str:
    """Return what all rows survived together, in one line."""
    rows = list(rows)
    kills, flips, disks, lost = (sum(row[key] for row in rows) for key in ("kills", "flips", "disks", "lost"))
    return (
        f"{sum(row['holds'] for row in rows)} of {len(rows)} rows hold; kills survived: {kills}; "
        f"bytes flipped and caught: {flips}; disk-full points tried: {disks}; runs lost: {lost}"
    )


def report(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is stored of a programme: where it ran, of which sources, its rows, how long they took."""
    sys.path.insert(0, str(ROOT))
    from bench.system.provenance import collect

    seconds = round(sum(row["seconds"] for row in rows))
    about = {"machine": collect(1, "cpu"), "sources": sources(), "summary": summary(rows), "seconds": seconds}
    return about | {"rows": rows}


def main() -> int:
    """Print the table; return 1 where a row does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of the names of faults (default: all)")
    parser.add_argument(
        "--full", action="store_true", help="the 20 kills in the whole digits suite, not in a short one"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="store rows, summary and machine there")
    options = parser.parse_args()
    os.environ.update(ONE_THREAD)  # before numpy is loaded, which reads it
    faults = [kills.FULL if options.full and fault is kills.SHORT else fault for fault in FAULTS]
    chosen = [fault for fault in faults if not options.names or any(name in fault.name for name in options.names)]
    print("| fault | expected | seen |\n| --- | --- | --- |", flush=True)
    rows = []
    for fault in chosen:
        started = time.monotonic()
        holds, found = seen(fault)
        about = {"fault": fault.name, "expected": fault.expected, "holds": holds, "seen": found.text}
        rows.append(about | found._asdict() | {"seconds": round(time.monotonic() - started, 1)})
        del rows[-1]["text"]
        print(line(rows[-1]), flush=True)
        print(f"{rows[-1]['seconds']:6.0f} s  {fault.name}", file=sys.stderr)
    print(f"\n{summary(rows)}")
    if options.out:
        options.out.write_text(json.dumps(report(rows), indent=1) + "\n")
    return 0 if rows and all(row["holds"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
