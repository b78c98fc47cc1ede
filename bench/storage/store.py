"""Results on disk: run folders (heavy, not committed), their digests, and the measurements as one table."""

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from bench.errors import BadInput
from bench.storage import packed
from bench.study.run import Run, digest
from bench.study.schema import Evaluation
from bench.system import manifest
from bench.system.files import replace_folder, write_whole

RUN = r"[a-z0-9][a-z0-9.-]{0,254}"  # the name of a run's folder
_NUMBERS = re.compile(r"\[\n\s*(?:null|-?\d)[^][{}\"]*\]")  # a list of numbers over several lines


def write_json(path: Path, value: object) -> None:
    """Write strict JSON in one step: a temporary file, synced and renamed. Raises ValueError for NaN."""
    data = _json(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)


def seal(folder: Path, name: str, value: object, digest: Path | None = None) -> None:
    """Write JSON as the last file of a run's folder, after a manifest of it and all others (and of the digest's)."""
    manifest.write(folder, {name: _json(value)}, digest)
    write_json(folder / name, value)


def _json(value: object) -> bytes:
    """Write strict JSON, a key a line and a list of numbers a line (no string holds a line's end)."""
    text = json.dumps(value, indent=1, allow_nan=False)
    return _NUMBERS.sub(lambda found: " ".join(found[0].split()), text).encode() + b"\n"


def read_json(path: Path, *keys: str) -> Any:
    """Return the contents of a JSON file; None where it is absent or torn, or no object that has these keys."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return found if not keys or (isinstance(found, dict) and found.keys() >= set(keys)) else None


def is_name(text: object) -> TypeGuard[str]:
    """Whether a text can be the name of a run's folder."""
    return isinstance(text, str) and re.fullmatch(RUN, text) is not None


def read_names(path: Path) -> list[str]:
    """Return the list in a JSON file, such as the members of a group; an empty one where there is none."""
    found = read_json(path)
    return [name for name in found if is_name(name)] if isinstance(found, list) else []


def read_record(run_folder: Path) -> dict[str, Any]:
    """Return how a run ended; {"status": "todo", …} where it has not, or where the record is damaged."""
    todo = {"status": "todo", "evaluation_id": None}
    found = None if manifest.differs(run_folder, "record.json") else read_json(run_folder / "record.json", *todo)
    if not found or not isinstance(found["status"], str):
        return todo
    odd = [key for key in ("provenance", "curves") if not isinstance(found.get(key), dict)]
    return found | dict.fromkeys(odd, {}) if odd else found


def is_trained(folder: Path) -> bool:
    """Whether the run's model is stored, undamaged; trained.json is written after the model."""
    if read_json(folder / "trained.json") is None or not (folder / "model" / "model.pt").is_file():
        return False
    found = manifest.damage(folder)
    return not any(name in (manifest.NAME, "trained.json") or name.startswith("model/") for name in found)


def damage(suite_folder: Path, run: Run) -> list[str]:
    """Return the files of a run at its end that are absent or not as they were written; "digest/…" of its digest."""
    folder = suite_folder / "runs" / run.id
    if not is_done(suite_folder, run):
        return ["record.json"] if manifest.differs(folder, "record.json") else []
    return manifest.damage(folder, suite_folder / "digests" / run.id)


def is_done(suite_folder: Path, run: Run) -> bool:
    """Whether a run is finished, or diverged, and was measured with these evaluation settings."""
    record = read_record(suite_folder / "runs" / run.id)
    finished = record["status"] in ("done", "diverged") and record["evaluation_id"] == run.evaluation_id
    return finished and (suite_folder / "digests" / run.id / "digest.json").is_file()


def finished_elsewhere(suite_folder: Path, runs: Iterable[Run]) -> dict[str, str]:
    """Return how those runs ended, by id, whose digest is packed here and whose folder is not: committed ones."""
    found = packed_ends(suite_folder, runs)
    return {run: ended for run, ended in found.items() if not (suite_folder / "runs" / run).exists()}


def packed_ends(suite_folder: Path, runs: Iterable[Run]) -> dict[str, str]:
    """Return how those runs ended, by id, whose digest is packed here, measured with the same evaluation settings."""
    ended = packed.facts(suite_folder)
    return {
        run.id: found["status"]
        for run in runs
        if (found := ended.get(run.id))
        and found["status"] in ("done", "diverged")
        and evaluation_of(found) == run.evaluation_id
    }


def evaluation_of(facts: Mapping[str, Any]) -> str | None:
    """Return the hash of a digest's evaluation settings as they are written today; None where they are none."""
    try:
        return digest(Evaluation.model_validate(facts["run"]["evaluation"]).identity())
    except (KeyError, TypeError, ValueError):
        return None


def status(suite_folder: Path, run: Run) -> str:
    """Return the stored status of a run, "todo" where there is none."""
    return str(read_record(suite_folder / "runs" / run.id)["status"])


def prepare(suite_folder: Path) -> None:
    """Create the folder of a suite's results; raises BadInput where that cannot be."""
    try:
        (suite_folder / "runs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--results: {suite_folder} cannot be made a folder ({error.strerror}); name another") from None


def forget(suite_folder: Path, runs: Iterable[Run]) -> None:
    """Delete runs' folders, their digests and the states of groups that they trained in, so that they start anew."""
    ids = {run.id for run in runs}
    for kind in ("runs", "digests"):
        for identity in ids:
            shutil.rmtree(suite_folder / kind / identity, ignore_errors=True)
    for members in (suite_folder / "runs").glob("together-*/members.json"):
        if not ids.isdisjoint(read_names(members)):
            shutil.rmtree(members.parent, ignore_errors=True)
    packed.drop(suite_folder, ids)


def withdraw(suite_folder: Path, run: Run) -> None:
    """Take back that a run is finished, where that was said, so that what is damaged is made anew."""
    (suite_folder / "runs" / run.id / "record.json").unlink(missing_ok=True)


def write_digest(suite_folder: Path, run: Run, record: dict[str, Any]) -> None:
    """Write the small copy of a run from which tables, figures and pages are rebuilt (150 kB at most)."""
    folder = suite_folder / "runs" / run.id / "digest.partial"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    about = {k: getattr(run, k) for k in ("id", "suite", "row", "model", "variant", "dataset", "preset", "seed")}
    empty: dict[str, Any] = {"measurements": [], "curves": None, "provenance": None, "tsne": None}
    empty |= {"classes": [], "plots": {}}
    path = f"runs/{run.id}"
    digest = empty | about | {"path": path, "run": run.to_dict()} | record
    for tile in (suite_folder / path).glob("*.png"):
        shutil.copyfile(tile, folder / tile.name)
    write_json(folder / "digest.json", digest)
    (suite_folder / "digests").mkdir(exist_ok=True)
    replace_folder(folder, suite_folder / "digests" / run.id)


def listed(suite_folder: Path) -> dict[str, str]:
    """Return the runs that suite.json lists: id by "row/variant/seed"; what is otherwise is passed over."""
    before = read_json(suite_folder / "suite.json", "runs")
    runs = before["runs"] if before is not None and isinstance(before["runs"], dict) else {}
    return {key: run for key, run in runs.items() if is_name(run) and re.fullmatch(r".+/.+/\d{1,18}", key)}


def write_suite(suite_folder: Path, description: Mapping[str, object], runs: Iterable[Run]) -> None:
    """Write suite.json: how to show the suite, and which runs belong to it now."""
    keys = {f"{run.row}/{run.variant}/{run.seed}": run.id for run in runs}
    write_json(suite_folder / "suite.json", {**description, "runs": keys})
