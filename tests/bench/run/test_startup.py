"""The command line answers `--help` and `--list` without the libraries that take seconds to import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "torchvision", "pythae", "numpy", "scipy", "sklearn", "skimage", "pandas", "matplotlib", "PIL")
CODE = """
import json, sys
from bench.run import main
try:
    code = main(sys.argv[1:])
except SystemExit as stopped:
    code = stopped.code
print(json.dumps([code, sorted(sys.modules)]))
"""


def answer(*arguments: str) -> tuple[int, str, set[str]]:
    """Return the exit code, the text, and the packages that were imported."""
    command = [sys.executable, "-c", CODE, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    text, _, last = done.stdout.rstrip().rpartition("\n")
    code, modules = json.loads(last)
    return code or 0, text, {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("arguments", [("--help",), ("--list",), ("--list", "--json")], ids=" ".join)
def test_it_answers_without_the_heavy_libraries(arguments: tuple[str, ...]) -> None:
    code, text, packages = answer(*arguments)
    assert code == 0 and text
    assert not packages & set(HEAVY)


def test_help_needs_the_standard_library_alone() -> None:
    _, text, packages = answer("--help")
    assert "--suite" in text
    assert packages - set(sys.stdlib_module_names) - {"__main__", "bench"} == set(_added_by_site())


def _added_by_site() -> set[str]:
    """Return what this interpreter imports of its own accord, as editable installs and path files make it."""
    code = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split()) - set(sys.stdlib_module_names) - {"__main__"}


def test_the_list_is_all_there_is() -> None:
    found = json.loads(answer("--list", "--json")[1])
    from bench.data import DATASETS
    from bench.metrics import METRICS
    from bench.study.suite_files import names
    from models import MODELS

    assert found == {
        "suites": names(),
        "models": sorted(MODELS),
        "datasets": sorted(DATASETS),
        "metrics": sorted(METRICS),
    }


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_cost_what_is_said_there(closed: str, tmp_path: Path) -> None:
    """The next file that is opened would have a closed stream's number, and what is said would be written to it."""
    (tmp_path / "call.py").write_text(
        "import os\n"
        "from bench.run import main\n"
        "code = main(['--list', '--json'])\n"
        "kept = os.open('kept', os.O_RDWR | os.O_CREAT)\n"
        "os.write(2, b'to whom it may concern')\n"
        "assert kept > 2 and os.stat('kept').st_size == 0\n"
        "os._exit(code)\n"
    )
    command = ["bash", "-c", f"{sys.executable} call.py {closed}"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True)
    assert done.returncode == 0 and (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("stream", "code", "said"), [("| true", 141, ""), (">/dev/full", 2, "bench: standard output: No space left")]
)
def test_an_answer_that_nobody_reads_is_a_quiet_end_and_a_full_disk_is_named(stream: str, code: int, said: str) -> None:
    command = f"{sys.executable} -m bench.run --list {stream}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code and done.stderr.startswith(said) and len(done.stderr.splitlines()) == bool(said)


def test_an_answer_has_escapes_for_what_the_stream_cannot_encode(tmp_path: Path) -> None:
    suite = (ROOT / "bench" / "suites" / "digits.toml").read_text()
    (tmp_path / "mine.toml").write_text(suite.replace('title = "', 'title = "\u03b2 '))
    command = [
        sys.executable,
        "-m",
        "bench.run",
        "--suite",
        str(tmp_path / "mine.toml"),
        "--preset",
        "small",
        "--dry-run",
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
