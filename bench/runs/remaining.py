"""What of a suite is left to do: runs that are unfinished or damaged, and those that other code began."""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from bench import data
from bench.errors import BadInput
from bench.storage import code_version, store
from bench.storage.data_version import data_key, of_other_data
from bench.study.run import Run

log = logging.getLogger("bench")


def unfinished(folder: Path, runs: Sequence[Run], force: bool) -> list[Run]:
    """Return the runs that are not finished, or whose files are no longer what they were; those are named.

    A run whose packed digest alone is here was finished elsewhere.
    """
    found = []
    elsewhere = {} if force else store.finished_elsewhere(folder, runs)
    for run in runs:
        if run.id in elsewhere:
            continue
        damaged = [] if force else store.damage(folder, run)
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


def data_now(runs: Sequence[Run], todo: Sequence[Run], data_dir: Path | None) -> dict[str, str]:
    """Return the SHA-256 of the data sets of some runs by `data_key`.

    Raises BadInput where one that is needed cannot be had; one that finished runs alone are of is not downloaded, and
    where it is not here it is said that those are not compared.
    """
    needed = {data_key(run.dataset, run.data) for run in todo}
    found: dict[str, str] = {}
    for key, run in {data_key(run.dataset, run.data): run for run in runs}.items():
        try:
            loaded = data.load(run.dataset, data_dir=data_dir, settings=run.data, download=key in needed)
        except BadInput as error:
            if key in needed:
                raise
            log.warning("finished runs are not compared with the data: %s", error)
        else:
            found[key] = loaded.sha256
    return found


def refuse_other_data(folder: Path, ids: Collection[str], now: Mapping[str, str]) -> None:
    """Raise BadInput where some stored runs are of other images than there are now (`data_now`)."""
    if found := of_other_data(folder, ids, now):
        many = f" and {len(found) - 1} others" if len(found) > 1 else ""
        raise BadInput(
            f"{folder} holds {found[0]}{many}, made of other images than there are now: name other --results, "
            "or train all of them anew with --force"
        )


def finished_by_other_code(folder: Path, runs: Sequence[Run]) -> dict[str, str]:
    """Return the code that trained those finished runs that other code trained, by id, and say that there are some."""
    found = code_version.finished_by_other(folder, runs)
    if found:
        some = f"{len(found)} finished runs were" if len(found) > 1 else "1 finished run was"
        log.warning("%s trained by other code, kept, and listed in %s", some, folder / "suite.json")
    return found
