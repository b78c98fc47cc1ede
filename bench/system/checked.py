"""A file whose last 32 bytes are the SHA-256 of those before: damage to any bit of it is noticed."""

import hashlib
import mmap
from pathlib import Path

from bench.system.files import Bytes, write_whole

_SUM = hashlib.sha256().digest_size


class Damaged(ValueError):
    """A file that is not what was written; the message names it."""


def write(path: Path, *parts: Bytes, durable: bool = True) -> None:
    """Write parts and their SHA-256 as one file, whole or not at all. Raises OSError."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    write_whole(path, *parts, digest.digest(), durable=durable)


def read(path: Path) -> memoryview:
    """Return what `write` was given, mapped from the disk; changes to it stay in memory.

    Raises Damaged for any other file, OSError for one that cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        try:
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        except ValueError:
            raise Damaged(f"{path} is empty") from None
    if hashlib.sha256(whole[:-_SUM]).digest() != whole[-_SUM:]:
        raise Damaged(f"{path} is not as it was written")
    return whole[:-_SUM]
