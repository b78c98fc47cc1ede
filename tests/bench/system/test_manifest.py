"""Files that are whole or absent, and sums by which a damaged finished run is known."""

import json
import logging
import os
from pathlib import Path

import pytest
from faulty_runs import carried_out, cells_of, digest_of, runs_of

from bench.runs import remaining
from bench.storage import store
from bench.study.run import Run
from bench.system import files, manifest

pytestmark = pytest.mark.usefixtures("own_registries")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    folder = tmp_path_factory.mktemp("finished")
    (run,) = runs_of(["VAE"], folder, "epochs=1")
    assert carried_out("in-process", [[run]], folder) == {"VAE/0": "done"}
    return folder, run


def flipped(path: Path) -> bytes:
    """Flip one bit in the middle of a file and return what it was."""
    before = path.read_bytes()
    changed = bytearray(before)
    changed[len(before) // 2] ^= 1
    path.write_bytes(bytes(changed))
    return before


def test_the_manifest_names_every_file_of_a_finished_run(finished: tuple[Path, Run]) -> None:
    folder, run = finished
    stored = json.loads((folder / "runs" / run.id / manifest.NAME).read_text())
    assert {"run.json", "record.json", "trained.json", "model/model.pt", "arrays.npz"} <= stored["files"].keys()
    assert "digest.json" in stored["digest"]
    there = {p.relative_to(folder / "runs" / run.id).as_posix() for p in (folder / "runs" / run.id).rglob("*")}
    assert there - stored["files"].keys() == {"model", manifest.NAME}  # nothing temporary is left
    assert store.damage(folder, run) == []


def test_one_flipped_bit_in_any_file_is_noticed_and_named(
    finished: tuple[Path, Run], caplog: pytest.LogCaptureFixture
) -> None:
    folder, run = finished
    stored = json.loads((folder / "runs" / run.id / manifest.NAME).read_text())
    places = {name: folder / "runs" / run.id / name for name in stored["files"]}
    places |= {f"digest/{name}": folder / "digests" / run.id / name for name in stored["digest"]}
    assert len(places) > 6
    for name, path in places.items():
        before = flipped(path)
        try:
            assert store.damage(folder, run) == [name]
            with caplog.at_level(logging.WARNING, "bench"):
                assert remaining.unfinished(folder, [run], force=False) == [run]
            if name != "record.json":  # which may no longer be JSON, or of this evaluation: then it is not finished
                assert run.id in caplog.text and name in caplog.text
            of_the_model = name == "trained.json" or name.startswith("model/")
            assert store.is_trained(folder / "runs" / run.id) != of_the_model
        finally:
            path.write_bytes(before)
            caplog.clear()
    assert remaining.unfinished(folder, [run], force=False) == []


def test_a_file_that_is_gone_is_damage_and_so_is_a_manifest_that_is(
    finished: tuple[Path, Run],
) -> None:
    folder, run = finished
    path = folder / "runs" / run.id / "arrays.npz"
    before = path.read_bytes()
    path.unlink()
    assert store.damage(folder, run) == ["arrays.npz"]
    path.write_bytes(before)
    known = (folder / "runs" / run.id / manifest.NAME).read_bytes()
    for spoilt, expected in ((b"{", [manifest.NAME]), (b"[]", [manifest.NAME]), (None, [manifest.NAME])):
        (folder / "runs" / run.id / manifest.NAME).write_bytes(spoilt or b"")
        if spoilt is None:
            (folder / "runs" / run.id / manifest.NAME).unlink()
        assert store.damage(folder, run) == expected and not store.is_trained(folder / "runs" / run.id)
    (folder / "runs" / run.id / manifest.NAME).write_bytes(known)


def test_a_damaged_model_is_trained_anew_and_gives_the_same_cells(finished: tuple[Path, Run]) -> None:
    folder, run = finished
    cells = cells_of(folder, run)
    before = flipped(folder / "runs" / run.id / "model" / "model.pt")
    for each in remaining.unfinished(folder, [run], force=False):
        store.withdraw(folder, each)
    assert carried_out("in-process", [[run]], folder) == {"VAE/0": "done"}
    assert (folder / "runs" / run.id / "model" / "model.pt").read_bytes() == before
    assert cells_of(folder, run) == cells and store.damage(folder, run) == []


def test_a_record_is_the_last_of_a_run_to_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write = files.write_whole
    for module in ("bench.storage.store", "bench.system.manifest"):
        monkeypatch.setattr(f"{module}.write_whole", lambda path, data: written.append(path.name) or write(path, data))
    (run,) = runs_of(["VAE"], tmp_path, "epochs=1")
    carried_out("in-process", [[run]], tmp_path)
    assert written.index("trained.json") == written.index(manifest.NAME) + 1
    assert written[-3:] == ["digest.json", manifest.NAME, "record.json"]


def test_what_cannot_be_written_leaves_the_file_as_it_was_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    files.write_whole(path, b"before")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_whole(path, b"after")
    assert [p.name for p in tmp_path.iterdir()] == ["file"] and path.read_bytes() == b"before"


def test_strict_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        store.write_json(tmp_path / "file.json", {"value": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    for turn in ("first", "second"):
        partial = tmp_path / "made.partial"
        partial.mkdir()
        (partial / turn).write_text(turn)
        files.replace_folder(partial, tmp_path / "made")
        assert [p.name for p in tmp_path.iterdir()] == ["made"]
        assert [p.name for p in (tmp_path / "made").iterdir()] == [turn]


def test_a_digest_says_which_code_trained_it(finished: tuple[Path, Run]) -> None:
    code = digest_of(*finished)["provenance"]["code"]
    assert len(code) == 10 and int(code, 16) >= 0
