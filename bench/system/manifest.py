"""The SHA-256 of every file of a finished run, so that a damaged one is noticed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from bench.system.files import write_whole

NAME = "manifest.json"
SEALED = ("trained.json", "record.json")
LEFT_OUT = (
    NAME,
    "worker.json",
    "traceback.txt",
    "crash.txt",
    "states",
)  # what comes and goes while a run is carried out


def write(folder: Path, following: Mapping[str, bytes] = {}, elsewhere: Path | None = None) -> None:
    """Write manifest.json: {"files": {name: sum}} of a run's folder, and "digest" of the folder `elsewhere`.

    `following` are files about to be written into the folder, the last of which says that the run is whole: a manifest
    without them is harmless, they without a manifest would be unguarded.
    """
    sums = {name: checksum(path) for name, path in _files(folder).items()}
    sums |= {name: hashlib.sha256(data).hexdigest() for name, data in following.items()}
    digest = {} if elsewhere is None else {name: checksum(path) for name, path in _files(elsewhere).items()}
    text = json.dumps({"files": dict(sorted(sums.items())), "digest": digest}, indent=1)
    write_whole(folder / NAME, text.encode() + b"\n")


def damage(folder: Path, elsewhere: Path | None = None) -> list[str]:
    """Return the files that are absent or are not what the manifest says, in order.

    Where there is no manifest, that is it itself if the folder holds a file of SEALED, which follow on one, else none.
    Those of the folder `elsewhere` are looked at where it is given, and their names begin with "digest/".
    """
    if not (folder / NAME).is_file():
        return [NAME] if any((folder / name).exists() for name in SEALED) else []
    stored = _sums(folder)
    if stored is None:
        return [NAME]
    files, digest = stored
    found = [name for name, known in files.items() if not _is(folder / name, known)]
    if elsewhere is not None:
        found += [f"digest/{name}" for name, known in digest.items() if not _is(elsewhere / name, known)]
    return found


def differs(folder: Path, name: str) -> bool:
    """Whether a file of a run's folder is there and is not what a manifest that can be read says."""
    files, _ = _sums(folder) or ({}, {})
    return name in files and (folder / name).exists() and not _is(folder / name, files[name])


def digest_damage(folder: Path, elsewhere: Path) -> list[str]:
    """Return the files of a run's digest that are absent or not what its manifest says; none where there is none."""
    if not (folder / NAME).is_file():
        return []
    stored = _sums(folder)
    return [NAME] if stored is None else [name for name, known in stored[1].items() if not _is(elsewhere / name, known)]


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sums(folder: Path) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return the sums of a run's files and of its digest's, None where the manifest is absent or no manifest."""
    try:
        stored = json.loads((folder / NAME).read_text())
        sums = dict(stored["files"]), dict(stored["digest"])
    except (ValueError, KeyError, TypeError, OSError, RecursionError):
        return None
    return sums if all(isinstance(name, str) and "\0" not in name for part in sums for name in part) else None


def _is(path: Path, known: str) -> bool:
    try:
        return checksum(path) == known
    except OSError:
        return False


def _files(folder: Path) -> dict[str, Path]:
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name.as_posix(): path
        for name, path in found.items()
        if name.parts[0] not in LEFT_OUT and not any(".partial" in part for part in name.parts)
    }
