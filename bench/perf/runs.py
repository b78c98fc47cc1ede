"""Seconds and peak memory of what reads stored results, against the number of runs: digests are drawn, not trained."""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.perf.common import Row, parser, run
from bench.storage import packed, store, stored
from bench.study.run import Run
from bench.study.suite import description, expand, load

SUITE = "digits"
SHAPE = (1, 8, 8)
NUMBERS = (100, 300, 1000, 3000, 10_000)  # of runs, about
QUICK_NUMBERS = (30, 60)
STEPS = {
    "tables, anew": ["-m", "report", "--suite", SUITE],
    "tables and page, as they are": ["-m", "report"],
    "status": ["-m", "bench.run", "--suite", SUITE, "--status"],
    "dry run": ["-m", "bench.run", "--suite", SUITE, "--preset", "small", "--dry-run"],
    "run, first": ["-m", "bench.run", "--suite", SUITE, "--preset", "small"],
    "run, nothing to do": ["-m", "bench.run", "--suite", SUITE, "--preset", "small"],
}
COLUMNS = {
    "what": "what",
    "runs": "runs:g",
    "seconds": "processor seconds:.2f",
    "peak_mib": "peak, MiB:.0f",
    "page_mb": "page, MB:.2f",
    "slope": "slope:.2f",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    made = parser("runs", "How time and memory of reading stored results grow with the number of runs.")
    made.add_argument("--numbers", type=int, nargs="+", help=f"of runs (default: {' '.join(map(str, NUMBERS))})")
    return run(made.parse_args(arguments), measure, COLUMNS)


def measure(options: argparse.Namespace) -> Row:
    """Measure all steps at all numbers; the slope is that of the seconds over all numbers, on logarithmic axes."""
    rows: list[Row] = []
    numbers = options.numbers or (QUICK_NUMBERS if options.quick else NUMBERS)
    for number in numbers:
        with TemporaryDirectory() as folder:
            results, seeds = Path(folder), f"0-{draw(Path(folder), number) - 1}"
            count = len(packed.facts(results / SUITE))
            for what, words in STEPS.items():
                seeded = ["--seeds", seeds] if words[-1] in ("--dry-run", "small") else []
                seconds, peak = _child([*words, *seeded, "--results", str(results)], results)
                page = results / "index.html"
                size = page.stat().st_size / 1e6 if page.is_file() else None
                rows.append({"what": what, "runs": count, "seconds": seconds, "peak_mib": peak, "page_mb": size})
    for what in STEPS:
        own = [row for row in rows if row["what"] == what]
        own[-1]["slope"] = slope([row["runs"] for row in own], [row["seconds"] for row in own])
    return {"benchmark": "runs", "settings": {"suite": SUITE, "numbers": list(numbers)}, "rows": rows}


def slope(numbers: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the slope of the least-squares line through log seconds against log numbers: 1 where proportional."""
    return float(np.polyfit(np.log(numbers), np.log(seconds), 1)[0])


def draw(results: Path, number: int) -> int:
    """Write a suite's folder with about `number` drawn digests, made from stored ones; return how many seeds it has."""
    suite = load(SUITE, "small")
    source = {(f["row"], f["variant"]): f for f in packed.facts(stored.find(SUITE, results)).values()}
    seeds = max(1, round(number / len(source)))
    runs = [r for r in expand(suite, SUITE, "small", seeds=range(seeds), shape=SHAPE) if (r.row, r.variant) in source]
    folder, rng = results / SUITE, random.Random(0)
    folder.mkdir(parents=True)
    lines = sorted(packed.line(_drawn(found, source[found.row, found.variant], rng)) for found in runs)
    (folder / packed.LINES).write_text("".join(f"{line}\n" for line in lines))
    about = description(suite, SUITE, "small") | {"arguments": ["--suite", SUITE]}
    store.write_suite(folder, about, runs)
    return seeds


def _drawn(found: Run, stored_facts: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return the digest of a run: that of another seed, its numbers moved by some percent."""
    facts = json.loads(json.dumps(stored_facts))
    facts.pop("sha256", None)
    for m in facts["measurements"]:
        m["value"] = m["value"] and m["value"] * rng.gauss(1, 0.05)
    about = {"id": found.id, "seed": found.seed, "path": f"runs/{found.id}", "run": found.to_dict(), "pictures": {}}
    return facts | about


def _child(words: list[str], results: Path) -> tuple[float, float]:
    """Run Python with some arguments; return its processor seconds and the most memory that it held (MiB)."""
    before = time.monotonic()
    with (results / "said.txt").open("wb") as said:
        child = subprocess.Popen([sys.executable, *words], stdout=said, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        tail = (results / "said.txt").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(words)} ended after {time.monotonic() - before:.0f} s: {tail}")
    unit = 1 if sys.platform == "darwin" else 2**10  # bytes, or kilobytes
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20


if __name__ == "__main__":
    sys.exit(main())
