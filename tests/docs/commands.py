"""Carries out the commands of a page, in a folder that holds the files which the page says to save.

The rule: what trains is a dry run; what asks is asked really; of every other command `--help` is, and must name every
option that the page gives it. `python -m tests.docs.commands PAGE` does so for one page, in the current folder.
"""

import contextlib
import io
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from PIL import Image

from docs.made.words import BLOCK

ROOT = Path(__file__).resolve().parents[2]
TRAINS = ("run",)
ASKS = ("plan", "status", "settings", "list", "claims", "--version")
INSTALLS = re.compile(r"(python3 -m venv|\S*pip install)")


def commands(text: str) -> list[list[str]]:
    """Return the commands of a page's shell blocks as words."""
    blocks = [block["text"] for block in BLOCK.finditer(text) if block["language"] == "sh"]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    words = [shlex.split(line, comments=True) for line in lines if not INSTALLS.match(line.strip())]
    return [[word.removeprefix(".venv/bin/") for word in line] for line in words if line]


def saved(text: str) -> dict[str, str]:
    """Return the files that a page says to save, by name."""
    pattern = re.compile(r"Save this as\s+`([\w.]+)`.*?\n```\w+\n(.*?)```", re.DOTALL)
    return {name: body for name, body in pattern.findall(text)}


def prepare(text: str, folder: Path) -> None:
    """Write the files of a page, and a folder of images."""
    for name, body in saved(text).items():
        (folder / name).write_text(body, encoding="utf-8")
    random = np.random.default_rng(0)
    for label in ("cat", "dog"):
        place = folder / "my_images" / "train" / label
        place.mkdir(parents=True, exist_ok=True)
        for number in range(40):
            Image.fromarray(random.integers(0, 256, (20, 20), dtype=np.uint8)).save(place / f"{number}.png")


def carry_out(words: list[str]) -> None:
    """Carry out one command by the rule; raises AssertionError where it does not end well."""
    program, *rest = words
    if program == "vae-bench":
        name, *_ = rest
        if name in TRAINS and "--check-plugin" not in rest:
            rest = [*rest, "--dry-run"]
        elif name not in (*TRAINS, *ASKS):
            return _helped("bench.run:vae_bench", [name], rest)
        code, said = _called("bench.run:vae_bench", rest)
        assert code == 0, f"{shlex.join(words)}: {code}: {said[-300:]}"
        return None
    assert [program, *rest[:1]] == ["python", "-m"], f"{shlex.join(words)}: not a command of ours"
    module = rest[1]
    if module in ("pytest", "mypy"):
        return None
    return _helped(f"{_main(module)}:main", [], rest[2:])


def _main(module: str) -> str:
    path = ROOT.joinpath(*module.split("."))
    return f"{module}.__main__" if path.is_dir() else module


def _helped(target: str, before: list[str], given: list[str]) -> None:
    code, said = _called(target, [*before, "--help"])
    options = [word.partition("=")[0] for word in given if word.startswith("--")]
    assert code == 0 and said, f"{target} --help: {code}"
    known = re.findall(r"--[\w-]+", said)
    assert all(o in known for o in options), f"{target}: {options} are not all among {known}"


def _called(target: str, words: list[str]) -> tuple[int, str]:
    module, name = target.split(":")
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = getattr(import_module(module), name)(words)
        except SystemExit as end:
            code = end.code or 0
    return int(code or 0), said.getvalue()


if __name__ == "__main__":
    page = Path(sys.argv[1]).read_text(encoding="utf-8")
    prepare(page, Path.cwd())
    for command in commands(page):
        carry_out(command)
