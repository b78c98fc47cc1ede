"""Every row of the fault programme holds; `python -m tests.faults` prints them as a table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import __main__ as programme
from tests.faults import kills
from tests.faults.common import Fault, Seen
from tests.faults.sources import WITHSTAND, differing, sources

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("fault", [pytest.param(f, id=f.name) for f in programme.FAULTS if not f.slow])
def test_a_fault_has_the_consequences_that_are_expected(fault: Fault, tmp_path: Path) -> None:
    assert fault.happen(tmp_path).lost == 0


@pytest.mark.slow
def test_every_row_of_the_programme_holds() -> None:
    """In a process of its own: it forks, which threads of other tests would not survive."""
    done = subprocess.run([sys.executable, "-m", "tests.faults"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def surprised(folder: Path) -> Seen:
    raise AssertionError("an | empty folder")


def test_the_programme_prints_stores_and_sums_up_what_it_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = [
        Fault("one", "nothing", lambda _: Seen("as said", kills=2, flips=3)),
        Fault("two", "all", lambda _: Seen("one gone", kills=1, disks=4, lost=1)),
        Fault("three", "luck", surprised),
    ]
    monkeypatch.setattr(programme, "FAULTS", faults)
    monkeypatch.setattr("os.environ", {})
    out = tmp_path / "faults.json"
    for names, code in ((["one"], 0), (["none"], 1), ([], 1)):
        monkeypatch.setattr("sys.argv", ["faults", *names, "--out", str(out)])
        assert programme.main() == code
    lines = capsys.readouterr().out.splitlines()
    assert "| one | nothing | as said |" in lines
    what = (
        'NOT AS EXPECTED: AssertionError: an / empty folder (test_faults.py: raise AssertionError("an / empty folder"))'
    )
    assert f"| three | luck | {what} |" in lines
    summary = (
        "1 of 3 rows hold; kills survived: 3; bytes flipped and caught: 3; disk-full points tried: 4; runs lost: 1"
    )
    stored = json.loads(out.read_text())
    assert lines[-1] == stored["summary"] == summary
    assert [row["holds"] for row in stored["rows"]] == [True, False, False] and stored["machine"]["python"]
    assert stored["sources"] == sources()


def test_a_table_tells_which_sources_have_changed_since(tmp_path: Path) -> None:
    for name in WITHSTAND:
        path = tmp_path / name if name.endswith(".py") else tmp_path / name / "file.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    stored = sources(tmp_path)
    assert len(stored) == len(WITHSTAND) and differing(stored, tmp_path) == []
    (tmp_path / "bench" / "run" / "file.py").write_text("2")
    (tmp_path / "bench" / "system" / "new.py").touch()
    (tmp_path / "bench" / "runs" / "file.py").rename(tmp_path / "bench" / "runs" / "moved.py")
    changed = ["bench/run/file.py", "bench/runs/file.py", "bench/runs/moved.py", "bench/system/new.py"]
    assert differing(stored, tmp_path) == changed


def test_the_stored_table_is_of_these_sources_and_of_every_row() -> None:
    stored = json.loads((ROOT / "results" / "perf" / "faults.json").read_text())
    assert all(row["holds"] for row in stored["rows"])
    assert differing(stored["sources"]) == [], "make results/perf/faults.json anew: python -m tests.faults --full --out"
    names = [kills.FULL.name if fault is kills.SHORT else fault.name for fault in programme.FAULTS]
    assert [row["fault"] for row in stored["rows"]] == names
