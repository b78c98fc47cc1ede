"""One odd folder costs itself, with a line; files are written whole; what is damaged is not shown."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_results import full_measurements, ok, write_digest, write_suite

from report import write, write_page
from report.__main__ import main
from report.files import write_whole
from report.store import read_suite
from report.tables.assemble import make_table
from report.tables.formats.csv_text import csv_text, to_csv, to_measurements

ROOT = Path(__file__).parents[2]


def whole(results: Path, name: str = "whole", row: str = "VAE", **facts: Any) -> Path:
    """Write a suite of one run and return the folder of its digest."""
    suite = write_suite(results / name, [row])
    return write_digest(suite, row, "unidirectional", 0, full_measurements("VAE", "unidirectional", 0), **facts)


def page_of(results: Path) -> tuple[str, list[str]]:
    """Write the page; return its text, which shows the suite "whole", and what is said of the others."""
    whole(results)
    page, problems = write_page(results)
    text = page.read_text(encoding="utf-8")
    assert ">whole <" in text
    return text, problems


ODD_SUITES = {
    "deep": "[" * 200_000,
    "deep inside": '{"suite": "odd", "dataset": "digits", "preset": "small", "rows": ' + "[" * 50_000,
    "run without a name": '{"suite": "odd", "dataset": "d", "preset": "p", "rows": [], "runs": {"VAE/stock/0": null}}',
    "metrics absent": '{"suite": "odd", "dataset": "d", "preset": "p", "rows": [], "metrics": null}',
    "row of a number": '{"suite": "odd", "dataset": "d", "preset": "p", "rows": [1]}',
    "unknown table": '{"suite": "odd", "dataset": "d", "preset": "p", "rows": [], "table": "odd"}',
}


@pytest.mark.parametrize("text", ODD_SUITES.values(), ids=ODD_SUITES.keys())
def test_an_odd_suite_is_a_line_on_the_page(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "suite.json").write_text(text)
    page, (said,) = page_of(tmp_path)
    assert "odd" in said and "\n" not in said
    assert "1 thing is missing or left out" in page


ODD_PARTS: dict[str, dict[str, Any]] = {
    "measurements of text": {"measurements": "x"},
    "a value that is an object": {"measurements": [ok("nll", "", 1.0) | {"value": {}}]},
    "epochs that are a list": {"run": {"training": {"epochs": [1]}}},
    "curves of text": {"curves": {"epoch": ["1"], "validation_loss": [2.0]}},
    "classes that are numbers": {"classes": 3},
    "a seed that is text": {"seed": "0"},
    "points of an embedding that lack a label": {"tsne": {"x": [1.0], "y": [1.0], "label": []}},
}


@pytest.mark.parametrize("facts", ODD_PARTS.values(), ids=ODD_PARTS.keys())
def test_an_odd_digest_is_a_line_on_the_page(tmp_path: Path, facts: dict[str, Any]) -> None:
    path = whole(tmp_path, "odd") / "digest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))
    assert f"{path} is left out" in " ".join(page_of(tmp_path)[1])


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e308, -1e300])
def test_numbers_whose_squares_overflow_are_blank(tmp_path: Path, value: float) -> None:
    run = whole(tmp_path, "odd", curves={"epoch": [1, 2], "validation_loss": [value, value]})
    facts = json.loads((run / "digest.json").read_text())
    facts["measurements"][1]["value"] = value
    (run / "digest.json").write_text(json.dumps(facts))
    page_of(tmp_path)


@pytest.mark.parametrize("text", ["cannot read /data/\udcff.png", "\ud800", "\udfff\ud83d"])
def test_halves_of_a_surrogate_pair_are_replaced(tmp_path: Path, text: str) -> None:
    run = whole(tmp_path, "odd", row=f"VAE {text}", status="failed", reason=text)
    page, _ = page_of(tmp_path)
    assert text.encode("utf-8", "replace").decode() in page
    assert run.parents[1].joinpath("table.md") in write(run.parents[1])


def test_a_folder_whose_name_is_no_text_has_working_links(tmp_path: Path) -> None:
    whole(tmp_path, os.fsdecode(b"odd\xff"))
    assert "odd%FF/digests/" in page_of(tmp_path)[0]


def test_a_pipe_in_the_place_of_a_file_is_not_read(tmp_path: Path) -> None:
    for name, place in (("a", "suite.json"), ("b", "digests/run/digest.json"), ("c", "digests.jsonl")):
        path = whole(tmp_path, name).parents[1] / place
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        os.mkfifo(path)
    assert sum("is not a file" in said for said in page_of(tmp_path)[1]) == 3


def test_a_folder_that_has_the_pages_name(tmp_path: Path) -> None:
    for name in ("index.html", "index-2.html", "claims.md"):
        (tmp_path / name).mkdir()
    text, _ = page_of(tmp_path)
    assert (tmp_path / "index-3.html").read_text(encoding="utf-8") == text
    assert "index.html is a folder" in text and "claims.md is not written" in text


def test_a_copied_folder_shows_its_own_figures(tmp_path: Path) -> None:
    whole(tmp_path, "copy")
    (tmp_path / "copy" / "suite.json").write_text((write_suite(tmp_path / "whole", ["VAE"]) / "suite.json").read_text())
    (tmp_path / "copy" / "table.csv").touch()
    text, _ = page_of(tmp_path)
    assert text.count('href="copy/table.csv"') == 1


def test_what_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("report.figures.registry.draw_figures", lambda *_: [])
    whole(tmp_path, "odd")
    (tmp_path / "odd" / "table.md").mkdir()
    whole(tmp_path)
    assert main(["--results", str(tmp_path)]) == 1
    assert [line for line in capsys.readouterr().err.splitlines() if "odd/table.md" in line]
    assert (tmp_path / "whole" / "table.md").is_file() and (tmp_path / "index.html").is_file()


@pytest.mark.parametrize("closed", ["odd", "."])
def test_a_folder_that_may_not_be_read_or_written(tmp_path: Path, closed: str) -> None:
    whole(tmp_path)
    whole(tmp_path, "odd")
    (tmp_path / closed).chmod(0o555 if closed == "." else 0)
    command = [sys.executable, "-m", "report", "--results", str(tmp_path), "--page-only"]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("setpriv, which takes root's rights away, is not here")
    finally:
        (tmp_path / closed).chmod(0o755)
    (said,) = done.stderr.splitlines()
    assert "Permission denied" in said
    assert done.returncode == (2 if closed == "." else 0)


def test_a_reader_that_goes_away_ends_the_output_quietly(tmp_path: Path) -> None:
    for i in range(3):
        whole(tmp_path, f"s{i}")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-u", "-m", "report", "--results", str(tmp_path), "--page-only"]
    done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_standard_output_is_named(tmp_path: Path) -> None:
    whole(tmp_path)
    command = [sys.executable, "-m", "report", "--results", str(tmp_path), "--page-only"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2 and "standard output: No space left" in done.stderr
    assert "Traceback" not in done.stderr


def seal(run: Path) -> Path:
    """Write the manifest of a run, with the sums of its digest, as the harness does; return its path."""
    path = run.parents[1] / "runs" / run.name / "manifest.json"
    path.parent.mkdir(parents=True)
    sums = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in run.iterdir()}
    path.write_text(json.dumps({"files": {}, "digest": sums}))
    return path


def test_a_digest_that_is_not_what_its_manifest_says_is_left_out(tmp_path: Path) -> None:
    run = whole(tmp_path)
    manifest = seal(run)
    assert len(read_suite(tmp_path / "whole").digests) == 1
    stored = (run / "digest.json").read_bytes()
    for bit in range(0, 8 * len(stored), 8 * len(stored) // 50):
        flipped = bytearray(stored)
        flipped[bit // 8] ^= 1 << bit % 8
        (run / "digest.json").write_bytes(flipped)
        suite = read_suite(tmp_path / "whole")
        assert suite.digests == () and "damaged" in suite.problems[0]
    (run / "digest.json").write_bytes(stored)
    for text in ("", "{", "[]", '{"digest": {}, "files": {}}', '{"digest": []}'):
        manifest.write_text(text)
        assert len(read_suite(tmp_path / "whole").digests) == (1 if '"digest": {}' in text else 0)


def test_a_picture_that_is_not_what_the_manifest_says_is_not_shown(tmp_path: Path) -> None:
    run = whole(tmp_path, pictures=True)
    seal(run)
    path = run / "samples.png"
    path.write_bytes(path.read_bytes() + b"\0")
    (digest,) = read_suite(tmp_path / "whole").digests
    tile = digest.tile("samples")
    assert tile is not None
    with pytest.raises(OSError, match="not what was written"):
        tile.read_bytes()


@pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "-x", "+x", "\tx", "\rx"])
def test_no_text_is_a_formula_to_a_spreadsheet(tmp_path: Path, name: str) -> None:
    suite = read_suite(whole(tmp_path, row=name).parents[1])
    for text in (to_csv(make_table(suite)), to_measurements(suite)):
        (found,) = {line["row"] for line in csv.DictReader(io.StringIO(text, newline=""))}
        assert found == f"'{name}"


def test_numbers_stay_numbers_and_returns_are_quoted() -> None:
    assert csv_text([[-1.5, "-1.5", "+2", None, "a\rb", "a\nb", "a,b"]]) == '-1.5,-1.5,+2,,"a\rb","a\nb","a,b"\n'
    assert list(csv.reader(io.StringIO(csv_text([["a\r\nb", ""]]), newline=""))) == [["a\r\nb", ""]]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_whole(tmp_path / "table.md", "before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*table\.md'"):
        write_whole(path, "after")
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_runs_of_other_data_do_not_share_a_table(tmp_path: Path) -> None:
    suite = whole(tmp_path).parents[1]
    write_digest(suite, "VAE", "bidirectional", 0, [ok("nll", "", 1.0)], dataset="imagefolder")
    found = read_suite(suite)
    assert [d.variant for d in found.digests] == ["unidirectional"]
    assert "runs of digits, imagefolder do not share a table" in " ".join(found.problems)
