"""What of a suite is done, running, failed and to do, and the time left; read from files alone, without torch."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Required

from pydantic import StringConstraints, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # typing's own is known to pydantic from Python 3.12 on

from bench.storage import heartbeat, packed, store
from bench.storage.heartbeat import Beat
from bench.study.run import Run
from bench.system import locks

PLAN = Path("runs", "plan.json")
EPOCH = re.compile(r"epoch (\d{1,9})/(\d{1,9}) .* (\d{1,9}(?:\.\d+)?) s\b")  # as bench.runs.train tells it
STATES = ("done", "running", "failed", "to do")


class State(TypedDict, total=False):
    """What became of a run: `state` is one of `STATES`; of a running one who is at it, of a failed one why."""

    state: Required[str]
    host: str
    pid: int
    since: str
    at: str
    doing: str
    status: str
    reason: str | None


class Planned(TypedDict):
    """A run of a plan."""

    id: Annotated[str, StringConstraints(pattern=f"^{store.RUN}$")]
    row: str
    variant: str
    seed: int


class Line(Planned, State):
    """A run of a plan, with what became of it."""


class About(TypedDict):
    """What a plan is of, and how many workers there were to be."""

    suite: str
    preset: str
    configuration: str
    evaluation_id: str
    epochs: int
    workers: int


class Plan(About):
    """What was to be done."""

    runs: list[Planned]


class Found(About):
    """A plan, who holds its folder, and the seconds left, None where no epoch has been measured yet."""

    runs: list[Line]
    owner: dict[str, str | int] | None
    seconds_left: float | None


def write_plan(folder: Path, description: Mapping[str, object], runs: Sequence[Run], workers: int) -> None:
    """Write down which runs a suite has, for `read` to tell of; those of other seeds of its configuration stay."""
    about = {key: description[key] for key in ("suite", "preset", "configuration")}
    about |= {"evaluation_id": runs[0].evaluation_id, "epochs": runs[0].training.epochs, "workers": workers}
    before = _plan(folder)
    then = dict(before or {})
    same = all(then.get(key) == about[key] for key in ("configuration", "evaluation_id"))
    known = {line["id"]: line for line in before["runs"]} if before and same else {}
    known |= {r.id: {"id": r.id, "row": r.row, "variant": r.variant, "seed": r.seed} for r in runs}
    store.write_json(folder / PLAN, about | {"runs": list(known.values())})


def read(folder: Path) -> Found | None:
    """Return the plan with what became of each of its runs, and the seconds left.

    Where no plan was written, that of suite.json and the packed digests, which others carried out; None without them.
    """
    ended = packed.facts(folder)
    plan = _plan(folder) or _committed(folder, ended)
    if plan is None:
        return None
    companions = _companions(folder)
    runs: list[Line] = []
    for line in plan["runs"]:
        state = _state(folder, line["id"], plan["evaluation_id"], companions)
        if state["state"] == "to do" and not (folder / "runs" / line["id"]).exists():
            state = _ended(ended.get(line["id"]), plan["evaluation_id"])
        runs.append({**line, **state})
    left = _seconds_left(folder, runs, plan["epochs"], plan["workers"])
    return {**plan, "runs": runs, "owner": locks.owner(folder), "seconds_left": left}


def _committed(folder: Path, ended: Mapping[str, dict[str, Any]]) -> Plan | None:
    """Return the plan of results of which the packed digests alone are here."""
    about = store.read_json(folder / "suite.json", "suite", "preset", "runs")
    if not about or not ended:
        return None
    runs: list[Planned] = []
    for key, identity in store.listed(folder).items():
        row, variant, seed = key.rsplit("/", 2)
        runs.append({"id": identity, "row": row, "variant": variant, "seed": int(seed)})
    suite, preset = str(about["suite"]), str(about["preset"])
    return Plan(suite=suite, preset=preset, configuration="", evaluation_id="", epochs=0, workers=1, runs=runs)


def _ended(facts: Mapping[str, Any] | None, evaluation_id: str) -> State:
    """Return what a packed digest says of its run; without `evaluation_id`, however it was measured."""
    if facts is None or evaluation_id not in ("", store.evaluation_of(facts)):
        return {"state": "to do"}
    return {"state": "done"} if facts["status"] == "done" else _failure(dict(facts))


def _plan(folder: Path) -> Plan | None:
    """Return the plan of a folder, None where there is none or it is not what `write_plan` writes."""
    try:
        plan = TypeAdapter(Plan).validate_python(store.read_json(folder / PLAN), strict=True)
    except ValidationError:
        return None
    return plan if plan["workers"] > 0 else None


def describe(folder: Path, found: Found) -> str:
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


def _companions(folder: Path) -> dict[str, Beat]:
    """Return who carries out each run that trains together with one that says so."""
    found: dict[str, Beat] = {}
    for path in (folder / "runs").glob("together-*/members.json"):
        members = store.read_names(path)
        said = next((who for who in (heartbeat.running(folder / "runs" / member) for member in members) if who), None)
        found |= {member: said for member in members if said}
    return found


def _state(folder: Path, identity: str, evaluation_id: str, companions: dict[str, Beat]) -> State:
    place = folder / "runs" / identity
    record = store.read_record(place)
    finished = record["status"] in ("done", "diverged") and record["evaluation_id"] == evaluation_id
    if finished and (folder / "digests" / identity / "digest.json").is_file():
        return {"state": "done"} if record["status"] == "done" else _failure(record)
    now = heartbeat.running(place) or (
        companions.get(identity) if not store.read_json(place / "trained.json") else None
    )
    if now:
        about: State = {"state": "running", "host": now["host"], "pid": now["pid"], "since": now["since"]}
        return about | {"at": now["at"], "doing": now["doing"]}
    return _failure(record) if record["status"] in ("failed", "oom") else {"state": "to do"}


def _failure(record: dict[str, Any]) -> State:
    return {"state": "failed", "status": record["status"], "reason": record.get("reason")}


def _seconds_left(folder: Path, runs: list[Line], epochs: int, workers: int) -> float | None:
    """Return the seconds that the rest takes: epochs left times their measured time, and the evaluations."""
    epoch: dict[tuple[str, str], list[float]] = {}  # seconds each, by row and variant
    evaluations = []
    for line in runs:
        record = store.read_record(folder / "runs" / line["id"])
        heard = EPOCH.search(line.get("doing", ""))
        if line["state"] == "done" and record.get("curves"):
            with suppress(TypeError, ValueError, KeyError, AttributeError, OverflowError):  # of no run of ours
                seconds = record["curves"]["seconds"]
                mean, alone = fmean(seconds), record["provenance"].get("together", 1) == 1
                evaluations.append(max(0.0, record["seconds"] - (sum(seconds) if alone else 0.0)))
                epoch.setdefault((line["row"], line["variant"]), []).append(mean)
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
