"""What lies in a results folder: the suite's description and one digest per run, packed or in a folder of its own."""

import hashlib
import json
import logging
import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from report.files import read_bytes
from report.names import VARIANTS
from report.stored_json import (
    Data,
    DigestFacts,
    Measurement,
    MetricFacts,
    SuiteFacts,
    Training,
    digest_facts,
    suite_facts,
)

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("report")

_RUN_COLUMNS = ("suite", "row", "model", "variant", "dataset", "preset")
COLUMNS = (*_RUN_COLUMNS, "setting", "seed", "metric", "value", "se", "n", "status", "reason", "path")
_MOST = 1e100  # numbers beyond it, whose squares overflow, count as not finite


class NoResults(ValueError):
    """A results folder that cannot be reported; the message is one line that names it and the remedy."""


@dataclass(frozen=True)
class Tile:
    """A picture of a run: a file, or a member of an archive; with the SHA-256 of its bytes where that is known."""

    place: Path
    member: str = ""
    archive: zipfile.ZipFile | None = field(default=None, compare=False, repr=False)
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.member}" if self.member else str(self.place)

    def read_bytes(self) -> bytes:
        """Return the file's bytes. Raises OSError where they cannot be read or are damaged."""
        try:
            data = read_bytes(self.place) if self.archive is None else self.archive.read(self.member)
        except OSError:
            raise
        except Exception as error:  # a damaged archive shows itself in many ways
            raise OSError(f"{self} cannot be read: {error}") from None
        if self.sha256 and self.sha256 != hashlib.sha256(data).hexdigest():
            raise OSError(f"{self} is not what was written")
        return data


@dataclass(frozen=True)
class Digest:
    """One run as its digest tells it, the file that holds that, and its picture tiles by name."""

    place: Path
    facts: DigestFacts
    tiles: Mapping[str, Tile] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The run's name."""
        return self.facts["id"]

    @property
    def row(self) -> str:
        """The row of the table that it belongs to."""
        return self.facts["row"]

    @property
    def variant(self) -> str:
        """The row's variant."""
        return self.facts["variant"]

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.facts["seed"]

    @property
    def status(self) -> str:
        """How the run ended: "done", or what else."""
        return self.facts["status"]

    @property
    def training(self) -> Training:
        """How the run was trained."""
        return self.facts["run"].get("training") or {}

    @property
    def data(self) -> Data:
        """Which data the run saw."""
        return self.facts["provenance"].get("data") or {}

    @property
    def ending(self) -> str:
        """How the run ended, and why where that is stored: "diverged: the loss is not finite"."""
        reason = self.facts["reason"]
        return f"{self.status}: {reason}" if reason else self.status

    def tile(self, name: str) -> Tile | None:
        """Return the run's picture `name`, or None where it was not stored."""
        return self.tiles.get(name)

    def values(self) -> Mapping[tuple[str, str], Measurement]:
        """Return the run's measurements by (metric, setting)."""
        return self._values

    def value(self, metric: str, setting: str = "") -> float | None:
        """Return what the run measured; None where that is no number, or failed."""
        found = self._values.get((metric, setting))
        return number(found["value"]) if found and found["status"] == "ok" else None

    @cached_property
    def _values(self) -> dict[tuple[str, str], Measurement]:
        return {(m["metric"], m.get("setting") or ""): m for m in self.facts["measurements"]}


