"""Every command and every Python block of README and docs does what it says."""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from docs.made.notebook import NOTEBOOK
from docs.made.passages import ROOT, pages
from docs.made.words import BLOCK
from tests.docs.commands import INSTALLS, commands, prepare, saved

TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in pages()}
LONG = ("docs/howto/machines.md", "docs/howto/choose.md")  # many dry runs of large suites
WITH_COMMANDS = [
    pytest.param(name, marks=pytest.mark.slow) if name in LONG else name
    for name, text in sorted(TEXTS.items())
    if commands(text)
]
REAL = ("README.md", "docs/tutorial.md", "docs/pythae-how-to.md")  # their Python is run by tests of their own


def blocks(text: str) -> list[str]:
    """Return a page's Python blocks that no file is made of."""
    files = saved(text).values()
    found = [block["text"] for block in BLOCK.finditer(text) if block["language"] == "python"]
    return [block for block in found if block not in files]


def called(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_the_commands_of_a_page_are_right(name: str, tmp_path: Path) -> None:
    done = called(["-m", "tests.docs.commands", str(ROOT / name)], tmp_path)
    assert done.returncode == 0, done.stderr[-1000:]


@pytest.mark.parametrize("name", [n for n, text in TEXTS.items() if blocks(text) and n not in REAL])
def test_the_python_of_a_page_runs(name: str, tmp_path: Path) -> None:
    prepare(TEXTS[name], tmp_path)
    done = called(["-c", "\n".join(blocks(TEXTS[name]))], tmp_path)
    assert done.returncode == 0, done.stderr[-1000:]


@pytest.mark.parametrize("name", [n for n, text in TEXTS.items() if "```python" in text])
def test_python_is_valid(name: str) -> None:
    for block in BLOCK.finditer(TEXTS[name]):
        if block["language"] == "python":
            ast.parse(block["text"])


def test_what_installs_is_what_is_tested() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert "grep -m1 '^python3 -m venv .*pytest' README.md" in ci
    lines = [line for line in TEXTS["README.md"].splitlines() if INSTALLS.match(line)]
    plain, tested = lines
    assert tested.startswith(plain.removesuffix("-e .") + "-e '.[test]' && ")
    extras = {name for text in TEXTS.values() for name in re.findall(r"pip install '\.\[(\w+)\]'", text)}
    assert all(f"\n{extra} =\n" in setup for extra in extras)


def test_a_page_names_no_unknown_program() -> None:
    assert {words[0] for text in TEXTS.values() for words in commands(text)} <= {"vae-bench", "python"}


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    import json

    source = []
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            lines = "".join(cell["source"]).splitlines()
            source += [
                f"assert vae_bench({shlex.split(line[1:])[1:]!r}) == 0" if line.startswith("!") else line
                for line in lines
            ]
    script = tmp_path / "tutorial.py"
    head = "from bench.run import vae_bench\nif __name__ == '__main__':\n"
    script.write_text(head + "".join(f"    {line}\n" for line in source), encoding="utf-8")
    done = called([str(script)], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "torch.Size([8, 1, 8, 8])" in done.stdout


@pytest.mark.slow
def test_the_files_and_command_of_add_make_its_table(tmp_path: Path) -> None:
    text = TEXTS["docs/howto/add.md"]
    prepare(text, tmp_path)
    (words,) = [words for words in commands(text) if "mine.toml" in words]
    code = "from bench.run import vae_bench\nimport sys\nif __name__ == '__main__': sys.exit(vae_bench(sys.argv[1:]))"
    done = called(["-c", code, *words[1:], "--jobs", "1"], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    table = (tmp_path / "runs" / "mine" / "table.md").read_text(encoding="utf-8")
    rows = ("VAE, my networks", "warm VAE", "Bidirectional warm VAE", "FactorVAE, stock", "FactorVAE, corrected")
    rows += ("Bidirectional VAE, my two-way network",)
    assert all(f"| {row} |" in table for row in rows)


@pytest.mark.parametrize("name", sorted(saved(TEXTS["docs/howto/add.md"])))
def test_each_file_of_add_is_short(name: str) -> None:
    lines = saved(TEXTS["docs/howto/add.md"])[name].splitlines()
    said = [line for line in lines if line.strip() and not line.startswith(("import", "from", "[["))]
    assert len(said) <= 30
