"""What the rooms of the project look like: `python -m tests.rooms`. One room a folder; each says what it may import.

The first paragraph of a folder's `__init__` says what lives there. A line "May import: a, b." names what its files may
import of the project besides one another; a package's "Floors: a, b, …" gives the order of its rooms, the lowest
first, and none imports one above it.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("models", "bench", "report")
DATA = ("bench/suites", "bench/suites/base", "tests/cases")  # folders of data: any number of files
MOST_ENTRIES = 18
SETTINGS = ("clip_norm", "clip_value", "pct_start", "adam_beta1")  # of a training: each has one home


def modules() -> dict[str, Path]:
    """Return every module of the packages by dotted name; a package's name stands for its `__init__`."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imported(name: str, known: dict[str, Path]) -> set[str]:
    """Return the modules of the project that a module imports anywhere, in functions and for type checking too."""
    found = set()
    for node in ast.walk(ast.parse(known[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {
                f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in known else node.module for a in node.names
            }
    return {other for other in found if other in known and other != name}


def entries() -> dict[str, int]:
    """Return how many files and folders lie side by side in each folder of the packages and the tests."""
    paths = {path for path in tracked() if path.parts[0] in (*PACKAGES, "tests")}
    paths |= {parent for path in paths for parent in path.parents}
    count: dict[str, int] = {}
    for path in paths - {Path(".")}:
        count[path.parent.as_posix()] = count.get(path.parent.as_posix(), 0) + 1
    return {folder: n for folder, n in sorted(count.items()) if folder != "." and folder not in DATA}


def _named(doc: str, word: str) -> list[str] | None:
    """Return the names of the line that begins with "Floors:" or "May import:"; None where there is none."""
    line = re.search(rf"^{word}: (.*?)\.$", doc, re.MULTILINE | re.DOTALL)
    if line is None:
        return None
    return [] if line[1] == "nothing of the project" else [part.strip() for part in line[1].split(",")]


def _doc(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def against(known: dict[str, Path]) -> Iterator[str]:
    """Yield a line for each import that a room may not make, and for each room that does not say what it may."""
    for name, path in known.items():
        room = name if path.name == "__init__.py" else name.rpartition(".")[0]
        package = room.partition(".")[0]
        others = imported(name, known)
        if room != package:
            may = _named(_doc(known[room]), "May import")
            if path.name == "__init__.py" and (may is None or not _doc(path).strip()):
                yield f"{room} does not say what it holds and may import"
            for other in sorted(others):
                own = other == room or other.startswith(f"{room}.")
                foreign = other.partition(".")[0] != package
                if not own and not foreign and not _within(other, may or []):
                    yield f"{name} imports {other}, which {room} does not name"
        floors = [f"{package}.{floor}" for floor in _named(_doc(known[package]), "Floors") or []]
        if name == package or not floors:
            if not floors:
                yield f"{package} does not name its floors"
            continue
        place = _floor(name, floors)
        for other in sorted(others):
            if other.partition(".")[0] == package != other:
                if _floor(other, floors) > place:
                    yield f"{name} imports {other}, which is on a higher floor"
            elif other != package and not _may_cross(name, other):
                yield f"{name} imports {other}: packages point one way"
        if place < 0:
            yield f"{name} is on no floor of {package}"


def _within(module: str, rooms: list[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def _floor(module: str, floors: list[str]) -> int:
    return next((i for i, floor in enumerate(floors) if _within(module, [floor])), -1)


def _may_cross(name: str, other: str) -> bool:
    """models <- bench <- bench.run -> report."""
    return other.startswith("models") and name.startswith("bench") or _within(name, ["bench.run"])


def circles(known: dict[str, Path]) -> list[list[str]]:
    """Return the sets of modules that import one another in a circle (Tarjan's strong components)."""
    arrows = {name: imported(name, known) for name in known}
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in arrows[name]:
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in known:
        if name not in order:
            visit(name)
    return found


def tracked() -> list[Path]:
    """Return the files that git tracks, or would: those that are new and not ignored too."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted({Path(line) for line in listed.stdout.splitlines() if (ROOT / line).exists()})


def named(word: str, known: dict[str, Path]) -> list[str]:
    """Return the modules in which a word stands."""
    return [name for name, path in known.items() if re.search(rf"\b{word}\b", path.read_text())]


def main() -> int:
    """Print the figures; return 1 where a bound is not kept."""
    known = modules()
    text = "".join(path.read_text() for path in known.values())
    level, wrong, round_ = entries(), list(against(known)), circles(known)
    for folder, n in level.items():
        print(f"{n:4}  {folder}")
    print(f"most entries on a level: {max(level.values())} (at most {MOST_ENTRIES})")
    print("\n".join([f"imports against the direction: {len(wrong)}", *(f"  {line}" for line in wrong)]))
    print("\n".join([f"circles: {len(round_)}", *(f"  {', '.join(group)}" for group in round_)]))
    print(f"tracked files: {len(tracked())}")
    print(f"source lines: {text.count(chr(10))}")
    words = len(re.findall(r"\bAny\b", text))
    print(f"Any: {words}, type: ignore: {text.count('type: ignore')}")
    for setting in SETTINGS:
        print(f"files that name {setting}: {len(named(setting, known))}")
    return int(bool(wrong or round_ or max(level.values()) > MOST_ENTRIES))


if __name__ == "__main__":
    sys.exit(main())
