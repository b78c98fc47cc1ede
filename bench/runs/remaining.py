"""What of a suite is left to do: runs that are unfinished or damaged, and those that other code began."""

import logging
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BadInput
from bench.storage import code_version, store
from bench.study.suite import Run

log = logging.getLogger("bench")


def unfinished(folder: Path, runs: Sequence[Run], force: bool) -> list[Run]:
    """Return the runs that are not finished, or whose files are no longer what they were; those are named."""
    found = []
    for run in runs:
        damaged = store.damage(folder, run) if store.is_done(folder, run) and not force else []
        if damaged:
            log.warning("%s is damaged and is made anew: %s", folder / "runs" / run.id, ", ".join(damaged))
        if force or damaged or not store.is_done(folder, run):
            found.append(run)
    return found


def refuse_other_code(folder: Path, runs: Sequence[Run]) -> None:
    """Raise BadInput, with the files that differ, where other code began the training of some of these runs."""
    begun, files = code_version.unfinished_by_other(folder, runs)
    if begun:
        many = f" and {len(begun) - 1} others" if len(begun) > 1 else ""
        differ = f"{', '.join(files)} {'differs' if len(files) == 1 else 'differ'}"
        raise BadInput(
            f"the training of {begun[0].id}{many} was begun by other code ({differ}): "
            "--accept-code-change goes on with it, --force begins anew"
        )


def finished_by_other_code(folder: Path, runs: Sequence[Run]) -> dict[str, str]:
    """Return the code that trained those finished runs that other code trained, by id, and say that there are some."""
    found = code_version.finished_by_other(folder, runs)
    if found:
        some = f"{len(found)} finished runs were" if len(found) > 1 else "1 finished run was"
        log.warning("%s trained by other code, kept, and listed in %s", some, folder / "suite.json")
    return found
