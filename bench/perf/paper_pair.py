"""A pair of Table I at the paper's size, trained and measured for a time; the next call goes on from there."""

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.perf.suite import ROOT

PAIR = ["--suite=mnist", "--preset=paper", "--models=VAE/unidirectional,VAE/bidirectional", "--seeds=0"]
TINY = ["--suite=digits", "--preset=small", PAIR[2], PAIR[3], "--set=epochs=200", "--set=evaluation.nll_images=20"]
PATIENCE = 60  # seconds for a state to be written


def main(arguments: list[str] | None = None) -> int:
    """Run the pair; return 0 where it is finished, 3 where there is more to do, else what the suite returned."""
    made = argparse.ArgumentParser(prog="python -m bench.perf.paper_pair", description=__doc__)
    add = made.add_argument
    add("--minutes", type=float, default=10, help="after which it is stopped (default: %(default)s)")
    add("--results", type=Path, default=Path("results"), help="default: %(default)s")
    add("--data-dir", type=Path, help="folder that holds MNIST (else $BENCH_DATA, the cache, a download)")
    add("--tiny", action="store_true", help="the digits suite's pair, to see that it works")
    options = made.parse_args(arguments)
    chosen = [*(TINY if options.tiny else PAIR), f"--results={options.results.absolute()}"]
    chosen += [f"--data-dir={options.data_dir.absolute()}"] if options.data_dir else []
    return for_a_time(chosen, 60 * options.minutes)


def for_a_time(arguments: Sequence[str], seconds: float) -> int:
    """Run the command line; stop it after some seconds, so that it keeps its state."""
    child = subprocess.Popen([sys.executable, "-m", "bench.run", *arguments], cwd=ROOT)
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGTERM)
        child.wait(PATIENCE)
        print("stopped; the same command goes on")
        return 3


if __name__ == "__main__":
    sys.exit(main())
