"""Whatever a file of a results folder holds, the report ends with a page and lines, never with a traceback."""

import json
import tempfile
from pathlib import Path
from typing import Any

from fake_results import fake_tsne, full_measurements, write_digest, write_suite
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.storage import packed
from report import NoResults, write_page
from report.build import suite_folders
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
ODD = st.sampled_from(
    [None, True, -1, 0, 1, 10**400, -(2**70), 1e308, -1e-320, float("inf"), float("nan"), {}, [], [[]], [None]]
    + ["", "\udcff", "\0\r\n", "=1", "</script>", "é\u2028", "x" * 5000, [1, "x"], {"": None}, {"value": {}}]
)
QUICK = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def results(folder: Path) -> Path:
    """Write a suite of one run in its own folder, its manifest unwritten, and a whole suite beside it."""
    for name in ("odd", "whole"):
        suite = write_suite(folder / name, ["VAE"], published={"paper": "BVAE", "table": "I"})
        measured = full_measurements("VAE", "unidirectional", 0)
        run = write_digest(suite, "VAE", "unidirectional", 0, measured, pictures=True, tsne=fake_tsne(0, points=5))
        packed.pack(suite)
    (folder / "published.csv").write_text(PUBLISHED)
    return run


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every part of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


def changed(data: st.DataObject, value: Any) -> Any:
    """Return a JSON value of which one part is odd, or gone."""
    path = data.draw(st.sampled_from(places(value)), label="part")
    odd = data.draw(ODD, label="becomes")
    if not path:
        return odd
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    if data.draw(st.booleans(), label="gone"):
        del inner[path[-1]]
    else:
        inner[path[-1]] = odd
    return value


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
        stored = bytearray(path.read_bytes() if path.is_file() else b'{"files": {}, "digest": {"digest.json": "0"}}')
        for _ in range(data.draw(st.integers(1, 4), label="changes")):
            at = data.draw(st.integers(0, len(stored)), label="at")
            stored[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3), label="bytes")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored)
        assert ">whole <" in report_of(Path(name))
