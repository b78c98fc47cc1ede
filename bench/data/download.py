"""Downloads that resume, are checked and appear whole or not at all."""

import fcntl
import os
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest, md5
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

from bench.data.places import Progress
from bench.errors import BadInput
from bench.system.files import sync

MOST_BYTES = 1 << 28  # the largest file that is fetched, CIFAR-10, has 170 MB
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
    with path.open("rb") as stream:
        return file_digest(stream, lambda: md5(usedforsecurity=False)).hexdigest()


def fetch(url: str, target: Path, checksum: str, progress: Progress, digest: Callable[[Path], str] = file_md5) -> Path:
    """Download `url` to `target` and return it, once `digest(file) == checksum`.

    What arrived before a break stays in `target.part` and is continued by the next attempt or call; of several calls
    at once one downloads and the others wait for it. A wrong checksum deletes the file and tries once more. Raises
    BadInput for an address that is not https (but on this machine), when the server or the disk refuses, when the
    server does not say how long the file is, or more than any file of ours, or when the file stays wrong.
    """
    if not _is_safe(url):
        raise BadInput(f"{url} is refused: downloads are over https alone; fetch the file yourself, or name a mirror")
    part = target.with_name(target.name + ".part")
    reason = ""
    for _ in range(_ATTEMPTS):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with _alone(part):
                if target.is_file() and digest(target) == checksum:  # another call was at it
                    part.unlink()
                    return target
                _receive(url, part, progress)
                if digest(part) == checksum:
                    sync(part)
                    os.replace(part, target)
                    return target
                part.unlink()
            reason = "its checksum is not the published one"
        except (OSError, HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
    raise BadInput(f"could not download {url} to {target}: {reason}")


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Hold a file, made where it is absent, against other calls, which wait; an empty one does not stay."""
    while True:
        stream = part.open("ab")
        with suppress(OSError):  # a file system without locks: the checksum decides
            fcntl.flock(stream, fcntl.LOCK_EX)
        with suppress(OSError):
            if os.path.samestat(os.fstat(stream.fileno()), part.stat()):
                break
        stream.close()  # who held it is done, and has moved it
    try:
        yield
    finally:
        with suppress(OSError):
            if not part.stat().st_size:
                part.unlink()
        stream.close()


def _receive(url: str, part: Path, progress: Progress) -> None:
    """Append to `part` what it lacks of `url`; a server that ignores Range makes it start again."""
    have = part.stat().st_size
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
        length = response.headers.get("Content-Length") or "nothing"
        if not (length.isascii() and length.isdigit()):
            raise OSError(f"the server gives {length!r} as the length of the file")
        total = done + int(length)
        if total > MOST_BYTES:
            raise OSError(f"the server sends {total:,} bytes, more than any of our files has")
        with part.open("ab" if resumed else "wb") as stream:
            while done < total and (chunk := response.read(min(_CHUNK, total - done))):
                stream.write(chunk)
                done += len(chunk)
                progress(part.stem, done, total)
    if done != total:
        raise OSError(f"the connection broke after {done:,} of {total:,} bytes")
