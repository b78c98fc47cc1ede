"""The digests of a suite in two files that are committed: numbers as text, a line a run, and pictures, each once.

`digests.jsonl` has the runs by id, each line closed by the SHA-256 of what stands before it; `pictures.zip` holds every
picture once, named by its SHA-256. The same runs give the same bytes. `report/store.py` reads both.
"""

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.system import manifest
from bench.system.files import write_whole

log = logging.getLogger("bench")

LINES, PICTURES, ANCHORS = "digests.jsonl", "pictures.zip", "anchors.jsonl"
_NEVER = (1980, 1, 1, 0, 0, 0)  # what a ZIP file calls no time


def pack(suite_folder: Path) -> None:
    """Add the digests of the folder `digests` to the packed ones; a run that is in both is taken from the folder.

    One that is not what the manifest of its run says gets no checksum here, and is named.
    An interruption leaves the files as they were, or pictures that no line names, which the next call removes.
    """
    lines, pictures = _read(suite_folder)
    for path in sorted((suite_folder / "digests").glob("*/digest.json")):
        if damaged := manifest.digest_damage(suite_folder / "runs" / path.parent.name, path.parent):
            log.warning("%s is damaged and is not packed: %s", path.parent, ", ".join(damaged))
            continue
        found = {png.stem: png.read_bytes() for png in sorted(path.parent.glob("*.png"))}
        names = {name: name_of(data) for name, data in found.items()}
        try:
            lines[path.parent.name] = line(json.loads(path.read_text()) | {"pictures": names})
        except (ValueError, TypeError, RecursionError):
            log.warning("%s is no digest and is not packed", path)
            continue
        pictures |= {names[name]: data for name, data in found.items()}
    _write(suite_folder, lines, pictures)


def facts(suite_folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the packed digests say of their runs, by id; what is damaged is left out."""
    return {run: json.loads(text) for run, text in _lines(suite_folder).items()}


def adopt(
    suite_folder: Path, source: Path, ids: Collection[str], change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> list[str]:
    """Add packed digests of another folder, changed, those of `ids` that are not packed here; return which."""
    lines, pictures = _read(suite_folder)
    theirs, shown = _read(source)
    found = [run for run in ids if run in theirs and run not in lines]
    if found:
        suite_folder.mkdir(parents=True, exist_ok=True)
        for run in found:
            facts = json.loads(theirs[run])
            del facts["sha256"]
            lines[run] = line(change(facts | {"pictures": {k: v for k, v in facts["pictures"].items() if v in shown}}))
        _write(suite_folder, lines, shown | pictures)
    return found


def drop(suite_folder: Path, ids: Collection[str]) -> None:
    """Take runs out of the packed digests, so that they start anew."""
    lines, pictures = _read(suite_folder)
    _write(suite_folder, {run: text for run, text in lines.items() if run not in ids}, pictures)


def line(facts: Mapping[str, object]) -> str:
    """Return a digest as one line of JSON, whose last key is the SHA-256 of what stands before it."""
    body = json.dumps(facts, allow_nan=False, separators=(",", ":"))[:-1]
    return f'{body},"sha256":"{hashlib.sha256(body.encode()).hexdigest()}"}}'


def name_of(picture: bytes) -> str:
    """Return the name that a picture has in the archive."""
    return f"{hashlib.sha256(picture).hexdigest()[:24]}.png"


def _lines(suite_folder: Path) -> dict[str, str]:
    """Return the packed lines by id; what is damaged is left out."""
    lines: dict[str, str] = {}
    path = suite_folder / LINES
    for data in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            text = data.decode()
            facts = json.loads(text)
            known = facts.pop("sha256")
            if line(facts) == text and known and all(isinstance(name, str) for name in facts["pictures"].values()):
                lines[str(facts["id"])] = text
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return lines


def _read(suite_folder: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the packed lines by id and the pictures by name; what is damaged is left out."""
    pictures: dict[str, bytes] = {}
    with suppress(Exception):  # a damaged archive shows itself in many ways
        with zipfile.ZipFile(suite_folder / PICTURES) as archive:
            for name in archive.namelist():
                with suppress(Exception):
                    pictures[name] = archive.read(name)
    return _lines(suite_folder), {name: data for name, data in pictures.items() if name == name_of(data)}


def _write(suite_folder: Path, lines: Mapping[str, str], pictures: Mapping[str, bytes]) -> None:
    """Write both files, first the pictures of both the lines before and after, then the lines; nothing if all stay."""
    used = {name for text in lines.values() for name in json.loads(text)["pictures"].values()}
    _write_if_new(suite_folder / PICTURES, _archive(pictures))
    _write_if_new(suite_folder / LINES, "".join(f"{lines[run]}\n" for run in sorted(lines)).encode())
    _write_if_new(suite_folder / PICTURES, _archive({name: pictures[name] for name in used if name in pictures}))


def _write_if_new(path: Path, data: bytes) -> None:
    """Write a file that is not so already; one of no bytes is none."""
    if not data:
        path.unlink(missing_ok=True)
    elif not path.is_file() or path.read_bytes() != data:
        write_whole(path, data)


def _archive(pictures: Mapping[str, bytes]) -> bytes:
    """Return an archive of pictures by name; nothing for none."""
    if not pictures:
        return b""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(pictures):
            archive.writestr(zipfile.ZipInfo(name, _NEVER), pictures[name])
    return buffer.getvalue()
