"""Imports point one way, and importing does nothing."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("models", "bench", "report")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def tops(path: Path) -> set[str]:
    """Return the packages that a file imports from, in functions and for type checking too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; write the full name"
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_imports_tests_and_report_nothing_of_torch(path: Path) -> None:
    forbidden = {"tests", "torch"} if path.relative_to(ROOT).parts[0] == "report" else {"tests"}
    assert not tops(path) & forbidden


def test_there_are_files_to_check() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(PACKAGES)


def test_report_does_not_reach_torch_through_another_package() -> None:
    code = (
        "import sys, report, report.build, report.figures.registry;"
        "print([n for n in sys.modules if n in {'torch', 'pythae'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


IMPORT_ALL = """
import importlib, json, os, random, signal, sys
sys.path.insert(0, sys.argv[1])
import numpy, torch, pythae.models, pythae.trainers, pythae.samplers, sklearn.mixture

def state():
    return [dict(os.environ), random.getstate(), torch.get_rng_state().tolist(), numpy.random.get_state()[1].tolist(),
            torch.get_num_threads(), [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]]

connections = []
sys.addaudithook(lambda event, args: connections.append(event) if event.startswith("socket.connect") else None)
before = state()
for name in sys.argv[3:]:
    importlib.import_module(name)
changed = [what for what, old, new in zip(["environment", "random", "torch seed", "numpy seed", "threads", "signals"],
                                          before, state()) if old != new]
with open(sys.argv[2], "w") as file:
    json.dump({"changed": changed, "connections": connections}, file)
"""


def test_importing_every_module_does_nothing(tmp_path: Path) -> None:
    modules = [".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for p in FILES]
    modules = [name for name in modules if not name.endswith("__main__")]
    home, report = tmp_path / "home", tmp_path / "report.json"
    home.mkdir()
    places = {"HOME": str(home), "XDG_CACHE_HOME": str(home), "MPLCONFIGDIR": str(tmp_path / "matplotlib")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT_ALL, str(ROOT), str(report), *modules],
        cwd=home,
        env={**os.environ, **places},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""
    assert json.loads(report.read_text()) == {"changed": [], "connections": []}
    assert list(home.iterdir()) == []
