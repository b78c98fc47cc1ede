"""What killed processes leave in a folder of results: files that were not finished, states of finished trainings."""

import shutil
from pathlib import Path

from bench.storage import store

UNFINISHED = ("*.????????.partial", "runs/**/*.partial", "runs/**/*.partial.*", "digests/**/*.partial")
ENDED = ("done", "diverged")


def remove(suite_folder: Path) -> None:
    """Delete what no process needs any more; for who holds the folder, in which nobody else writes then.

    Files beside the runs have a reader's too, of other names, and locks are the locks' own affair.
    """
    for pattern in UNFINISHED:
        for path in list(suite_folder.glob(pattern)):
            if not path.name.startswith("lock.json"):
                _delete(path)
    for states in list(suite_folder.glob("runs/*/states")):
        if store.read_record(states.parent)["status"] in ENDED:
            _delete(states)
    for members in list(suite_folder.glob("runs/together-*/members.json")):
        names = store.read_names(members)
        if all(store.read_record(suite_folder / "runs" / str(name))["status"] in ENDED for name in names):
            _delete(members.parent)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
