"""Which images a stored training is of: the SHA-256 of its data set, compared before anything stored is used."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from bench.storage import store
from bench.storage.packed import LINES

Version = tuple[str, str]  # (data set and settings, SHA-256)


def data_key(dataset: str, settings: Mapping[str, str]) -> str:
    """Return a text that is equal where a data set and its settings are."""
    return json.dumps([dataset, sorted(settings.items())])


def of_other_data(suite_folder: Path, ids: Collection[str], now: Mapping[str, str]) -> list[str]:
    """Return those of some runs that are stored, trained, begun or packed, of other data than there are `now`.

    `now` is the SHA-256 of a data set by `data_key`; runs of data sets that it does not hold are not compared.
    """
    found = {run for run, (key, known) in _stored(suite_folder, ids) if now.get(key, known) != known}
    return sorted(found)


def sha256_of(run_folder: Path) -> str | None:
    """Return the SHA-256 of the data that a run's folder holds a training of; None where it is not known."""
    for name in ("trained.json", "record.json"):
        try:
            return str(store.read_json(run_folder / name)["provenance"]["data"]["sha256"])
        except (TypeError, KeyError):
            continue
    return None


def _stored(suite_folder: Path, ids: Collection[str]) -> Iterator[tuple[str, Version]]:
    """Yield what is known of each run, as often as it is known."""
    for run in ids:
        folder = suite_folder / "runs" / run
        about = store.read_json(folder / "run.json", "dataset", "data")
        if about and isinstance(about["data"], dict) and (known := sha256_of(folder)):
            yield run, (data_key(about["dataset"], about["data"]), known)
        if begun := _begun(folder / "states"):
            yield run, begun
    for members in (suite_folder / "runs").glob("together-*/members.json"):
        if begun := _begun(members.parent):
            yield from ((run, begun) for run in store.read_names(members) if run in ids)
    path = suite_folder / LINES
    for line in path.read_text(errors="replace").splitlines() if path.is_file() else ():
        try:
            facts = json.loads(line)
            key = data_key(facts["run"]["dataset"], facts["run"]["data"])
            if facts["id"] in ids and not (suite_folder / "runs" / facts["id"] / "run.json").is_file():
                yield facts["id"], (key, facts["provenance"]["data"]["sha256"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # damaged, or of a run that failed
            continue


def _begun(states: Path) -> Version | None:
    """Return the data of a training that is not at its end; None where there is none, or it is not known."""
    known = store.read_json(states / "code.json", "data")
    data = known["data"] if known and any(states.glob("*.pt")) else None
    return (data[0], data[1]) if isinstance(data, list) and [type(part) for part in data] == [str, str] else None
