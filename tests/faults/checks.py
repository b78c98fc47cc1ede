"""Checks of the tests as parts of a fault: each in a folder and with a cache of its own."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from .common import QUICK, ROOT

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
