"""Who carries out a run now: a small file in its folder, renewed while it goes on."""

import json
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from typing_extensions import TypedDict  # typing's own is known to pydantic from Python 3.12 on

from bench.storage import store
from bench.study.run import Run
from bench.system import locks
from bench.system.files import write_whole
from bench.system.processes import is_alive, is_process, this_process

NAME = "worker.json"
RENEWED = 1.0  # seconds between two writings


class Beat(TypedDict):
    """Which process carries out a run, since when, and what it said at the time `at`."""

    host: str
    place: str
    pid: int
    started: float | None
    claim: str
    since: str
    at: str
    doing: str


class Heartbeat:
    """Writes runs/ID/worker.json as a run goes on, and stops a process whose run has been given to another.

    That happens to a worker which the coordinator believes dead, or whose coordinator died and has a successor: it
    raises `locks.Taken` before it writes a result. `token` is the lock's; `tell` hears of progress too.
    """

    def __init__(self, suite_folder: Path, token: str | None, tell: Callable[[Run, str], None]):
        self.suite_folder, self.token, self.tell = suite_folder, token, tell
        self.about = this_process() | {"claim": uuid.uuid4().hex}
        self._since: dict[str, str] = {}
        self._written: dict[str, float] = {}

    def progress(self, run: Run, doing: str) -> None:
        """Say what a run is doing. Raises locks.Taken where it, or the whole folder, is another's now."""
        if time.monotonic() - self._written.get(run.id, -RENEWED) >= RENEWED:
            self.check(run)
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            about = {"since": self._since.setdefault(run.id, now), "at": now, "doing": doing}
            self._path(run).parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path(run), json.dumps(self.about | about, indent=1).encode(), durable=False)
            self._written[run.id] = time.monotonic()
        self.tell(run, doing)

    def check(self, run: Run) -> None:
        """Raise locks.Taken where the folder is no longer held, or the run was begun by another process since."""
        locks.check(self.suite_folder, self.token)
        found = _read(self._path(run))
        if run.id in self._since and found and found["claim"] != self.about["claim"]:
            raise locks.Taken(f"{run.id} is carried out by process {found['pid']} on {found['host']}")

    def end(self, run: Run) -> None:
        """Forget a run that has ended."""
        with suppress(OSError):
            self._path(run).unlink(missing_ok=True)
        self._since.pop(run.id, None)
        self._written.pop(run.id, None)

    def _path(self, run: Run) -> Path:
        return self.suite_folder / "runs" / run.id / NAME


def running(run_folder: Path) -> Beat | None:
    """Return which process carries out a run; None where none does.

    Of a process on another machine it is only known that it did so at the time `at`.
    """
    found = _read(run_folder / NAME)
    return None if found is None or is_alive(found) is False else found


def _read(path: Path) -> Beat | None:
    found = store.read_json(path, *Beat.__required_keys__)
    said = found is not None and all(isinstance(found[key], str) for key in ("claim", "since", "at", "doing"))
    return found if said and is_process(found) else None
