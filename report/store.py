"""What lies in a results folder: the suite's description and one digest per run, packed or in a folder of its own."""

import hashlib
import json
import logging
import math
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from report.stored_json import check_digest, check_suite

log = logging.getLogger("report")

_RUN_COLUMNS = ("suite", "row", "model", "variant", "dataset", "preset")
COLUMNS = (*_RUN_COLUMNS, "setting", "seed", "metric", "value", "se", "n", "status", "reason", "path")


_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError)  # what reading a damaged digest raises


class NoResults(ValueError):
    """A results folder that cannot be reported; the message is one line that names it and the remedy."""


@dataclass(frozen=True)
class Tile:
    """A picture of a run: a file, or a member of an archive."""

    place: Path
    member: str = ""
    archive: zipfile.ZipFile | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.place}: {self.member}" if self.member else str(self.place)

    def read_bytes(self) -> bytes:
        """Return the file's bytes. Raises OSError where they cannot be read or are damaged."""
        if self.archive is None:
            return self.place.read_bytes()
        try:
            return self.archive.read(self.member)
        except (zipfile.BadZipFile, KeyError, EOFError) as error:
            raise OSError(f"{self} cannot be read: {error}") from None


@dataclass(frozen=True)
class Digest:
    """One run as its digest tells it, the file that holds that, and its picture tiles by name."""

    place: Path
    id: str
    row: str
    variant: str
    seed: int
    status: str
    reason: str | None
    facts: dict[str, Any]  # the whole digest
    tiles: Mapping[str, Tile] = field(default_factory=dict)

    def tile(self, name: str) -> Tile | None:
        """Return the run's picture `name`, or None where it was not stored."""
        return self.tiles.get(name)

    def values(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the run's measurements by (metric, setting)."""
        return {(m["metric"], m.get("setting") or ""): m for m in self.facts["measurements"]}


@dataclass(frozen=True)
class Suite:
    """A results folder as read: its description, the usable digests, and a line for each thing that is missing."""

    folder: Path
    facts: dict[str, Any]  # suite.json
    digests: tuple[Digest, ...]
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """The suite's name."""
        return str(self.facts["suite"])

    @property
    def rows(self) -> tuple[str, ...]:
        """Row names of the table, in display order."""
        return tuple(str(row) for row in self.facts["rows"])

    @property
    def extra_rows(self) -> tuple[str, ...]:
        """Row names that were run for a figure alone."""
        return tuple(sorted({d.row for d in self.digests} - set(self.rows)))

    def runs(self, row: str, variant: str) -> list[Digest]:
        """Return the digests of one row and variant by ascending seed."""
        return [d for d in self.digests if (d.row, d.variant) == (row, variant)]


def read_suite(folder: Path) -> Suite:
    """Read results/SUITE; a missing or unreadable digest becomes a line in `problems`, never an error.

    Kept are the runs that suite.json lists (all, where it has no list), of the suite's own preset, and one per row,
    variant and seed (the latest started). Values of a metric by an older version than others' are blank.
    Raises NoResults where the folder or its suite.json cannot be read.
    """
    facts = _suite_facts(folder)
    problems: list[str] = []
    by_id = {digest.id: digest for digest in _packed(folder, problems)}
    for path in sorted((folder / "digests").glob("*/")):
        by_id.pop(path.name, None)  # the folder is newer
        try:
            digest = _in_folder(path)
            by_id[path.name] = digest
        except _DAMAGE as error:
            problems.append(f"{path / 'digest.json'} is left out: {_why(error)}")
    found = [by_id[name] for name in sorted(by_id)]
    if not found:
        problems.append(f"{folder} holds no readable digest: no run has finished yet")
    digests = _one_per_seed(_belonging(found, facts, folder, problems), problems)
    return Suite(folder, facts, _of_one_version(digests, folder, problems), tuple(problems))


def measurements(suite: Suite) -> pd.DataFrame:
    """Return one line per run, metric and setting, in the columns of measurements.csv."""
    lines = []
    for digest in suite.digests:
        for m in digest.facts["measurements"]:
            line = {key: digest.facts.get(key) for key in COLUMNS} | m
            lines.append({key: line.get(key) for key in COLUMNS})
    return pd.DataFrame(lines, columns=list(COLUMNS))


def number(value: Any) -> float | None:
    """Return a stored number as a float; None where it is absent or not finite."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _suite_facts(folder: Path) -> dict[str, Any]:
    path = folder / "suite.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in ("suite", "dataset", "preset", "rows") if key not in facts]
        check_suite(facts)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise NoResults(f"{path} cannot be read ({_why(error)}); python -m bench.run writes it") from error
    if missing:
        raise NoResults(f"{path} lacks {', '.join(missing)}; python -m bench.run writes it anew")
    optional = {"title": facts["suite"], "table": "bvae", "published": None, "metrics": {}, "note": None, "runs": None}
    return optional | facts


def _in_folder(folder: Path) -> Digest:
    facts = json.loads((folder / "digest.json").read_text(encoding="utf-8"))
    tiles = {path.stem: Tile(path) for path in folder.glob("*.png") if path.is_file()}
    return _digest(folder / "digest.json", facts, tiles)


def _packed(folder: Path, problems: list[str]) -> Iterable[Digest]:
    """Yield the digests of digests.jsonl, with their pictures of pictures.zip; each line is held against its sum."""
    path, pictures = folder / "digests.jsonl", folder / "pictures.zip"
    try:
        lines = path.read_bytes().splitlines() if path.is_file() else []
    except OSError as error:
        problems.append(f"{path} is left out: {_why(error)}")
        return
    archive = None
    try:
        archive = zipfile.ZipFile(pictures) if pictures.is_file() else None
    except (OSError, zipfile.BadZipFile) as error:
        problems.append(f"{pictures} is left out: {_why(error)}")
    names = set(archive.namelist()) if archive else set()
    for number, line in enumerate(lines, 1):
        try:
            body, _, end = line.rpartition(b',"sha256":"')
            if end != hashlib.sha256(body).hexdigest().encode() + b'"}':
                raise ValueError("it is not what was written")
            facts = json.loads(line)
            stored = {name: member for name, member in facts["pictures"].items() if member in names}
            tiles = {name: Tile(pictures, member, archive) for name, member in stored.items()}
            yield _digest(path, facts, tiles)
        except _DAMAGE as error:
            problems.append(f"{path}, line {number}, is left out: {_why(error)}")


def _digest(place: Path, facts: dict[str, Any], tiles: Mapping[str, Tile]) -> Digest:
    check_digest(facts)
    return Digest(
        place=place,
        id=str(facts["id"]),
        row=str(facts["row"]),
        variant=str(facts["variant"]),
        seed=int(facts["seed"]),
        status=str(facts["status"]),
        reason=facts.get("reason"),
        facts=facts,
        tiles=tiles,
    )


def _belonging(found: list[Digest], facts: dict[str, Any], folder: Path, problems: list[str]) -> list[Digest]:
    preset, listed = facts["preset"], facts["runs"]
    others = sorted({str(d.facts.get("preset")) for d in found if d.facts.get("preset") != preset})
    if others:
        problems.append(f"{folder}: runs of preset {', '.join(others)} are left out of the {preset} report")
    kept = [d for d in found if d.facts.get("preset") == preset]
    if listed is None:
        return kept
    there = {d.id for d in found} | {path.parent.name for path in (folder / "digests").glob("*/digest.json")}
    missing = [name for name, run in listed.items() if run not in there]
    if missing:
        others_too = " and others" if len(missing) > 1 else ""
        problems.append(f"{folder}: {len(missing)} of {len(listed)} runs have not finished: {missing[0]}{others_too}")
    return [d for d in kept if d.id in set(listed.values())]


def _one_per_seed(digests: Iterable[Digest], problems: list[str]) -> tuple[Digest, ...]:
    latest: dict[tuple[str, str, int], Digest] = {}
    for digest in sorted(digests, key=lambda d: (str((d.facts.get("provenance") or {}).get("started", "")), d.id)):
        key = (digest.row, digest.variant, digest.seed)
        if key in latest:
            problems.append(f"{latest[key].place} is left out: {digest.id} is a later run of the same row and seed")
        latest[key] = digest
    return tuple(latest[key] for key in sorted(latest))


def _of_one_version(digests: tuple[Digest, ...], folder: Path, problems: list[str]) -> tuple[Digest, ...]:
    """Return the digests with values of each metric's newest version alone; one without a version is of the first."""
    newest: dict[str, int] = {}
    for m in (m for digest in digests for m in digest.facts["measurements"]):
        newest[m["metric"]] = max(newest.get(m["metric"], 1), m.get("version", 1))
    older: dict[str, int] = {}

    def kept(m: dict[str, Any]) -> dict[str, Any]:
        name, version = m["metric"], m.get("version", 1)
        if version == newest[name] or m["status"] != "ok":
            return m
        older[name] = older.get(name, 0) + 1
        reason = f"measured by version {version} of the metric, others by version {newest[name]}"
        return m | {"value": None, "se": None, "n": None, "status": "blank", "reason": reason}

    changed = (d.facts | {"measurements": [kept(m) for m in d.facts["measurements"]]} for d in digests)
    found = tuple(replace(d, facts=facts) for d, facts in zip(digests, changed, strict=True))
    problems += [
        f"{folder}: {n} values of {name} are left out, measured by older versions of it than {newest[name]}; "
        "measure their runs again with --force"
        for name, n in older.items()
    ]
    return found


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, KeyError):
        return f"it lacks {error.args[0]!r}"
    return " ".join(str(error).split())
