"""What no test notices: `python -m tests.mutants --seed S --changes N [--modules GLOB …] [--without GLOB …]`.

Makes small wrong changes (tests/changes.py) one at a time in the modules that hold the numbers, in a copy of the
checkout, and runs the quick tests that cover the module: those of its folder's mirror, and those that import it or a
module that does. What does not import is not counted. Why a program of its own: mutmut changes neither tables of data
nor arguments, and asks all tests first; cosmic-ray runs one command for every module; neither samples by a seed.
"""

import argparse
import ast
import difflib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from tests.changes import Change, changes, sample
from tests.rooms import ROOT, modules
from tests.warm import NOT_IMPORTED

NUMERICAL = (
    "models/*.py",  # with all that lies below
    "bench/evaluation/annealing.py",
    "bench/evaluation/arrays/*.py",
    "bench/evaluation/features/*.py",
    "bench/likelihood.py",
    "bench/metrics/*.py",
    "bench/samplers/*.py",
    "bench/training/optimisers.py",
    "report/claims/noise_floor.py",
    "report/claims/verdicts.py",
    "report/statistics.py",
    "report/tables/*columns.py",
    "report/tables/assemble.py",
    "report/tables/captions.py",
    "report/tables/layout.py",
    "report/tables/printed.py",
    "report/tables/rates.py",
    "report/tables/trials.py",
)
LIBRARIES = ("numpy", "pandas", "pydantic", "pytest", "scipy.special", "sklearn.mixture", "torch", "pythae.models")
QUIETLY = ("-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider")
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)  # of pytest's summary
NO_TESTS = 5  # pytest's exit status where it collected none
LIMIT = 900.0  # seconds for the tests of one change


@dataclass(frozen=True)
class Answer:
    """What became of a change: the test that noticed it ("" where none did), or that it was not counted."""

    change: Change
    counted: bool
    noticed_by: str
    diff: str


def is_numerical(path: Path, globs: Sequence[str] = NUMERICAL) -> bool:
    """Return whether a file is one of those that hold the numbers, or of other patterns."""
    return any(fnmatch(path.relative_to(ROOT).as_posix(), glob) for glob in globs)


def imports(path: Path) -> set[str]:
    """Return all dotted names that a file imports, with and without what is taken from them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def covering(root: Path, known: dict[str, Path]) -> dict[str, list[str]]:
    """Return by module the test files that cover it, the nearest first.

    They are those of its name and those that import it; those of the folder's mirror (of a package's own folder only
    where there are none of its name); and of the same package, those that import a module which imports it.
    """
    tests = sorted((root / "tests").rglob("test_*.py"))
    helpers = {p.stem: imports(p) for p in (root / "tests").rglob("*.py") if not p.name.startswith("test_")}
    taken = {}
    for test in tests:
        named = imports(test)
        taken[test] = named.union(*(helpers[name] for name in named & helpers.keys()))
    of_modules = {name: imports(path) for name, path in known.items()}
    roofs = {name for name, path in known.items() if path.name == "__init__.py"} | {"bench.run"}  # over nearly all
    users = {name: {other for other, names in of_modules.items() if name in names} for name in known}
    found = {}
    for name, path in known.items():
        mirror = root / "tests" / path.relative_to(root).parent
        package = root / "tests" / path.relative_to(root).parts[0]
        while not any(mirror.glob("test_*.py")) and mirror != root / "tests":
            mirror = mirror.parent
        stems = {f"test_{path.stem}", f"test_{path.parent.name}"}
        same = [t for t in tests if t.stem in stems and mirror in t.parents]
        beside = [t for t in tests if t.parent == mirror and not (same and mirror.parent == root / "tests")]
        direct = [t for t in tests if name in taken[t]]
        through = [t for t in tests if taken[t] & (users[name] - roofs) and package in t.parents]
        found[name] = [t.relative_to(root).as_posix() for t in dict.fromkeys([*same, *direct, *beside, *through])]
    return found


@contextmanager
def scratch(root: Path) -> Iterator[Path]:
    """A copy of the checkout's files as they are, tracked or new, under a Git of its own; gone afterwards."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / root.name
        for name in filter(None, listed.split("\0")):
            if (root / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, copy / name)
        for words in (["init", "-q"], ["add", "-A"]):
            subprocess.run(["git", *words], cwd=copy, check=True)
        yield copy


