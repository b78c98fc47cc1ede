"""`python -m report`: what it rebuilds, what it says, how it exits; and what importing it brings in."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fake_results import write_full, write_suite

from report.__main__ import main


def test_every_suite_of_a_folder_is_rebuilt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        write_full(tmp_path / name, ["VAE"], (0,))
    (tmp_path / "notes").mkdir()
    assert main(["--results", str(tmp_path)]) == 0
    assert all((tmp_path / name / "table.md").is_file() for name in ("a", "b"))
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == [str(tmp_path / name) for name in ("a", "b", "index.html")]


def test_a_killed_processs_page_is_removed_and_one_in_the_making_is_not(tmp_path: Path) -> None:
    write_full(tmp_path / "a", ["VAE"], (0,))
    killed, working = (tmp_path / f"index.html.{number}.partial" for number in (1, 2))
    for path, age in ((killed, 4000), (working, 0)):
        path.write_text("<html>")
        os.utime(path, (time.time() - age,) * 2)
    assert main(["--results", str(tmp_path), "--page-only"]) == 0
    assert not killed.exists() and working.exists()


def test_one_suite_can_be_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_full(tmp_path / name, ["VAE"], (0,))
    assert main(["--results", str(tmp_path), "--suite", "b"]) == 0
    assert not (tmp_path / "a" / "table.md").exists()


def test_published_values_can_be_left_away(tmp_path: Path) -> None:
    folder = write_full(tmp_path / "m", ["VAE"], (0,), dataset="mnist", published={"paper": "BVAE", "table": "I"})
    assert main(["--results", str(tmp_path)]) == 0
    assert "(86.72)" in (folder / "table.md").read_text()
    assert main(["--results", str(tmp_path), "--no-published"]) == 0
    assert "86.72" not in (folder / "table.md").read_text()


@pytest.mark.parametrize("arguments", [["--results", "nowhere"], ["--suite", "nothing"]])
def test_unknown_folder_is_one_line_and_exit_2(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--results", str(tmp_path), *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_corrupt_suite_does_not_keep_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_full(tmp_path / "good", ["VAE"], (0,))
    (write_suite(tmp_path / "bad", []) / "suite.json").write_text("{")
    assert main(["--results", str(tmp_path)]) == 1
    assert (tmp_path / "good" / "table.csv").is_file()
    assert "bad" in capsys.readouterr().err


def test_report_needs_no_torch_no_training_and_no_pyplot() -> None:
    code = (
        "import sys, report; print([m for m in ('torch', 'bench', 'models', 'matplotlib.pyplot') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
