"""Archives of images, unpacked into the cache: files and folders alone, inside one folder, of a bounded size."""

import bz2
import fcntl
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import IO

from bench.data.places import cache_folder
from bench.errors import BadInput
from bench.system.files import named

ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")
LEAST_BOUND, MOST_TIMES, MOST_MEMBERS = 1 << 28, 20, 5_000_000  # bytes; times an archive's own size; files and folders
_CHUNK = 1 << 20
_SCRATCH = ".unpacking-"
_YOUNG = 60.0  # seconds in which a folder may not have been locked yet
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError, RuntimeError)


def extracted(archive: Path) -> Path:
    """Return the cache folder with the contents of a tar or zip file, unpacked on first use.

    The folder is named after the archive's name and contents. Raises BadInput for a damaged archive, for one with a
    link, a device, a member that would land outside the folder or on another, or more than 256 MiB and twenty times
    its own size unpacked (nothing of the archive is kept then), and when the disk refuses.
    """
    try:
        with archive.open("rb") as stream:
            key = file_digest(stream, "sha256").hexdigest()[:16]
        folder = cache_folder() / "extracted" / f"{archive.name.split('.')[0]}-{key}"
        if folder.is_dir():
            return folder
        with _scratch(folder.parent) as scratch:
            unpacked = scratch / "unpacked"
            _unpack(archive, unpacked)
            try:
                os.replace(unpacked, folder)
            except OSError:
                if not folder.is_dir():  # no other process was faster
                    raise
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0]
        raise BadInput(f"archive {archive} is damaged or unsafe: {reason}") from error
    except OSError as error:
        raise BadInput(f"could not unpack {archive} into {cache_folder()}: {error}") from error
    return folder


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """Give a new folder, locked while its process lives, and delete those of processes that were killed."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=parent, ignore_cleanup_errors=True) as scratch:
        held = _lock(Path(scratch))
        for left in parent.glob(f"{_SCRATCH}*"):
            with suppress(OSError):
                if abs(time.time() - left.stat().st_mtime) > _YOUNG and (own := _lock(left)) is not None:
                    shutil.rmtree(left, ignore_errors=True)
                    os.close(own)
        try:
            yield Path(scratch)
        finally:
            if held is not None:
                os.close(held)


def _lock(folder: Path) -> int | None:
    """Return a descriptor that locks a folder; None where another process has it, or the file system has no locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar file into a new folder."""
    folder.mkdir()
    left = _Budget(archive)
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
                if target := _place(folder, info.filename, info.is_dir(), plain, left):
                    with packed.open(info) as source:
                        _copy(source, target, left)
        return
    with archive.open("rb") as stream:
        with tarfile.open(fileobj=_Counted(_decompressed(stream), _Budget(archive)), mode="r|") as tar:  # type: ignore[call-overload]
            for member in tar:
                if target := _place(folder, member.name, member.isdir(), member.isfile(), left):
                    _copy(tar.extractfile(member), target, left)


class _Budget:
    """What an archive may still unpack to."""

    def __init__(self, archive: Path) -> None:
        self.bytes, self.members = max(LEAST_BOUND, MOST_TIMES * archive.stat().st_size), MOST_MEMBERS

    def take(self, size: int, members: int = 0) -> None:
        """Take some of it; raises TarError where there is not enough."""
        self.bytes, self.members = self.bytes - size, self.members - members
        if min(self.bytes, self.members) < 0:
            raise tarfile.TarError("it unpacks to far more than an archive of images does")


class _Counted:
    """A stream whose bytes are taken from a budget as they are read."""

    def __init__(self, stream: IO[bytes], left: _Budget) -> None:
        self.stream, self.left = stream, left

    def read(self, size: int) -> bytes:
        """Return the next bytes, `size` at most."""
        data = self.stream.read(size)
        self.left.take(len(data))
        return data


def _decompressed(stream: IO[bytes]) -> IO[bytes]:
    """Return a file's contents as a stream, decompressed if it begins as a compressed one does."""
    start = stream.read(6)
    stream.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return gzip.open(stream)  # type: ignore[return-value]
    if start.startswith(b"BZh"):
        return bz2.open(stream)
    return lzma.open(stream) if start == b"\xfd7zXZ\0" else stream


def _place(folder: Path, name: str, is_folder: bool, plain: bool, left: _Budget) -> Path | None:
    """Return where to write a member, None for a folder, which is made; refuses all but files and folders inside."""
    parts = PurePosixPath(name).parts
    if not plain and not is_folder:
        raise tarfile.TarError(f"{name!r} is neither a file nor a folder")
    if ".." in parts or name.startswith("/") or (not parts and not is_folder):
        raise tarfile.TarError(f"{name!r} would be written outside the folder")
    left.take(0, members=1)
    target = folder.joinpath(*parts)
    if not is_folder and target.exists():
        raise tarfile.TarError(f"{name!r} is in it twice")
    (target if is_folder else target.parent).mkdir(parents=True, exist_ok=True)
    return None if is_folder else target


def _copy(source: IO[bytes] | None, target: Path, left: _Budget) -> None:
    with named(target), target.open("wb") as file:
        while source is not None and (data := source.read(_CHUNK)):
            left.take(len(data))
            file.write(data)
