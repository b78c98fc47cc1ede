"""Which sources a stored table of faults was made with: those that withstand them, and the programme's own."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from .common import ROOT

WITHSTAND = (
    *("bench/run", "bench/command", "bench/executors", "bench/runs", "bench/storage", "bench/system"),
    *("bench/data/archives.py", "bench/data/download.py", "bench/data/listing.py", "bench/training/checkpoint.py"),
    *("report/files.py", "report/store.py", "report/stored_json.py", "tests/faults"),
)


def sources(root: Path = ROOT) -> dict[str, str]:
    """Return {file: ten digits of its SHA-256}."""
    files = [file for name in WITHSTAND for file in sorted((root / name).rglob("*.py")) or [root / name]]
    return {file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()[:10] for file in files}


def differing(stored: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """Return the files that are not what they were, came or went since."""
    now = sources(root)
    return sorted(name for name in stored.keys() | now.keys() if stored.get(name) != now.get(name))
