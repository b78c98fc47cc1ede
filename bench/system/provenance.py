"""Where a number comes from: versions, revision, hardware."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = tuple("vae-bench torch pythae numpy scipy pandas scikit-learn scikit-image matplotlib pytorch-fid".split())


def collect(threads: int, device: str) -> dict[str, Any]:
    """Return versions, git revision and hardware as plain data; what cannot be known is null."""
    return {
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "git": git_revision(),
        "hardware": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "threads": threads,
            "device": device,
            "system": f"{platform.system()} {platform.machine()}",
        },
    }


@cache
def git_revision() -> str | None:
    """Return the commit of the source tree, "-dirty" where bench or models differ from it; null outside git.

    Kept from the first call, so that a process which calls it at its start reports the code that it runs.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=10)
        dirty = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no", "--", "bench", "models"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    revision = head.stdout.strip() if head.returncode == 0 else None
    return f"{revision}-dirty" if revision and dirty.stdout.strip() else revision


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def processor() -> str:
    """Return the processor's name; Linux's `platform.processor` is often empty."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
