"""Downloads that resume, are checked and appear whole or not at all; extraction that stays in its folder."""

import os
import tarfile
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from hashlib import md5, sha256
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit

from bench.data.places import Progress, cache_folder
from bench.errors import BadInput

ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")
_ATTEMPTS = 2
_CHUNK = 1 << 18
_TIMEOUT_SECONDS = 30


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never to an address that is not safe, nor from https to anything else."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if not _is_safe(newurl) or (req.full_url.startswith("https:") and not newurl.startswith("https:")):
            raise OSError(f"redirected from {req.full_url} to {newurl}, which is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_safe(url: str) -> bool:
    """Whether an address is https, or http on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))


def file_md5(path: Path) -> str:
    """Return the MD5 of a file's bytes, the checksum that the official pages publish."""
    digest = md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fetch(url: str, target: Path, checksum: str, progress: Progress, digest: Callable[[Path], str] = file_md5) -> Path:
    """Download `url` to `target` and return it, once `digest(file) == checksum`.

    What arrived before a break stays in `target.part` and is continued by the next attempt or call. A wrong checksum
    deletes the file and tries once more. Raises BadInput for an address that is not https (but on this machine), when
    the server or the disk refuses, or when the file stays wrong.
    """
    if not _is_safe(url):
        raise BadInput(f"{url} is refused: downloads are over https alone; fetch the file yourself, or name a mirror")
    part = target.with_name(target.name + ".part")
    reason = ""
    for _ in range(_ATTEMPTS):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _receive(url, part, progress)
            if digest(part) == checksum:
                os.replace(part, target)
                return target
            part.unlink()
            reason = "its checksum is not the published one"
        except (OSError, HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
    raise BadInput(f"could not download {url} to {target}: {reason}")


def _receive(url: str, part: Path, progress: Progress) -> None:
    """Append to `part` what it lacks of `url`; a server that ignores Range makes it start again."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.build_opener(_NoDowngrade).open(request, timeout=_TIMEOUT_SECONDS)
    except HTTPError as error:
        if have and error.code == 416:  # nothing beyond what we have: the checksum decides
            return
        raise
    with response:
        resumed = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        done = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        with part.open("ab" if resumed else "wb") as stream:
            while chunk := response.read(_CHUNK):
                stream.write(chunk)
                done += len(chunk)
                progress(part.stem, done, total)
    if total is not None and done != total:
        raise OSError(f"the connection broke after {done:,} of {total:,} bytes")


def extracted(archive: Path) -> Path:
    """Return the cache folder with the contents of a tar or zip file, unpacked on first use.

    The folder is named after the archive's name, size and time. Raises BadInput for a damaged archive, for a member
    that would land outside the folder (nothing of the archive is kept then), and when the disk refuses.
    """
    facts = archive.stat()
    key = sha256(f"{archive.resolve()} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:16]
    folder = cache_folder() / "extracted" / f"{archive.name.split('.')[0]}-{key}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as scratch:
            unpacked = Path(scratch, "unpacked")
            with archive.open("rb") as stream:
                _unpack(stream, unpacked)
            if not folder.is_dir():  # another process may have been faster
                os.replace(unpacked, folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        reason = str(error).partition("\n")[0]
        raise BadInput(f"archive {archive} is damaged or unsafe: {reason}") from error
    except OSError as error:
        raise BadInput(f"could not unpack {archive} into {folder}: {error}") from error
    return folder


def _unpack(stream: IO[bytes], folder: Path) -> None:
    """Unpack a zip or tar stream into `folder`; refuses a member that points outside."""
    folder.mkdir()
    if not zipfile.is_zipfile(stream):
        stream.seek(0)
        with tarfile.open(fileobj=stream) as tar:
            tar.extractall(folder, filter="data")
        return
    with zipfile.ZipFile(stream) as archive:
        for member in archive.namelist():
            if not (folder / member).resolve().is_relative_to(folder.resolve()):
                raise zipfile.BadZipFile(f"{member!r} would be written outside the folder")
        archive.extractall(folder)
