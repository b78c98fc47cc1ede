"""What files were made from: nothing is made a second time from the same digests by the same code."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from report.files import read_bytes, write_whole

log = logging.getLogger("report")

NAME = "made.json"
_PACKAGES = ("numpy", "scipy", "pandas", "matplotlib", "pillow", "fonttools", "jinja2")  # that bytes can depend on
_READ = ("suite.json", "digests.jsonl", "anchors.jsonl", "pictures.zip", "digests/*/*", "runs/*/manifest.json")


class Made(NamedTuple):
    """The files that were written, and what there was to say of them besides the log."""

    paths: list[Path]
    remarks: list[str]


def unless_made(stamp: Path, key: str | None, make: Callable[[], Made]) -> Made:
    """Return what `make` returns; where the last call was of the same key and its files are as they were, that again.

    The lines of the log are said again too. `stamp` is the file that keeps this, and the paths are of its folder;
    nothing is kept without a key, and where an error was logged.
    """
    folder = stamp.parent
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        before = json.loads(read_bytes(stamp))
        paths = [folder / name for name in before["files"]]
        if before["from"] == key and [_sum(path) for path in paths] == list(before["files"].values()):
            for line in before["log"]:
                log.warning("%s", line.replace("{folder}", str(folder)))
            return Made(paths, [line.replace("{folder}", str(folder)) for line in before["remarks"]])
    said = _Lines()
    log.addFilter(said)
    try:
        made = make()
    finally:
        log.removeFilter(said)
    if key is None or said.failed:
        return made
    kept: dict[str, object] = {
        "from": key,
        "files": {path.relative_to(folder).as_posix(): _sum(path) for path in made.paths},
    }
    texts = {"log": said.lines, "remarks": made.remarks}
    kept |= {name: [line.replace(str(folder), "{folder}") for line in lines] for name, lines in texts.items()}
    with suppress(OSError):  # it is then made again
        write_whole(stamp, json.dumps(kept, indent=1) + "\n")
    return made


def key_of(files: Iterable[Path], folder: Path, *others: object) -> str | None:
    """Return a hash of files, with their names in a folder, of `others`, and of the code and packages that draw; None
    where one cannot be read."""
    found = hashlib.sha256(repr((_code(), *others)).encode())
    try:
        for path in files:
            if path.is_file():
                found.update(os.fsencode(path.relative_to(folder)) + f" {_sum(path)}\n".encode())
    except OSError:
        return None
    return found.hexdigest()


def read_of(suite_folder: Path) -> list[Path]:
    """Return the files that a suite is read from."""
    return [path for pattern in _READ for path in sorted(suite_folder.glob(pattern))]


@cache
def _code() -> str:
    """Return a hash of the sources of this package and of the versions of the packages that it uses."""
    root = Path(__file__).parent
    found = hashlib.sha256(repr([version(name) for name in _PACKAGES]).encode())
    for path in sorted(
        path for ending in ("py", "toml", "csv", "html", "js", "css") for path in root.rglob(f"*.{ending}")
    ):
        found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def _sum(path: Path) -> str:
    return hashlib.sha256(read_bytes(path)).hexdigest()


class _Lines(logging.Filter):
    """Keeps the lines that are logged, and lets them pass: a handler would take them from standard error."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.failed = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a line."""
        self.lines.append(record.getMessage())
        self.failed |= record.levelno >= logging.ERROR
        return True
