"""The commands run whatever the environment holds: other back ends, no home, names of ours beside the user."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.data import load
from bench.data.places import cache_folder

ROOT = Path(__file__).parents[2]


def called(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "no-such-backend"])
def test_a_back_end_that_is_not_installed_is_no_obstacle(tmp_path: Path, backend: str) -> None:
    done = called(tmp_path, "bench.run", "--preset", "small", "--dry-run", MPLBACKEND=backend)
    assert done.returncode == 0, done.stderr[-300:]
    done = called(tmp_path, "report", "--results", "none", MPLBACKEND=backend)
    assert done.returncode == 2 and "no results in none" in done.stderr


def test_a_back_end_is_left_to_who_asked_for_it() -> None:
    code = "import os, report, matplotlib; print(os.environ['MPLBACKEND'], matplotlib.get_backend())"
    environment = os.environ | {"MPLBACKEND": "svg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["svg", "svg"]


@pytest.mark.parametrize("name", ["models.py", "models/__init__.py", "report.py", "report/__init__.py"])
def test_modules_of_our_names_beside_the_user_are_not_taken_for_ours(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("raise SystemExit('not ours')\n")
    done = called(tmp_path, "bench.run", "--preset", "small", "--dry-run")
    assert done.returncode == 0 and not done.stderr, done.stderr[-300:]


def test_without_a_home_the_cache_is_a_folder_of_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder() == Path(tempfile.gettempdir()) / f"vae-bench-{os.getuid()}"
    assert len(load("digits").train) == 1_257


def test_the_printed_numbers_are_a_part_of_the_package() -> None:
    assert (ROOT / "report" / "published.csv").read_bytes() == (ROOT / "results" / "published.csv").read_bytes()
    assert "published.csv" in (ROOT / "setup.cfg").read_text()


CASES = sorted((ROOT / "tests" / "cases").glob("*.sh"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="the cases are shell scripts")
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_case(case: Path) -> None:
    done = subprocess.run(
        ["bash", str(case)], cwd=ROOT, env=os.environ | {"PY": sys.executable}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
