"""One coordinator a results folder: a lock file that names its owner, and is known to be stale when the owner is."""

import json
import os
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.errors import BadInput
from bench.system.files import write_whole
from bench.system.processes import is_alive, is_process, this_process

NAME = "lock.json"
BEAT = 10.0  # seconds between two signs of life, which are the file's time
STALE = 120.0  # seconds without one after which an owner that cannot be seen from here is taken for dead


class Taken(BaseException):
    """The folder belongs to another coordinator now; no `except Exception` makes a failed run of it."""


@contextmanager
def hold(folder: Path) -> Iterator[str]:
    """Hold a folder of results, and give the token that says so; raises BadInput that names who holds it already.

    A lock is stale where its process is dead, where it came here with a copy of the folder, or, of a machine that
    cannot be seen from here, where its last sign of life is not within two minutes of now by the clock of the file
    system; a stale one is taken over.
    """
    token = _acquire(folder / NAME)
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT):
            with suppress(OSError):
                if is_held(folder, token):
                    os.utime(folder / NAME)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield token
    finally:
        over.set()
        thread.join()
        if is_held(folder, token):
            (folder / NAME).unlink(missing_ok=True)


def is_held(folder: Path, token: str) -> bool:
    """Whether a folder is still held by who was given this token."""
    return (_read(folder / NAME) or {}).get("token") == token


def check(folder: Path, token: str | None) -> None:
    """Raise Taken where a folder is held by another, or by no one any more; a token of None is never asked for."""
    if token is not None and not is_held(folder, token):
        now = _read(folder / NAME)
        raise Taken(f"{folder} is no longer held by this call: {_describe(now) if now else 'its lock is gone'}")


def owner(folder: Path) -> dict[str, Any] | None:
    """Return {"host", "pid", "since", …} of the living owner of a folder, None where no one holds it."""
    found = _read(folder / NAME)
    return found if found and _lives(found, folder / NAME, time.time()) else None


def _acquire(path: Path) -> str:
    token = uuid.uuid4().hex
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    about = this_process() | {"folder": os.path.realpath(path.parent), "since": since, "token": token}
    text = json.dumps(about, indent=1).encode() + b"\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        _take_over(path, text)
    except OSError as error:
        raise BadInput(f"--results: {path.parent} cannot be written to ({error.strerror}); name another") from None
    else:
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
        except OSError as error:  # a full disk: an empty lock would keep everyone out for a while
            path.unlink(missing_ok=True)
            why = error.strerror
            raise BadInput(f"--results: {path} cannot be written ({why}); make room, or name another") from None
    return token


def _take_over(path: Path, text: bytes) -> None:
    """Put a new lock in the place of a stale one, which one call alone can do.

    Who makes the file that is named after the stale lock may; it goes when that lock is gone, so that one who saw the
    stale lock before, and makes it again, finds another lock.
    """
    now = _clock(path)
    stale = _refuse_if_alive(path, now)
    claim = path.with_name(f"{NAME}.{stale}.partial")
    try:
        os.close(os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        if not _is_fresh(claim, now):  # its maker died
            claim.unlink(missing_ok=True)
        raise BadInput(f"{path.parent} is being taken by another call at this moment; try again") from None
    try:
        if _refuse_if_alive(path, now) != stale:
            raise BadInput(f"{path.parent} was taken by another call at this moment; try again")
        write_whole(path, text)
    finally:
        claim.unlink(missing_ok=True)


def _clock(path: Path) -> float:
    """Return the time by the clock that stamps files there."""
    probe = path.with_name(f"{NAME}.{uuid.uuid4().hex}.partial")
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink()


def _refuse_if_alive(path: Path, now: float) -> str:
    """Return the token of a stale lock, "torn" where it has none; raise BadInput where its owner lives."""
    found = _read(path)
    if found is None and _is_fresh(path, now):  # just being written
        raise BadInput(f"{path.parent} is in use by a call that is just starting; wait for it, or name other --results")
    if found and _lives(found, path, now):
        raise BadInput(f"{path.parent} is in use by {_describe(found)}; wait for it, or name other --results")
    return str(found["token"]) if found else "torn"


def _lives(found: dict[str, Any], path: Path, now: float) -> bool:
    alive = is_alive(found)
    return _is_fresh(path, now) if alive is None else alive and not _is_copy(found, path)


def _is_copy(found: dict[str, Any], path: Path) -> bool:
    """Whether the folder that a lock of this machine was made in is there, and is another than the one it lies in."""
    made_in = found.get("folder")
    with suppress(OSError, ValueError):
        return isinstance(made_in, str) and not os.path.samefile(made_in, path.parent)
    return False  # a folder that was moved


def _is_fresh(path: Path, now: float) -> bool:
    """Whether a file's time is near; one far in the future was written before the clock was set back."""
    try:
        return abs(now - path.stat().st_mtime) < STALE
    except OSError:
        return False


def _describe(found: dict[str, Any]) -> str:
    return f"process {found['pid']} on {found['host']} since {found['since']}"


def _read(path: Path) -> dict[str, Any] | None:
    """Return the contents of a lock, None where it is absent, torn or no lock."""
    try:
        found = json.loads(path.read_text()) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not is_process(found):
        return None
    since, token = found.get("since"), found.get("token")
    named = isinstance(since, str) and isinstance(token, str) and re.fullmatch(r"[0-9a-z]{0,64}", token)
    return found if named else None
