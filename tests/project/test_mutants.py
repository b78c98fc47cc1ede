"""The command that asks which wrong changes no test notices, on a project of one function."""

import ast
import hashlib
import subprocess
from pathlib import Path

import pytest

from tests import mutants
from tests.changes import KINDS, Change, changes, sample

SOURCE = '''"""Doc: -1 + 2."""

UNITS = ("nats", "bits")


def half_sum(a, b, factor=0.5):
    """Return (a + b) / 2."""
    if a < 0:
        raise ValueError(f"{-a} is below 0")
    return factor * (a + b)
'''
TEST = """from tiny import half_sum


def test_half_sum() -> None:
    assert half_sum(4, 2) == 3
"""


MORE = ("(1, 3, 1000, 0.5)", "(0, 4, 1000, 0.5)", "(0, 3, 2000, 0.5)", "(0, 3, 1000, 1.0)")


def made(source: str, kind: str) -> list[str]:
    """The changed lines of a source, by all changes of one kind."""
    found = [c.made(source.encode()).decode() for c in changes("x.py", source.encode()) if c.kind == kind]
    return [new for text in found for old, new in zip(source.split("\n"), text.split("\n"), strict=True) if old != new]


@pytest.mark.parametrize(
    ("kind", "source", "wrong"),
    [
        ("sign", "y = -x", ["y = x"]),
        ("sign", "y = a + b * c", ["y = (a - b * c)", "y = a + (b / c)"]),
        ("dropped", "y = a * (b + c)", ["y = a", "y = (b + c)", "y = a * (b)", "y = a * (c)"]),
        ("dropped", "y = x.exp() + math.sqrt(z)", ["y = x.exp()", "y = math.sqrt(z)", "y = x + math.sqrt(z)"]),
        ("comparison", "y = a >= b", ["y = (a > b)", "y = (a <= b)"]),
        ("condition", "y = a and b", ["y = b", "y = a"]),
        ("condition", "y = a if c else b", ["y = (b if c else a)"]),
        ("axis", "y = x.sum(1) + f(x, dim=-1)", ["y = x.sum(0) + f(x, dim=-1)", "y = x.sum(1) + f(x, dim=0)"]),
        ("constant", "y = (0, 3, 1000, 0.5)", [f"y = {t}" for t in MORE]),
        ("constant", "y = True", ["y = False"]),
        ("arguments", "y = f(a, b, c=d)", ["y = f(b, a, c=d)"]),
        ("arguments", "y = max(a, b)", []),
        ("arguments", "y = f(a, a)", []),
        ("seed", "y = g(seed) + h(generator=g)", ["y = g(0) + h(generator=g)", "y = g(seed) + h(generator=None)"]),
        ("direction", 'y = "lower", min(a)', ["y = 'higher', min(a)", 'y = "lower", max(a)']),
        ("direction", "y = b.argmax(0)", ["y = b.argmin(0)"]),
        ("strings", 'T = ("a", "b")', ["T = ('b', 'a')"]),
        ("strings", 'T = f("k=1"), g("k=2")', ["T = f('k=2'), g(\"k=2\")", "T = f(\"k=1\"), g('k=1')"]),
        ("strings", 'def f():\n    return ("a", "b")', []),
    ],
)
def test_a_kind_of_change_is_what_it_says(kind: str, source: str, wrong: list[str]) -> None:
    found = made(source, kind)
    assert set(wrong) <= set(found) if kind == "dropped" else sorted(found) == sorted(wrong)


def test_what_is_no_number_stays() -> None:
    found = changes("tiny.py", SOURCE.encode())
    assert {c.line for c in found} == {3, 6, 8, 10}  # neither documents nor messages
    assert {c.kind for c in found} <= KINDS.keys()
    for change in found:
        assert ast.dump(ast.parse(change.made(SOURCE.encode()))) != ast.dump(ast.parse(SOURCE))


def test_a_change_after_letters_beyond_ascii_is_in_its_place() -> None:
    assert made('λ = "±", a + b  # ≤', "sign") == ['λ = "±", (a - b)  # ≤']


def test_a_sample_is_a_function_of_its_seed_and_takes_every_change_once() -> None:
    found = changes("tiny.py", SOURCE.encode())
    orders = [list(sample(found, seed)) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[2], key=repr) == sorted(found, key=repr)


def test_tests_that_cover_a_module_are_its_mirror_and_those_that_import_it() -> None:
    covered = mutants.covering(mutants.ROOT, mutants.modules())
    assert covered["report.statistics"][0] == "tests/report/test_statistics.py"
    assert "tests/report/tables/test_columns.py" in covered["report.tables.columns"]
    assert "tests/bench/metrics/test_directions.py" in covered["bench.metrics.registry.labels"]
    assert covered["bench.samplers.draws"] == ["tests/bench/test_samplers.py"]
    numerical = [name for name, path in mutants.modules().items() if mutants.is_numerical(path)]
    assert numerical and all(covered[name] for name in numerical)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with one module and one test, and a file that Git ignores."""
    root = tmp_path / "project"
    (root / "tests").mkdir(parents=True)
    files = {"tiny.py": SOURCE, "tests/test_tiny.py": TEST, ".gitignore": "big\n", "big": "left out"}
    files["pytest.ini"] = "[pytest]\naddopts = --import-mode=importlib\n"
    for name, text in files.items():
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def test_a_survivor_is_reported_and_the_tree_left_as_it_was(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def state() -> dict[str, str]:
        files = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def change(old: str, new: str, kind: str) -> Change:
        start = SOURCE.encode().index(old.encode())
        line = SOURCE[:start].count("\n") + 1
        return Change("tiny.py", line, kind, start, start + len(old.encode()), new)

    before = state()
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    with mutants.scratch(project) as copy:
        assert not (copy / "big").exists() and (copy / "tiny.py").read_text() == SOURCE
        asker = mutants.Tests(copy, libraries=["pytest"], limit=120)
        answers = [
            asker.ask(wrong, ["tests/test_tiny.py"])
            for wrong in (
                change("a + b)\n", "a - b)\n", "sign"),
                change("a < 0", "a <= 0", "comparison"),
                change('UNITS = ("nats", "bits")', "UNITS = absent", "strings"),
            )
        ]
        asker.close()
        assert (copy / "tiny.py").read_text() == SOURCE
    noticed, survivor, broken = answers
    assert noticed.counted and noticed.noticed_by == "tests/test_tiny.py::test_half_sum"
    assert survivor.counted and not survivor.noticed_by
    assert "-    if a < 0:\n+    if a <= 0:\n" in survivor.diff
    assert not broken.counted
    assert state() == before and not copy.exists()
