"""What of a suite is done, running, failed and to do, and the time left; read from files alone, without torch."""

import re
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.storage import heartbeat, store
from bench.system import locks

PLAN = Path("runs", "plan.json")
KEYS = ("suite", "preset", "configuration", "evaluation_id", "epochs", "workers", "runs")  # of it
EPOCH = re.compile(r"epoch (\d+)/(\d+) .* ([\d.]+) s\b")  # as bench.runs.train tells it
STATES = ("done", "running", "failed", "to do")


def write_plan(folder: Path, description: dict[str, Any], runs: list[Any], workers: int) -> None:
    """Write down which runs a suite has, for `read` to tell of; those of other seeds of its configuration stay."""
    about = {key: description[key] for key in ("suite", "preset", "configuration")}
    about |= {"evaluation_id": runs[0].evaluation_id, "epochs": runs[0].training["epochs"], "workers": workers}
    before = store.read_json(folder / PLAN, *KEYS)
    same = before is not None and all(before[key] == about[key] for key in ("configuration", "evaluation_id"))
    known = {line["id"]: line for line in before["runs"]} if same else {}
    known |= {run.id: {"id": run.id} | {key: getattr(run, key) for key in ("row", "variant", "seed")} for run in runs}
    store.write_json(folder / PLAN, about | {"runs": list(known.values())})


def read(folder: Path) -> dict[str, Any] | None:
    """Return the plan with what became of each of its runs, and the seconds left; None where no plan was written.

    A run gets "state", one of STATES; a running one also "host", "pid", "since", "at" and "doing", a failed one
    "status" and "reason". "seconds_left" is null where no epoch has been measured yet; "owner" holds the folder.
    """
    plan = store.read_json(folder / PLAN, *KEYS)
    if plan is None:
        return None
    companions = _companions(folder)
    runs = [line | _state(folder, line["id"], plan["evaluation_id"], companions) for line in plan["runs"]]
    left = _seconds_left(folder, runs, plan["epochs"], plan["workers"])
    return plan | {"runs": runs, "owner": locks.owner(folder), "seconds_left": left}


def describe(folder: Path, found: dict[str, Any]) -> str:
    """Return what `read` found as text."""
    counts = Counter(line["state"] for line in found["runs"])
    numbers = ", ".join(f"{counts[state]} {state}" for state in STATES)
    lines = [f"{folder}: {numbers}, of {len(found['runs'])} runs (preset {found['preset']})"]
    for line in found["runs"]:
        name = f"{line['row']} {line['variant']}, seed {line['seed']}"
        if line["state"] == "running":
            where = f"process {line['pid']} on {line['host']}, since {line['since']}"
            lines.append(f"  running  {name}: {line['doing']} ({where}, heard at {line['at']})")
        elif line["state"] == "failed":
            lines.append(f"  {line['status']:<8} {name}: {line['reason']}")
    owner = found["owner"]
    if owner:
        lines.append(f"held by process {owner['pid']} on {owner['host']} since {owner['since']}")
    if counts["running"] or counts["to do"]:
        left, at_once = found["seconds_left"], found["workers"]
        known = (
            "not known before an epoch is measured" if left is None else f"about {_duration(left)}, {at_once} at once"
        )
        lines.append(f"time left: {known}{'' if owner else '; no call is at work: the same command goes on'}")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def _companions(folder: Path) -> dict[str, dict[str, Any]]:
    """Return who carries out each run that trains together with one that says so."""
    found: dict[str, dict[str, Any]] = {}
    for path in (folder / "runs").glob("together-*/members.json"):
        members = store.read_names(path)
        said = next((who for who in (heartbeat.running(folder / "runs" / member) for member in members) if who), None)
        found |= {member: said for member in members if said}
    return found


def _state(folder: Path, identity: str, evaluation_id: str, companions: dict[str, Any]) -> dict[str, Any]:
    place = folder / "runs" / identity
    record = store.read_record(place)
    finished = record["status"] in ("done", "diverged") and record["evaluation_id"] == evaluation_id
    if finished and (folder / "digests" / identity / "digest.json").is_file():
        return {"state": "done"} if record["status"] == "done" else _failure(record)
    now = heartbeat.running(place) or (
        companions.get(identity) if not store.read_json(place / "trained.json") else None
    )
    if now:
        return {"state": "running"} | {key: now[key] for key in ("host", "pid", "since", "at", "doing")}
    return _failure(record) if record["status"] in ("failed", "oom") else {"state": "to do"}


def _failure(record: dict[str, Any]) -> dict[str, Any]:
    return {"state": "failed", "status": record["status"], "reason": record.get("reason")}


def _seconds_left(folder: Path, runs: list[dict[str, Any]], epochs: int, workers: int) -> float | None:
    """Return the seconds that the rest takes: epochs left times their measured time, and the evaluations."""
    epoch: dict[tuple[str, str], list[float]] = {}  # seconds each, by row and variant
    evaluations = []
    for line in runs:
        record = store.read_record(folder / "runs" / line["id"])
        heard = EPOCH.search(line.get("doing", ""))
        if line["state"] == "done" and record.get("curves"):
            seconds = record["curves"]["seconds"]
            epoch.setdefault((line["row"], line["variant"]), []).append(fmean(seconds))
            alone = (record["provenance"] or {}).get("together", 1) == 1
            evaluations.append(max(0.0, record["seconds"] - (sum(seconds) if alone else 0.0)))
        elif heard:
            epoch.setdefault((line["row"], line["variant"]), []).append(float(heard[3]))
    if not epoch:
        return None
    usual = fmean(value for values in epoch.values() for value in values)
    left = 0.0
    for line in runs:
        if line["state"] in ("running", "to do"):
            heard = EPOCH.search(line.get("doing", ""))
            trained = (folder / "runs" / line["id"] / "trained.json").is_file() or line.get("doing") == "evaluating"
            remaining = 0 if trained else epochs - int(heard[1]) if heard else epochs
            left += remaining * fmean(epoch.get((line["row"], line["variant"]), [usual]))
            left += fmean(evaluations) if evaluations else 0.0
    return left / workers
