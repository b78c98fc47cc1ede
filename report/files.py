"""Files of a results folder: read only where they are files, written whole or not at all."""

import os
import time
from pathlib import Path

_ABANDONED = 3600  # seconds after which a partial file has no writer


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes. Raises OSError, also for what is there and is no file: a pipe, say, would never end."""
    if path.exists() and not path.is_file():
        raise OSError(f"{path.name} is not a file")
    return path.read_bytes()


def write_whole(path: Path, data: str | bytes) -> Path:
    """Write a file beside its place and rename it, so that a reader finds the old one or the new; return the path.

    Characters that UTF-8 cannot hold (halves of a surrogate pair) are written as "?". What killed processes left of
    the same file is removed. Raises OSError, naming the file.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "replace"))
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    for left in path.parent.glob(f"{path.name}.*.partial"):
        if abs(time.time() - left.stat().st_mtime) > _ABANDONED:  # or in the future
            left.unlink(missing_ok=True)
    return path
