"""A call that leaves nothing to do is not planned again, until something is not as it was."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.errors import BadInput
from bench.run import main
from tests.bench.run.test_startup import ROOT, answer

Call = list[str]
WORDS = ["--preset", "small", "--models", "VAE/stock", "--json"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finish a call by packed runs alone."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "digits").mkdir()
    for name in ("suite.json", "digests.jsonl"):
        shutil.copy(ROOT / "results" / "digits" / name, folder / "digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("report.figures.registry.draw_figures", lambda *_: [])
        assert main(["--results", str(folder), *WORDS]) == 0
    return folder


@pytest.fixture
def finished(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return the call, in a copy of its folder, where planning is an error."""

    def planned(*_: object, **__: object) -> None:
        raise BadInput("planned")

    monkeypatch.setattr("bench.study.suite.expand", planned)
    shutil.copytree(made, tmp_path / "results")
    return ["--results", str(tmp_path / "results"), *WORDS]


def test_it_says_the_same_without_a_plan_and_writes_nothing(finished: Call, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(finished[1])
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert main(finished) == 0
    first = capsys.readouterr()
    assert "0 runs, 3 finished before and skipped" in first.err and "VAE, stock" in first.err
    end = f"3 of 3 runs done; table: {folder / 'digits' / 'table.md'}; page: {folder / 'index.html'}"
    assert first.err.splitlines()[-1] == end
    assert [run["status"] for run in json.loads(first.out)] == ["done"] * 3
    code, text, packages = answer(*finished)
    assert (code, text) == (0, first.out.rstrip())
    assert not packages & {"pythae", "matplotlib", "torch", "sklearn", "pandas"}
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


CHANGES: dict[str, Callable[[Call, pytest.MonkeyPatch], Call]] = {
    "a table": lambda call, _: (Path(call[1], "digits", "table.md").write_text("other"), call)[1],
    "a digest": lambda call, _: (Path(call[1], "digits", "digests.jsonl").write_text(""), call)[1],
    "another file": lambda call, _: (Path(call[1], "digits", "lock.json").write_text("{}"), call)[1],
    "seeds": lambda call, _: [*call, "--seeds", "0,1,2,3"],
    "force": lambda call, _: [*call, "--force"],
    "images": lambda call, patch: (
        patch.setattr("bench.data.load", lambda *_, **__: SimpleNamespace(sha256="other")), call)[1],
    "code": lambda call, patch: (patch.setattr("bench.run.again._code", lambda: "other"), call)[1],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_as_it_was_is_planned_again(
    change: str, finished: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(CHANGES[change](finished, monkeypatch)) == 2
    assert "bench: planned" in capsys.readouterr().err
