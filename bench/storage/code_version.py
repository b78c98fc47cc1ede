"""Which code trained a model: a hash of the sources of `models` and of the engine, kept beside every training."""

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import BadInput
from bench.storage import store
from bench.study.run import Run, digest
from models import MODELS

ENGINE = ("bench/training", "bench/runs/train.py", "bench/system/memory.py")  # what trains, besides the models
NAME = "code.json"  # beside the states of a training


@cache
def sources(model: str) -> dict[str, str]:
    """Return {file: ten digits of its SHA-256} of what the training of a model depends on.

    These are all of `models`, the engine's files of `bench`, and the module of a model from elsewhere. Kept from the
    first call, so that a process which calls it at its start reports the code that it runs.
    """
    root = Path(__file__).resolve().parents[2]
    files = [*sorted((root / "models").rglob("*.py"))]
    files += [path for name in ENGINE for path in sorted((root / name).rglob("*.py")) or [root / name]]
    found = {path.relative_to(root).as_posix(): path for path in files}
    module = MODELS[model].resolve().__module__
    if module.partition(".")[0] != "models" and (where := getattr(sys.modules[module], "__file__", None)):
        found[f"{module} (plug-in)"] = Path(where)
    return {name: hashlib.sha256(path.read_bytes()).hexdigest()[:10] for name, path in found.items()}


def version(model: str) -> str:
    """Return the hash of the sources that the training of a model depends on."""
    return digest(sources(model))


def begin(states: Path, model: str, data: tuple[str, str]) -> dict[str, Any]:
    """Write down the code and the data of a training beside its states; return {"code": version}, for its provenance.

    Where another code began it, {"code_before": [versions]} too. `data` is (its key, its SHA-256) of `data_version`.
    Raises BadInput where the training was begun with other data.
    """
    known = _read(states) if any(states.glob("*.pt")) else None
    known = known or {"before": []}
    if known.get("data", list(data)) != list(data):
        raise BadInput(f"{states}: this training was begun with other images; --force begins anew")
    if "version" in known and known["version"] != version(model):
        known["before"].append(known["version"])
    known |= {"version": version(model), "sources": sources(model), "data": list(data)}
    store.write_json(states / NAME, known)
    return {"code": known["version"]} | ({"code_before": known["before"]} if known["before"] else {})


def unfinished_by_other(suite_folder: Path, runs: Iterable[Run]) -> tuple[list[Run], list[str]]:
    """Return the runs whose training was begun by other code and is not at its end, and the files that differ."""
    groups = [(store.read_names(path), path.parent) for path in suite_folder.glob("runs/together-*/members.json")]
    found, files = [], set()
    for run in runs:
        folder = suite_folder / "runs" / run.id
        states = [folder / "states", *(place for members, place in groups if run.id in members)]
        stored = [_read(place) for place in states if any(place.glob("*.pt"))]
        other = [known for known in stored if known and known["version"] != version(run.model)]
        if other and not store.is_trained(folder):
            found.append(run)
            now = sources(run.model)
            for before in (known["sources"] for known in other):
                files |= {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
    return found, sorted(files)


def _read(states: Path) -> dict[str, Any] | None:
    """Return what `begin` wrote beside states; None where it did not, or it is something else."""
    found = store.read_json(states / NAME, "before", "version", "sources")
    ours = found and isinstance(found["before"], list) and isinstance(found["sources"], dict)
    return found if ours else None


def finished_by_other(suite_folder: Path, runs: Iterable[Run]) -> dict[str, str]:
    """Return the code of those finished runs that other code trained, by id; nothing is known of older results."""
    found = {}
    for run in runs:
        record = store.read_record(suite_folder / "runs" / run.id)
        code = record.get("provenance", {}).get("code")
        if code not in (None, version(run.model)):
            found[run.id] = code
    return found
