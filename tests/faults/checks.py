"""Checks of the tests as parts of a fault: each in a folder and with a cache of its own."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from .common import QUICK, ROOT, surroundings

FEW = QUICK.replace("images = 100 }", 'images = 100, metrics = ["neg_elbo", "psnr"] }')  # without a classifier
sys.path.append(str(ROOT / "tests" / "helpers"))

Check = Callable[[Path], object]


def passed(folder: Path, *checks: Check) -> int:
    """Call checks with a new folder each and return how many there were; they raise AssertionError."""
    for number, check in enumerate(checks):
        place = folder / f"check-{number}"
        place.mkdir()
        with patch.dict(os.environ, {"XDG_CACHE_HOME": str(place / "cache")}):
            os.environ.pop("BENCH_DATA", None)
            check(place)
    return len(checks)


def tested(folder: Path, *tests: str) -> Counter[str]:
    """Return how many tests "passed" and were "skipped", in a process of their own, which their threads end with.

    Raises AssertionError where one fails.
    """
    words = [sys.executable, "-m", "pytest", "--import-mode=importlib", f"--basetemp={folder / 'pytest'}"]
    words += ["-o", "addopts=", "-m", "not slow", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(words, cwd=ROOT, env=surroundings(folder), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    return Counter({how: int(n) for n, how in re.findall(r"(\d+) (passed|skipped)", done.stdout.splitlines()[-1])})
