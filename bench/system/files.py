"""Files and folders that are either whole or absent: written beside, synced, renamed."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Bytes = bytes | bytearray | memoryview


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Have an OSError name the file where it does not, as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_whole(path: Path, *parts: Bytes, durable: bool = True) -> None:
    """Write bytes in one step: a temporary file, synced and renamed; then sync the folder. Raises OSError.

    Without `durable` nothing is synced: whole for every reader, but a loss of power may lose it.
    """
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        with named(path):
            with partial.open("wb") as file:
                file.writelines(parts)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def replace_folder(partial: Path, final: Path) -> None:
    """Put a finished folder in the place of another, or of none: its files synced first, so that a name that is
    there has its contents."""
    for path in sorted(partial.rglob("*")):
        sync(path)
    sync(partial)
    old = partial.with_name(f"{partial.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.is_dir():
        os.replace(final, old)
    os.replace(partial, final)
    sync(final.parent)
    shutil.rmtree(old, ignore_errors=True)


def sync(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to its disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with named(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