@dataclass(frozen=True)
class Suite:
    """A results folder as read: its description, the usable digests, and a line for each thing that is missing."""

    folder: Path
    facts: SuiteFacts
    digests: tuple[Digest, ...]
    problems: tuple[str, ...]
    anchors: tuple[Digest, ...] = ()  # what training images, and noise, get in the place of samples

    @property
    def name(self) -> str:
        """The suite's name."""
        return self.facts["suite"]

    @property
    def title(self) -> str:
        """What the suite studies."""
        return self.facts["title"]

    @property
    def rows(self) -> tuple[str, ...]:
        """Row names of the table, in display order."""
        return tuple(self.facts["rows"])

    @property
    def extra_rows(self) -> tuple[str, ...]:
        """Row names that were run for a figure alone."""
        return tuple(sorted({d.row for d in self.digests} - set(self.rows)))

    def runs(self, row: str, variant: str) -> list[Digest]:
        """Return the digests of one row and variant by ascending seed."""
        return list(self._by_model.get((row, variant), ()))

    @cached_property
    def _by_model(self) -> dict[tuple[str, str], list[Digest]]:
        found: dict[tuple[str, str], list[Digest]] = {}
        for digest in self.digests:
            found.setdefault((digest.row, digest.variant), []).append(digest)
        return found

    def models(
        self, variants: Sequence[str] = VARIANTS, rows: Sequence[str] | None = None
    ) -> list[tuple[str, str, list[Digest]]]:
        """Return row, variant and digests of every model that was run, in the table's order."""
        names = ((row, variant) for row in (self.rows if rows is None else rows) for variant in variants)
        return [(row, variant, runs) for row, variant in names if (runs := self.runs(row, variant))]

    def metric(self, name: str) -> MetricFacts:
        """Return how a metric is shown, as far as suite.json says."""
        return self.facts["metrics"].get(name) or {}

    def sign(self, metric: str) -> int:
        """Return 1 where higher is better, -1 where lower is, 0 where neither."""
        return {"higher": 1, "lower": -1}.get(self.metric(metric).get("direction", ""), 0)


def read_suite(folder: Path) -> Suite:
    """Read results/SUITE; a missing or unreadable digest becomes a line in `problems`, never an error.

    Kept are the runs that suite.json lists (all, where it has no list), of the suite's own preset and data set, and
    one per row, variant and seed (the latest started). Values of a metric by an older version than others' are blank.
    A digest that lies beside its run is held against the run's manifest. Raises NoResults where the folder or its
    suite.json cannot be read.
    """
    path = folder / "suite.json"
    try:
        facts = suite_facts(read_bytes(path))
        places = sorted((folder / "digests").glob("*/"))
    except (OSError, ValueError) as error:
        raise NoResults(f"{path} cannot be read ({_why(error)}); vae-bench run writes it") from error
    problems: list[str] = []
    damaged: set[str] = set()
    by_id = {digest.id: digest for digest in _packed(folder / "digests.jsonl", folder / "pictures.zip", problems)}
    for place in places:
        by_id.pop(place.name, None)  # the folder is newer
        try:
            by_id[place.name] = _in_folder(place, folder / "runs" / place.name / "manifest.json")
        except (OSError, ValueError) as error:
            problems.append(f"{place / 'digest.json'} is left out: {_why(error)}")
            damaged |= set() if isinstance(error, FileNotFoundError) else {place.name}
    found = [by_id[name] for name in sorted(by_id)]
    if not found:
        problems.append(f"{folder} holds no readable digest: no run has finished yet")
    belonging = _belonging(found, damaged, facts, folder, problems)
    digests = _of_one_version(_one_per_seed(belonging, problems), folder, problems)
    anchors = tuple(_packed(folder / "anchors.jsonl", None, problems))
    return Suite(folder, facts, digests, tuple(problems), anchors)


def measurements(suite: Suite) -> "pd.DataFrame":
    """Return one line per run, metric and setting, in the columns of measurements.csv."""
    import pandas as pd

    return pd.DataFrame([line for digest in suite.digests for line in lines(digest)], columns=list(COLUMNS))


def lines(digest: Digest) -> Iterator[dict[str, object]]:
    """Yield a run's lines of measurements.csv, one per metric and setting."""
    shared: Mapping[str, object] = digest.facts
    for m in digest.facts["measurements"]:
        line: Mapping[str, object] = {**shared, **m, "path": shared["path"]}
        yield {key: line.get(key) for key in COLUMNS}


def number(value: object) -> float | None:
    """Return a stored number as a float; None where it is absent or not finite."""
    try:
        found = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return found if abs(found) <= _MOST else None


def seed_values(runs: Iterable[Digest], metric: str, setting: str) -> dict[int, float]:
    """Return what each seed measured, without those that measured nothing."""
    return {d.seed: value for d in runs if (value := d.value(metric, setting)) is not None}


