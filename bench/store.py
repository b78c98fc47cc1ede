"""Results on disk: run folders (heavy, not committed), their digests, and the measurements as one table."""

import csv
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.errors import BadInput
from bench.suite import Run

TILES = ("samples.png", "reconstructions.png", "interpolations.png", "backwards.png")
KEY = ("suite", "row", "model", "variant", "dataset", "preset", "setting", "seed", "metric")
COLUMNS = (*KEY, "value", "se", "n", "status", "reason", "path")


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON in one step: a temporary file, synced and renamed. Raises ValueError for NaN."""
    text = json.dumps(value, indent=1, allow_nan=False)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def read_json(path: Path) -> Any:
    """Return the contents of a JSON file, or None where it is absent or torn."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def is_trained(folder: Path) -> bool:
    """Whether the run's model is stored; trained.json is written after the model."""
    return read_json(folder / "trained.json") is not None and (folder / "model" / "model.pt").is_file()


def is_done(suite_folder: Path, run: Run) -> bool:
    """Whether a run is finished, or diverged, and was measured with these evaluation settings."""
    record = read_json(suite_folder / "runs" / run.id / "record.json") or {"status": None}
    finished = record["status"] in ("done", "diverged") and record["evaluation_id"] == run.evaluation_id
    return finished and (suite_folder / "digests" / run.id / "digest.json").is_file()


def status(suite_folder: Path, run: Run) -> str:
    """Return the stored status of a run, "todo" where there is none."""
    return (read_json(suite_folder / "runs" / run.id / "record.json") or {"status": "todo"})["status"]


def prepare(suite_folder: Path) -> None:
    """Create the folder of a suite's results; raises BadInput where that cannot be."""
    try:
        (suite_folder / "runs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--results: {suite_folder} cannot be made a folder ({error.strerror}); name another") from None


def forget(suite_folder: Path, run: Run) -> None:
    """Delete a run's folder, its digest and the states of groups that it trained in, so that it starts anew."""
    for kind in ("runs", "digests"):
        shutil.rmtree(suite_folder / kind / run.id, ignore_errors=True)
    for members in (suite_folder / "runs").glob("together-*/members.json"):
        if run.id in (read_json(members) or ()):
            shutil.rmtree(members.parent, ignore_errors=True)


def write_digest(suite_folder: Path, run: Run, record: dict[str, Any]) -> None:
    """Write the small copy of a run from which tables, figures and pages are rebuilt (100 kB at most)."""
    folder = suite_folder / "digests" / run.id
    folder.mkdir(parents=True, exist_ok=True)
    about = {k: getattr(run, k) for k in ("id", "suite", "row", "model", "variant", "dataset", "preset", "seed")}
    empty: dict[str, Any] = {"measurements": [], "curves": None, "provenance": None, "tsne": None, "classes": []}
    path = f"runs/{run.id}"
    digest = empty | about | {"path": path, "run": run.to_dict()} | record
    for name in TILES:
        source = suite_folder / path / name
        if source.is_file():
            shutil.copyfile(source, folder / name)
    write_json(folder / "digest.json", digest)


def write_suite(suite_folder: Path, description: dict[str, Any], planned: Iterable[Run]) -> list[str]:
    """Write suite.json: how to show the suite, and which runs belong to it now; return their folder names.

    Runs of earlier calls, of other seeds, stay in it where their configuration is the same.
    """
    before = read_json(suite_folder / "suite.json") or {}
    keys = dict(before["runs"]) if before.get("configuration") == description["configuration"] else {}
    keys |= {f"{run.row}/{run.variant}/{run.seed}": run.id for run in planned}
    write_json(suite_folder / "suite.json", description | {"runs": keys})
    return list(keys.values())


def write_measurements(suite_folder: Path, ids: Iterable[str]) -> Path:
    """Collect the digests of these runs into measurements.csv, one line a run and metric; values are not rounded."""
    lines = []
    for identity in ids:
        digest = read_json(suite_folder / "digests" / identity / "digest.json")
        for measurement in digest["measurements"] if digest else []:
            lines.append(digest | measurement | {"path": digest["path"]})
    path = suite_folder / "measurements.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: "" if line.get(k) is None else line[k] for k in COLUMNS} for line in lines)
    return path
