"""What killed processes left is removed by the next call, and nothing else is."""

from pathlib import Path

import pytest
from faulty_runs import carried_out, digest_of, runs_of

from bench.storage import leftovers, store
from bench.training.checkpoint import Checkpoints

pytestmark = pytest.mark.usefixtures("own_registries")


def test_what_was_not_finished_goes_and_what_was_stays(tmp_path: Path) -> None:
    left = (
        *("suite.json.0a1b2c3d.partial", "runs/plan.json.0a1b2c3d.partial", "runs/a/record.json.0a1b2c3d.partial"),
        *("runs/a/states/000001.pt.0a1b2c3d.partial", "runs/a/model.partial/model.pt", "runs/a/digest.partial/x.png"),
        *("runs/a/digest.partial.old/digest.json", "runs/a/model.partial.old/model.pt"),
        *("digests/a/digest.json.0a1b2c3d.partial",),
    )
    kept = (
        *("suite.json", "runs/plan.json", "runs/a/record.json", "runs/a/states/000001.pt", "runs/a/model/model.pt"),
        *("table.md.123.partial", "lock.json", "lock.json.0a1b2c3d.partial", "digests/a/digest.json"),
    )
    for name in (*left, *kept):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "file").touch()
    (tmp_path / "runs" / "link.partial").symlink_to(outside)
    leftovers.remove(tmp_path)
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} == {*kept, "elsewhere/file"}
    assert not (tmp_path / "runs" / "link.partial").is_symlink() and (outside / "file").exists()
    assert not any("partial" in p.name for p in (tmp_path / "runs").rglob("*"))


@pytest.mark.parametrize(("status", "stays"), [("done", False), ("diverged", False), ("failed", True), ("todo", True)])
def test_states_of_trainings_that_ended_go(tmp_path: Path, status: str, stays: bool) -> None:
    for name in ("one", "two"):
        ended = "done" if name == "one" else status
        store.write_json(tmp_path / "runs" / name / "record.json", {"status": ended, "evaluation_id": None})
    states = [tmp_path / "runs" / name for name in ("two/states", "together-x")]
    for folder in states:
        Checkpoints(folder).save({})
    store.write_json(states[1] / "members.json", ["one", "two"])
    leftovers.remove(tmp_path)
    assert [folder.exists() for folder in states] == [stays, stays]
    assert (tmp_path / "runs" / "two" / "record.json").exists()


def test_a_run_that_was_killed_between_training_and_the_removal_of_its_states_loses_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = runs_of(["VAE"], tmp_path)
    states = tmp_path / "runs" / run.id / "states"

    def killed(self: Checkpoints) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checkpoints, "clear", killed)
        carried_out("in-process", [[run]], tmp_path)
    assert list(states.glob("*.pt"))
    assert set(carried_out("in-process", [[run]], tmp_path).values()) == {"done"}
    assert not states.exists() and digest_of(tmp_path, run)["status"] == "done"
