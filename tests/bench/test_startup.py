"""The command line answers `--help` and `--list` without the libraries that take seconds to import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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
