"""A row that was measured here in the table of stored results: what differs, and the folder of both."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.evaluation.evaluate import Evaluation
from bench.evaluation.pictures.tiles import save_tiles
from bench.storage import packed, store, stored
from bench.study import suite
from bench.study.schema import Evaluation as Settings
from report.build import write
from report.store import read_suite
from report.tables.assemble import make_table


def differences(facts: dict[str, Any], theirs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return how a row's data, split and settings differ from those beside it; blank its numbers of newer versions."""
    notes = []
    data, other = facts["provenance"]["data"], (theirs[0].get("provenance") or {}).get("data") or {}
    if facts["dataset"] != theirs[0]["dataset"]:
        notes.append(f"{facts['row']} was measured on {facts['dataset']}, the rows beside it on {theirs[0]['dataset']}")
    elif data["sha256"] != other.get("sha256"):
        what = "another split" if data["images"] != other.get("images") else "other images or another split"
        notes.append(f"{facts['row']} was measured on {what} than the rows beside it")
    if facts["run"]["evaluation"] != (known := _today(theirs[0])):
        differ = [key for key, value in facts["run"]["evaluation"].items() if known.get(key) != value]
        notes.append(f"other settings of the evaluation: {', '.join(differ)}")
    counts = {m["n"] for m in facts["measurements"] if m["metric"] == "fd_classifier" and m["n"]}
    usual = {m["n"] for f in theirs for m in f["measurements"] if m["metric"] == "fd_classifier" and m.get("n")}
    if counts - usual and usual:
        notes.append(f"{max(counts):,} images of it were compared, {max(usual):,} of the rows beside it")
    newest: dict[str, int] = {}
    for m in (m for f in theirs for m in stored.up_to_date(f)["measurements"] if m["status"] == "ok"):
        newest[m["metric"]] = max(newest.get(m["metric"], 1), m.get("version", 1))
    for i, m in enumerate(facts["measurements"]):
        older = newest.get(m["metric"], m["version"])
        if m["status"] == "ok" and m["version"] > older:
            said = (
                f"{m['value']:.6g} by version {m['version']} of the metric, the rows beside it are of version {older}"
            )
            facts["measurements"][i] = {**m, "value": None, "se": None, "n": None, "status": "blank", "reason": said}
            notes.append(f"{m['metric']}: {said}")
    return [*notes, "it was not trained here: epochs, images and rate of its training are not compared"]


def _today(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a digest's settings of the evaluation as they are written today."""
    return dict(Settings.model_validate(facts["run"]["evaluation"]).identity())


def place(
    folder: Path, made: Sequence[tuple[dict[str, Any], Evaluation]], theirs: Path | None, notes: Sequence[str]
) -> None:
    """Write digests, the stored rows that they stand beside, suite.json, and the tables of them all."""
    facts = made[-1][0]
    before = stored.suite_facts(folder) or {"runs": {}, "rows": [], "note": None}
    base = {} if theirs is None else stored.suite_facts(theirs) or {}
    added = [row for row in before["rows"] if row not in base.get("rows", [])]
    preset, said = base.get("preset", "small"), before["note"] or base.get("note") or ""
    about = {
        "suite": folder.name,
        "preset": preset,
        "configuration": "",
        "title": base.get("title") or f"What was measured on {facts['dataset']}",
        "dataset": base.get("dataset", facts["dataset"]),
        "table": base.get("table", "bvae"),
        "published": base.get("published"),
        "rows": [*base.get("rows", []), *dict.fromkeys([*added, *(facts["row"] for facts, _ in made)])],
        "metrics": suite.metrics(),
        "note": " ".join(filter(None, [said, *(note for note in notes if note not in said)])) or None,
        "runs": {**base.get("runs", {}), **before["runs"]},
    }
    if theirs is not None:
        stored.adopt(folder, theirs, list(base["runs"].values()))
    for facts, evaluation in made:
        own = folder / "digests" / facts["id"]
        own.mkdir(parents=True, exist_ok=True)
        save_tiles(own, evaluation, {})
        shown = {"suite": folder.name, "preset": preset, "path": f"digests/{facts['id']}", "dataset": about["dataset"]}
        store.write_json(own / "digest.json", facts | shown)  # measured on other data: the note says so
        about["runs"][f"{facts['row']}/{facts['variant']}/{facts['seed']}"] = facts["id"]
    store.write_json(folder / "suite.json", about)
    packed.pack(folder)
    write(folder)


def table(folder: Path, row: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the headings and lines of a folder's table, as a reader sees them."""
    made = make_table(read_suite(folder))
    headers = ("", *(f"{c.header} {arrow}".strip() for c, arrow in zip(made.columns, made.arrows, strict=True)))
    lines = [(line.label, *(cell.display for cell in line.cells)) for line in made.lines]
    return headers, tuple(sorted(lines, key=lambda line: line[0] == row))