def _in_folder(folder: Path, manifest: Path) -> Digest:
    text = read_bytes(folder / "digest.json")
    sums = _sums(manifest)
    if sums and sums.get("digest.json") != hashlib.sha256(text).hexdigest():
        raise ValueError(f"it is damaged: not what {manifest} says")
    paths = [path for path in folder.glob("*.png") if path.is_file()]
    tiles = {path.stem: Tile(path, sha256=sums.get(path.name, "")) for path in paths}
    return Digest(folder, digest_facts(text), tiles)


def _sums(manifest: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a digest, as the manifest of its run says; {} where none lies there."""
    try:
        text = read_bytes(manifest)
    except FileNotFoundError:
        return {}
    try:
        return {str(name): str(known) for name, known in json.loads(text)["digest"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"{manifest} is damaged") from None


def _packed(path: Path, pictures: Path | None, problems: list[str]) -> Iterator[Digest]:
    """Yield the packed digests of a file, with their pictures of an archive; each line is held against its sum."""
    try:
        lines = read_bytes(path).splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(f"{path} is left out: {_why(error)}")
        return
    archive, names = None, set()
    if pictures is not None and pictures.is_file():
        try:
            archive = zipfile.ZipFile(pictures)
            names = set(archive.namelist())
        except Exception as error:  # a damaged archive shows itself in many ways
            problems.append(f"{pictures} is left out: {_why(error)}")
    lost = 0
    for i, line in enumerate(lines, 1):
        try:
            body, _, end = line.rpartition(b',"sha256":"')
            if end != hashlib.sha256(body).hexdigest().encode() + b'"}':
                raise ValueError("it is not what was written")
            facts = digest_facts(line)
        except ValueError as error:
            problems.append(f"{path}, line {i}, is left out: {_why(error)}")
            continue
        stored = {name: member for name, member in facts["pictures"].items() if member in names}
        lost += len(facts["pictures"]) - len(stored) if archive else 0
        yield Digest(path, facts, {name: Tile(pictures or path, member, archive) for name, member in stored.items()})
    if lost:
        problems.append(f"{pictures} lacks {lost} pictures")


def _belonging(
    found: list[Digest], damaged: set[str], facts: SuiteFacts, folder: Path, problems: list[str]
) -> list[Digest]:
    preset, listed = facts["preset"], facts["runs"]
    others = sorted({str(d.facts["preset"]) for d in found if d.facts["preset"] != preset})
    if others:
        problems.append(f"{folder}: runs of preset {', '.join(others)} are left out of the {preset} report")
    kept = [d for d in found if d.facts["preset"] == preset]
    if listed is not None:
        there = {d.id for d in found} | damaged
        missing = [name for name, run in listed.items() if run not in there]
        others_too = " and others" if len(missing) > 1 else ""
        if missing:
            said = f"{len(missing)} of {len(listed)} runs have not finished: {missing[0]}{others_too}"
            problems.append(f"{folder}: {said}")
        kept = [d for d in kept if d.id in set(listed.values())]
    data = sorted({str(d.facts["dataset"]) for d in kept})
    if len(data) > 1:
        problems.append(f"{folder}: runs of {', '.join(data)} do not share a table: those of {facts['dataset']} do")
        kept = [d for d in kept if d.facts["dataset"] == facts["dataset"]]
    return kept


def _one_per_seed(digests: Iterable[Digest], problems: list[str]) -> tuple[Digest, ...]:
    latest: dict[tuple[str, str, int], Digest] = {}
    for digest in sorted(digests, key=lambda d: (d.facts["provenance"].get("started") or "", d.id)):
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

    def kept(m: Measurement) -> Measurement:
        name, version = m["metric"], m.get("version", 1)
        if version == newest[name] or m["status"] != "ok":
            return m
        older[name] = older.get(name, 0) + 1
        reason = f"measured by version {version} of the metric, others by version {newest[name]}"
        return {**m, "value": None, "se": None, "n": None, "status": "blank", "reason": reason}

    lists = [[kept(m) for m in digest.facts["measurements"]] for digest in digests]
    found = tuple(replace(d, facts={**d.facts, "measurements": ms}) for d, ms in zip(digests, lists, strict=True))
    problems += [
        f"{folder}: {n} values of {name} are left out, measured by older versions of it than {newest[name]}; "
        "measure their runs again with --force"
        for name, n in older.items()
    ]
    return found


def _why(error: Exception) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else " ".join(str(error).split())
