"""A file system of a few pages that can be full, where this process may mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = 4096
BALLAST = "ballast"


@contextmanager
def small_disk(place: Path, kibibytes: int = 1024) -> Iterator[Path]:
    """Give a tmpfs of this size; the test is skipped where none can be mounted, as by those who are not root."""
    place.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, pages: int = 0) -> None:
    """Leave so many pages free."""
    (disk / BALLAST).unlink(missing_ok=True)
    free = os.statvfs(disk).f_bfree - pages
    assert free > 0, f"{disk} is too small to leave {pages} pages"
    (disk / BALLAST).write_bytes(bytes(free * PAGE))
    assert os.statvfs(disk).f_bfree == pages
