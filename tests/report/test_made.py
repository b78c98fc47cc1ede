"""Nothing is made twice of the same digests; what is not as it was is made again."""

import logging
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from PIL import Image

from report import build
from report.build import suite_folders, write, write_page
from report.made import _PACKAGES, NAME
from tests.report.test_withstand import whole

ROOT = Path(__file__).parents[2]


def times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_tables_and_page_of_the_same_digests_are_written_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    suite = whole(tmp_path).parents[1]
    caplog.set_level(logging.WARNING, "report")
    first, page = write(suite), write_page(tmp_path)
    said, before = caplog.messages[:], times(tmp_path)
    caplog.clear()
    assert (write(suite), write_page(tmp_path)) == (first, page)
    assert times(tmp_path) == before
    assert caplog.messages == said and said


def test_what_is_missing_is_said_on_standard_error_each_time(tmp_path: Path) -> None:
    whole(tmp_path)
    words = [sys.executable, "-m", "report", "--results", str(tmp_path)]
    first, again = (subprocess.run(words, capture_output=True, text=True, check=True) for _ in range(2))
    assert "is not drawn" in first.stderr
    assert (again.stderr, again.stdout) == (first.stderr, first.stdout)


@pytest.mark.parametrize("name", ["table.csv", "measurements.csv", NAME])
def test_a_file_that_is_not_as_it_was_written_is_written_again(tmp_path: Path, name: str) -> None:
    suite = whole(tmp_path).parents[1]
    write(suite)
    right = (suite / name).read_bytes()
    (suite / name).write_bytes(right + b"x")
    write(suite)
    assert (suite / name).read_bytes() == right


def test_other_digests_published_values_or_code_are_other_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = whole(tmp_path)
    suite, kept = run.parents[1], []

    def stamp() -> str:
        write(suite)
        write_page(tmp_path)
        kept.append((suite / NAME).read_text() + (tmp_path / NAME).read_text())
        return kept[-1]

    stamp()
    (tmp_path / "published.csv").write_text("paper\n")
    stamp()
    (run / "digest.json").write_text((run / "digest.json").read_text() + " ")
    stamp()
    monkeypatch.setattr("report.made._code", lambda: "other")
    stamp()
    assert len(set(kept)) == 4


def test_a_figure_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = whole(tmp_path).parents[1]
    with monkeypatch.context() as patch:
        patch.setattr("report.figures.curves._curve", None)
        write(suite)
    assert not (suite / NAME).exists()
    write(suite)
    assert (suite / NAME).exists()


def test_a_picture_of_the_same_pixels_stays_as_another_machine_wrote_it(tmp_path: Path) -> None:
    suite = whole(tmp_path).parents[1]
    write(suite)
    path = suite / "curves.png"
    with Image.open(path) as drawn:
        drawn.load()
        dpi = drawn.info["dpi"]
        drawn.save(path, "PNG", compress_level=1, dpi=dpi)
        other = path.read_bytes()
        (suite / NAME).unlink()
        write(suite)
        assert path.read_bytes() == other
        drawn.putpixel((0, 0), (drawn.getpixel((0, 0)) + 1) % 2)
        drawn.save(path, "PNG", compress_level=1, dpi=dpi)
    changed = path.read_bytes()
    write(suite)
    assert path.read_bytes() not in (other, changed)


def test_committed_tables_and_figures_are_of_this_code_and_of_their_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().lower().split() if "==" in line)
    if [name for name in _PACKAGES if version(name) != pins[name]]:
        pytest.skip("other versions than those of constraints.txt are installed")
    folders = suite_folders(ROOT / "results")
    if any((folder / own).exists() for folder in folders for own in ("runs", "digests")):
        pytest.skip("runs of this checkout lie among the committed results")

    def drawn(folder: Path, published: bool) -> list[Path]:
        pytest.fail(f"{folder.name} would be made anew: call python -m report, and commit what it writes")

    monkeypatch.setattr(build, "_write", drawn)
    for folder in folders:
        write(folder)
