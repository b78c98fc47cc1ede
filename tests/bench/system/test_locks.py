"""One coordinator a folder: who holds it is named, and a dead one's lock is no obstacle."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from faulty_runs import runs_of

from bench.errors import BadInput
from bench.storage import heartbeat
from bench.system import locks, processes
from bench.system.processes import is_alive, this_process

pytestmark = pytest.mark.usefixtures("own_registries")
ROOT = Path(__file__).parents[3]
HOLDER = """
import sys, time
from pathlib import Path
from bench.system import locks
with locks.hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Return a process that holds a folder."""
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    return child


def rewrite(folder: Path, **changes: Any) -> None:
    """Change what a lock says of its owner."""
    path = folder / locks.NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_second_is_refused_and_told_who_holds_the_folder_and_since_when(tmp_path: Path) -> None:
    child = holder(tmp_path)
    try:
        found = locks.owner(tmp_path)
        assert found is not None and found["pid"] == child.pid
        with pytest.raises(BadInput) as refused, locks.hold(tmp_path):
            pass
        for part in (str(child.pid), found["host"], found["since"], str(tmp_path)):
            assert part in str(refused.value)
    finally:
        child.kill()
        child.wait()


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    child = holder(tmp_path)
    child.kill()
    child.wait()
    assert (tmp_path / locks.NAME).exists() and locks.owner(tmp_path) is None
    with locks.hold(tmp_path) as token:
        assert locks.is_held(tmp_path, token)
    assert not list(tmp_path.iterdir())


def test_a_process_with_the_number_of_the_dead_one_is_another(tmp_path: Path) -> None:
    with locks.hold(tmp_path):
        about = this_process()
        assert is_alive(about) is True
        assert is_alive(about | {"started": "1"}) is (about["started"] is None)
        rewrite(tmp_path, started="1")
        assert locks.owner(tmp_path) is None


def test_another_machine_is_believed_alive_while_its_lock_is_renewed(tmp_path: Path) -> None:
    path = tmp_path / locks.NAME
    path.write_text(json.dumps(this_process() | {"place": "elsewhere", "host": "far", "since": "then", "token": "t"}))
    with pytest.raises(BadInput, match="on far since then"), locks.hold(tmp_path):
        pass
    silent = time.time() - locks.STALE - 5
    os.utime(path, (silent, silent))
    with locks.hold(tmp_path) as token:
        assert locks.is_held(tmp_path, token)


def test_a_holder_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT", 0.02)
    with locks.hold(tmp_path):
        os.utime(tmp_path / locks.NAME, (1, 1))
        deadline = time.monotonic() + 10
        while (tmp_path / locks.NAME).stat().st_mtime == 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (tmp_path / locks.NAME).stat().st_mtime > 1


def test_a_lock_that_is_being_written_is_waited_for_and_a_torn_old_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / locks.NAME
    path.write_text('{"host": "f')
    with pytest.raises(BadInput, match="just starting"), locks.hold(tmp_path):
        pass
    os.utime(path, (1, 1))
    with locks.hold(tmp_path):
        pass


ODD = [
    {"pid": "12"}, {"pid": 2**70}, {"pid": 0}, {"pid": True}, {"pid": None}, {"token": "../x"}, {"token": 3},
    {"place": []}, {"host": None}, {"started": 3}, {"since": {}},
]  # fmt: skip


@pytest.mark.parametrize(
    "changes", [*ODD, "[" * 100_000, "[]", "null", "3", '"x"', "\udcff"], ids=lambda x: repr(x)[:30]
)
def test_a_lock_of_odd_contents_is_taken_for_torn(tmp_path: Path, changes: dict[str, Any] | str) -> None:
    path = tmp_path / locks.NAME
    good = this_process() | {"since": "then", "token": "a" * 32}
    text = changes if isinstance(changes, str) else json.dumps(good | changes)
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert locks.owner(tmp_path) is None
    with pytest.raises(BadInput, match="just starting"), locks.hold(tmp_path):
        pass
    os.utime(path, (1, 1))
    with locks.hold(tmp_path) as token:
        assert locks.is_held(tmp_path, token)
    assert not list(tmp_path.iterdir())


def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / locks.NAME)
    os.utime(tmp_path / locks.NAME, (1, 1))
    with locks.hold(tmp_path) as token:
        assert locks.is_held(tmp_path, token)


def test_the_lock_in_a_copy_of_a_held_folder_is_no_ones_and_in_a_moved_one_its_owners(tmp_path: Path) -> None:
    (tmp_path / "held").mkdir()
    with locks.hold(tmp_path / "held") as token:
        shutil.copytree(tmp_path / "held", tmp_path / "copy")
        (tmp_path / "link").symlink_to("held")
        assert locks.owner(tmp_path / "copy") is None
        with locks.hold(tmp_path / "copy") as other:
            assert locks.is_held(tmp_path / "copy", other)
        assert locks.is_held(tmp_path / "held", token)
        with pytest.raises(BadInput, match="in use"), locks.hold(tmp_path / "link"):
            pass
        os.replace(tmp_path / "held", tmp_path / "moved")
        with pytest.raises(BadInput, match="in use"), locks.hold(tmp_path / "moved"):
            pass


@pytest.mark.parametrize("far", [json.dumps({"place": "elsewhere"}), "{"], ids=["another machine's", "torn"])
def test_a_lock_from_before_the_clock_was_set_back_is_stale(tmp_path: Path, far: str) -> None:
    path = tmp_path / locks.NAME
    about = this_process() | {"host": "far", "since": "then", "token": "t"}
    path.write_text(json.dumps(about | json.loads(far)) if far != "{" else far)
    ahead = time.time() + 10 * locks.STALE
    os.utime(path, (ahead, ahead))
    assert locks.owner(tmp_path) is None
    with locks.hold(tmp_path) as token:
        assert locks.is_held(tmp_path, token)


def test_of_many_at_once_one_has_the_folder(tmp_path: Path) -> None:
    (tmp_path / locks.NAME).write_text(
        json.dumps(
            {"host": "h", "place": processes._place(), "pid": 2**22 + 1, "started": "0", "since": "", "token": ""}
        )
    )
    had, refused, start, over = [], [], threading.Barrier(8), threading.Event()

    def take() -> None:
        start.wait()
        try:
            with locks.hold(tmp_path) as token:
                had.append(token)
                over.wait(60)
        except BadInput as error:
            refused.append(str(error))
            if len(refused) == 7:
                over.set()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(had), len(refused)) == (1, 7)


def test_one_whose_folder_was_taken_stops(tmp_path: Path) -> None:
    with locks.hold(tmp_path) as token:
        locks.check(tmp_path, token)
        rewrite(tmp_path, token="another")
        with pytest.raises(locks.Taken, match="no longer held"):
            locks.check(tmp_path, token)
    assert (tmp_path / locks.NAME).exists()  # which is another's
    assert not issubclass(locks.Taken, Exception)


def test_a_worker_says_what_it_does_and_stops_when_its_run_is_given_to_another(tmp_path: Path) -> None:
    (run,) = runs_of(["VAE"], tmp_path)
    heard: list[str] = []
    first, second = (heartbeat.Heartbeat(tmp_path, None, lambda run, doing: heard.append(doing)) for _ in range(2))
    folder = tmp_path / "runs" / run.id
    assert heartbeat.running(folder) is None
    first.progress(run, "epoch 1/3")
    found = heartbeat.running(folder)
    assert found is not None and (found["doing"], found["pid"]) == ("epoch 1/3", os.getpid())
    second.progress(run, "training")
    with pytest.raises(locks.Taken, match=f"carried out by process {os.getpid()}"):
        first.check(run)
    second.end(run)
    assert heartbeat.running(folder) is None
    assert heard == ["epoch 1/3", "training"]


def test_what_a_dead_process_said_it_does_is_not_believed(tmp_path: Path) -> None:
    (run,) = runs_of(["VAE"], tmp_path)
    said = heartbeat.Heartbeat(tmp_path, None, lambda *_: None)
    said.about["started"] = "1"
    said.progress(run, "epoch 1/3")
    assert heartbeat.running(tmp_path / "runs" / run.id) is None


@pytest.mark.parametrize("changes", [c for c in ODD if not c.keys() & {"token", "since"}], ids=repr)
def test_what_no_process_says_is_not_believed(tmp_path: Path, changes: dict[str, Any]) -> None:
    (run,) = runs_of(["VAE"], tmp_path)
    first = heartbeat.Heartbeat(tmp_path, None, lambda *_: None)
    first.progress(run, "epoch 1/3")
    path = tmp_path / "runs" / run.id / heartbeat.NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {"claim": "another's"} | changes))
    assert heartbeat.running(path.parent) is None
    first.check(run)


def test_a_second_call_of_the_command_line_is_refused_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench.run import main

    folder = tmp_path / "digits"
    folder.mkdir()
    with locks.hold(folder):
        assert main(["--preset", "small", "--models", "VAE/bidirectional", "--results", str(tmp_path)]) == 2
        (said,) = capsys.readouterr().err.splitlines()
        assert f"{folder} is in use by process {os.getpid()} on " in said
        assert [path.name for path in folder.rglob("*") if path.is_file()] == [locks.NAME]
