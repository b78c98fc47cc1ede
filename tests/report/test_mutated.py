"""Whatever a file of a results folder holds, the report ends with a page and lines, never with a traceback."""

import copy
import hashlib
import json
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fake_results import fake_tsne, full_measurements, write_digest, write_suite
from hypothesis import given
from hypothesis import strategies as st
from mutations import changed, examples, mutated, respelt

from bench.storage import packed
from bench.system import manifest
from report import NoResults, build, write_page
from report.build import suite_folders
from report.page import page
from report.store import read_suite
from report.tables.assemble import make_table
from report.tables.formats.csv_text import to_csv, to_measurements
from report.tables.formats.latex import to_latex
from report.tables.formats.markdown import to_markdown

FILES = (
    "digests/RUN/digest.json",
    "suite.json",
    "digests.jsonl",
    "pictures.zip",
    "runs/RUN/manifest.json",
    "../published.csv",
)
PUBLISHED = """paper,table,dataset,row,variant,metric,setting,printed,value,unit,note
BVAE,I,digits,VAE,unidirectional,nll,,86.72,86.72,nats,
BVAE,I,digits,VAE,bidirectional,nll,,"85,9",85.9,nats,"a note"
"""
QUICK = examples(20)


def results(folder: Path) -> Path:
    """Write a suite of one run in its own folder, its manifest unwritten, and a whole suite beside it."""
    for name in ("odd", "whole"):
        suite = write_suite(folder / name, ["VAE"], published={"paper": "BVAE", "table": "I"})
        measured = full_measurements("VAE", "unidirectional", 0)
        run = write_digest(suite, "VAE", "unidirectional", 0, measured, pictures=True, tsne=fake_tsne(0, points=5))
        packed.pack(suite)
    (folder / "published.csv").write_text(PUBLISHED)
    return run


def report_of(folder: Path) -> str:
    """Make texts and page of all suites in a folder; return the page."""
    for suite_folder in suite_folders(folder):
        try:
            suite = read_suite(suite_folder)
            table = make_table(suite)
        except NoResults as error:
            assert "\n" not in str(error)
            continue
        assert all("\n" not in problem for problem in suite.problems)
        for text in (to_csv(table), to_measurements(suite), to_latex(table), to_markdown(table)):
            text.encode("utf-8", "replace")
    page, _ = write_page(folder)
    return page.read_text(encoding="utf-8")


@QUICK
@given(st.data())
def test_a_digest_or_suite_with_an_odd_part(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        run = results(Path(name)).name
        place = data.draw(st.sampled_from(FILES[:2]), label="file").replace("RUN", run)
        path = Path(name, "odd", place)
        value = json.loads(path.read_text())
        for _ in range(data.draw(st.integers(1, 3), label="changes")):
            value = changed(data, value)
        path.write_text(json.dumps(value))
        assert ">whole <" in report_of(Path(name))


@QUICK
@given(st.data())
def test_a_file_with_odd_bytes(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        run = results(Path(name)).name
        path = Path(name, "odd", data.draw(st.sampled_from(FILES), label="file").replace("RUN", run))
        stored = path.read_bytes() if path.is_file() else b'{"files": {}, "digest": {"digest.json": "0"}}'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(respelt(data, stored))
        assert ">whole <" in report_of(Path(name))


class Room(NamedTuple):
    """A results folder that is mended after each example: the odd suite's folder, its run, and what both hold."""

    suite: Path
    run: str
    digest: dict[str, Any]
    facts: dict[str, Any]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Two suites; the template is compiled once, and claims, which the tests above have, are left out."""
    folder = tmp_path_factory.mktemp("results")
    run = results(folder).name
    (folder / "odd" / "runs" / run).mkdir(parents=True)
    read = [json.loads((folder / "odd" / name).read_text()) for name in (f"digests/{run}/digest.json", "suite.json")]
    read[0]["plots"] = PLOTS
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(page, "_environment", cache(page._environment))
        patched.setattr(build, "_claims", lambda *_: ([], [], [], []))
        yield Room(folder / "odd", run, read[0], read[1])


PLOTS = {
    "gradients": {"epoch": [1, 2], "cosine": [0.5, 0.1]},
    "prd": {"precision": [0.0, 0.5, 1.0], "recall": [1.0, 0.5, 0.0]},
    "class_shares": [0.1] * 10,
    "bit_sums": {"test": [1, 2, 3], "prior": [3, 2, 1]},
    "rates": {"modes": ["a", "b"], "bits": [1.0, 2.0], "psnr": [10.0, 20.0]},
}
PARTS = ("curves", "tsne", "plots", "pictures", "classes", "measurements", "run", "provenance")


def digest_line(facts: Any) -> str:
    """Return the line of a packed digest with the right sum, as who makes one on purpose would."""
    body = json.dumps(facts, separators=(",", ":"))[:-1]
    return f'{body},"sha256":"{hashlib.sha256(body.encode()).hexdigest()}"}}\n'


def try_digest(room: Room, data: st.DataObject) -> None:
    place = room.suite / "digests" / room.run / "digest.json"
    place.write_bytes(mutated(data, copy.deepcopy(room.digest), json.dumps))
    assert ">whole <" in report_of(room.suite.parent)
    packed.pack(room.suite)
    place.write_text(json.dumps(room.digest))


def try_suite(room: Room, data: st.DataObject) -> None:
    (room.suite / "suite.json").write_bytes(mutated(data, copy.deepcopy(room.facts), json.dumps))
    assert ">whole <" in report_of(room.suite.parent)
    (room.suite / "suite.json").write_text(json.dumps(room.facts))


def try_manifest(room: Room, data: st.DataObject) -> None:
    folder = room.suite / "runs" / room.run
    sums = {"digest.json": manifest.checksum(room.suite / "digests" / room.run / "digest.json")}
    known = {"files": {"record.json": "0" * 64, "model/model.pt": "1" * 64}, "digest": sums}
    (folder / manifest.NAME).write_bytes(mutated(data, known, json.dumps))
    assert all(isinstance(name, str) for name in manifest.damage(folder, room.suite / "digests" / room.run))
    assert manifest.differs(folder, "record.json") in (True, False)
    assert ">whole <" in report_of(room.suite.parent)
    packed.pack(room.suite)
    (folder / manifest.NAME).unlink()


def try_page_data(room: Room, data: st.DataObject) -> None:
    """What the page embeds and figures are drawn of, in a packed digest whose sum is right."""
    value = copy.deepcopy(room.digest) | {"pictures": {"samples": "a.png"}}
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        value = changed(data, value, lambda path: bool(path) and path[0] in PARTS)
    (room.suite / packed.LINES).write_text(digest_line(value))
    (room.suite / "digests").rename(room.suite / "elsewhere")
    assert ">whole <" in report_of(room.suite.parent)
    (room.suite / "elsewhere").rename(room.suite / "digests")


TRIES = pytest.mark.parametrize("attempt", [try_digest, try_suite, try_manifest, try_page_data])


@TRIES
def test_a_mutated_input_ends_in_a_page_and_lines(room: Room, attempt: Any) -> None:
    given(st.data())(examples(12)(lambda data: attempt(room, data)))()


@pytest.mark.slow
@TRIES
def test_two_thousand_mutated_inputs_of_each_end_in_a_page_and_lines(room: Room, attempt: Any) -> None:
    given(st.data())(examples(2000)(lambda data: attempt(room, data)))()