class Tests:
    """A copy of the checkout, and a process that runs its tests (tests/warm.py)."""

    def __init__(self, copy: Path, libraries: Sequence[str] = LIBRARIES, limit: float = LIMIT):
        own = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        self.copy, self.limit = copy, limit
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm.py")), *libraries],
            cwd=copy,
            env=os.environ | own,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.sound: set[str] = set()  # tests known to pass without any change
        self.unsound: set[str] = set()

    def run(self, module: str, tests: Sequence[str]) -> tuple[int, str]:
        """Import a module and run tests; return the exit status and the end of the output."""
        left_out = [f"--deselect={test}" for test in self.unsound]
        asked = {"module": module, "arguments": [*QUIETLY, *left_out, *tests], "limit": self.limit}
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        told = json.loads(self.process.stdout.readline())
        return told["status"], told["output"]

    def ask(self, change: Change, tests: Sequence[str]) -> Answer:
        """Make a change, run the tests, and take it back; a test that fails without the change as well is left out."""
        path = self.copy / change.path
        source = path.read_bytes()
        wrong = change.made(source)
        before, after = (text.decode().splitlines(keepends=True) for text in (source, wrong))
        diff = "".join(difflib.unified_diff(before, after, change.path, change.path, n=0))
        module = ".".join(Path(change.path).with_suffix("").parts).removesuffix(".__init__")
        while True:
            path.write_bytes(wrong)
            try:
                status, output = self.run(module, tests)
            finally:
                path.write_bytes(source)
            if status in (0, NO_TESTS, NOT_IMPORTED):
                return Answer(change, status != NOT_IMPORTED, "", diff)
            failed = FAILED.search(output)
            by = failed[1] if failed else f"exit status {status}"
            if not failed or by in self.unsound or self._passes(module, by):
                return Answer(change, True, by, diff)
            self.unsound.add(by)

    def _passes(self, module: str, test: str) -> bool:
        if test not in self.sound and self.run(module, [test])[0] == 0:
            self.sound.add(test)
        return test in self.sound

    def close(self) -> None:
        """End the process, and the tests that it runs."""
        self.process.terminate()
        self.process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each change, what noticed it, and the share; return 1 where one went unnoticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="What the tests would not notice.")
    parser.add_argument("--seed", type=int, required=True, help="which changes are drawn")
    parser.add_argument("--changes", type=int, required=True, help="how many that import")
    parser.add_argument("--modules", nargs="+", default=NUMERICAL, metavar="GLOB", help="files that are changed")
    parser.add_argument("--without", nargs="+", default=(), metavar="GLOB", help="test files that are not run")
    asked = parser.parse_args(arguments)
    covered = covering(ROOT, modules())
    tests = {  # by the file that is changed
        path.relative_to(ROOT).as_posix(): [t for t in covered[name] if not any(fnmatch(t, g) for g in asked.without)]
        for name, path in modules().items()
        if is_numerical(path, asked.modules)
    }
    found = [change for path in tests for change in changes(path, (ROOT / path).read_bytes())]
    print(f"{len(found)} changes of {len(tests)} modules", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copy goes
    noticed: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    left_out = 0
    with scratch(ROOT) as copy:
        asker = Tests(copy)
        try:
            for change in sample(found, asked.seed):
                answer = asker.ask(change, tests[change.path])
                if not answer.counted:
                    left_out += 1
                    continue
                all_[change.kind] += 1
                noticed[change.kind] += bool(answer.noticed_by)
                place = f"{change.kind:10} {change.path}:{change.line}"
                if answer.noticed_by:
                    print(f"noticed    {place} by {answer.noticed_by}", flush=True)
                else:
                    print(f"UNNOTICED  {place}\n{answer.diff}", flush=True)
                if all_.total() >= asked.changes:
                    break
        finally:
            asker.close()
    for test in sorted(asker.unsound):
        print(f"fails without any change: {test}")
    for kind in sorted(all_):
        print(f"{kind:10} {noticed[kind]:4} of {all_[kind]}")
    total, seen = all_.total(), noticed.total()
    print(f"noticed {seen} of {total} ({100 * seen / max(total, 1):.0f} %); {left_out} more do not import")
    return int(seen < total)


if __name__ == "__main__":
    sys.exit(main())
