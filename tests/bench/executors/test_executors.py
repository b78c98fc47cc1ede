"""Executors: the same numbers wherever runs are carried out, and one run's fault is no other's."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from faulty_runs import carried_out, cells_of, digest_of, runs_of, work_of

from bench.errors import BadInput
from bench.executors import ATTEMPTS, EXECUTORS, Resources, default_workers, in_process, resolve, workers
from bench.executors.attempts import Attempts
from bench.executors.workers import surroundings
from bench.runs.execute import CRASH
from bench.storage import store
from bench.study.run import Run
from bench.system import accelerator
from bench.system.memory import out_of_memory

pytestmark = pytest.mark.usefixtures("own_registries")
ROOT = Path(__file__).parents[3]
HOW = "killed by signal 9 (SIGKILL)"


@pytest.fixture
def attempts(tmp_path: Path) -> Attempts:
    runs = runs_of(["VAE", "IWAE", "BetaVAE"], tmp_path)
    heard: list[tuple[str, str]] = []
    made = Attempts([runs[:2], runs[2:]], work_of(tmp_path), lambda *_: None, lambda r, s: heard.append((r.row, s)))
    made.heard = heard  # type: ignore[attr-defined]
    return made


def test_every_executor_resolves() -> None:
    assert list(EXECUTORS) == ["in-process", "workers", "dask"]
    assert all(callable(resolve(name)) for name in EXECUTORS)


# An accelerator that is lost


def test_a_worker_that_lost_its_accelerator_ends_after_its_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs_of(["VAE"], tmp_path)[0]
    monkeypatch.setattr(workers, "carry_out_job", lambda job, work, update, finished: finished(job[0], "failed"))
    monkeypatch.setattr(workers, "_end_with_parent", lambda: None)
    monkeypatch.setattr(workers.signal, "signal", lambda *_: None)
    monkeypatch.setattr(accelerator, "lost", lambda: True)
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    here, there = multiprocessing.Pipe()
    here.send([run])
    workers._serve(there, work_of(tmp_path))
    there.close()
    assert [here.recv() for _ in range(3)] == [("ready",), ("finished", run.id, "failed"), ("end",)]
    with pytest.raises(EOFError):
        here.recv()


def test_this_process_stops_where_its_accelerator_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, done = runs_of(["VAE", "IWAE"], tmp_path), []
    monkeypatch.setattr(in_process, "carry_out_job", lambda job, *_: done.append(job) or {})
    monkeypatch.setattr(accelerator, "lost", lambda: True)
    with pytest.raises(BadInput, match="the same command goes on"):
        in_process.carry_out([[run] for run in runs], work_of(tmp_path), Resources(), *(lambda *_: None,) * 2)
    assert len(done) == 1 and not accelerator.torch.cuda.is_initialized()


def test_float32_keeps_all_its_bits() -> None:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    accelerator.exact_float32()
    assert not torch.backends.cuda.matmul.allow_tf32 and not torch.backends.cudnn.allow_tf32


# How often


def test_a_job_whose_worker_died_waits_behind_the_others(attempts: Attempts) -> None:
    first = attempts.waiting.popleft()
    attempts.lost(first, HOW)
    assert [len(job) for job in attempts.waiting] == [1, 2]
    assert attempts.waiting[-1] == first
    assert attempts.statuses == {}


def test_a_group_that_ends_its_workers_is_cut_into_runs_and_only_the_one_at_fault_fails(attempts: Attempts) -> None:
    group = attempts.waiting.popleft()
    attempts.waiting.clear()
    for _ in range(ATTEMPTS):
        attempts.lost(group, HOW)
        job = attempts.waiting.pop() if len(attempts.waiting) == 1 else None
        assert job in (group, None)
    assert list(attempts.waiting) == [(run,) for run in group]
    for _ in range(ATTEMPTS):
        attempts.lost(group[:1], HOW)
    assert attempts.statuses == {group[0].id: "failed"}
    assert attempts.heard == [("VAE", "failed")]  # type: ignore[attr-defined]


def test_a_run_given_up_is_stored_as_failed_with_what_was_heard_last_and_what_to_try(
    attempts: Attempts, tmp_path: Path
) -> None:
    (run,) = job = attempts.waiting.pop()
    attempts.update(run.id, "epoch 2/3")
    for _ in range(ATTEMPTS):
        attempts.lost(job, HOW)
    stored = digest_of(tmp_path, run)
    assert stored["status"] == "failed"
    for part in (HOW, "3 times", "epoch 2/3", "--set batch_size=32"):
        assert part in stored["reason"]
    assert {m["status"] for m in stored["measurements"]} == {"failed"}
    assert stored["reason"] in (tmp_path / "runs" / run.id / "traceback.txt").read_text()
    assert not store.is_done(tmp_path, run)  # a later call tries again


def test_what_a_dead_worker_had_finished_is_not_done_again(attempts: Attempts, tmp_path: Path) -> None:
    group = attempts.waiting.popleft()
    store.write_digest(tmp_path, group[0], {"status": "done", "reason": None})
    record = {"status": "done", "evaluation_id": group[0].evaluation_id}
    store.seal(tmp_path / "runs" / group[0].id, "record.json", record)
    attempts.lost(group, HOW)
    assert attempts.statuses == {group[0].id: "done"}


# The threads and the accelerators


def test_workers_share_one_budget_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    for number in (1, 2, 3, 8, 20):
        threads = int(surroundings(0, number)["OMP_NUM_THREADS"])
        assert threads == max(1, 8 // number)


def test_accelerators_are_dealt_out_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [surroundings(i, 3)["CUDA_VISIBLE_DEVICES"] for i in range(3)] == ["0", "1", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    assert [surroundings(i, 2)["CUDA_VISIBLE_DEVICES"] for i in range(2)] == ["5", "7"]
    assert default_workers(10) == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an accelerator here")
@pytest.mark.parametrize("executor", ["in-process", "workers"])
def test_an_accelerator_that_is_not_here_is_refused_with_what_is(executor: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=rf"--gpu: .*{os.cpu_count()} cores"):
        carried_out(executor, [runs_of(["VAE"], tmp_path)], tmp_path, gpu=True)


# Memory


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            True,
        ),
        (RuntimeError("shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_memory_was_short(error: Exception, short: bool) -> None:
    assert out_of_memory(error) == short


def test_out_of_memory_is_a_status_with_half_the_batch_size_and_no_other_run_is_touched(tmp_path: Path) -> None:
    runs = runs_of(["Hungry", "VAE"], tmp_path, "batch_size=48")
    found = carried_out("in-process", [[run] for run in runs], tmp_path)
    assert found == {"Hungry/0": "oom", "VAE/0": "done"}
    stored = digest_of(tmp_path, runs[0])
    assert "try --set batch_size=24" in stored["reason"]
    assert {m["status"] for m in stored["measurements"]} == {"oom"}
    assert not store.is_done(tmp_path, runs[0])


# Processes


@pytest.fixture
def threads_of_one_in_two() -> Iterator[None]:
    """Give this process as many threads as each of two workers has: sums depend on their number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(int(surroundings(0, 2)["OMP_NUM_THREADS"]))
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("threads_of_one_in_two")
def test_workers_that_are_killed_are_replaced_and_a_poison_run_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_FAULT_FLAG", str(tmp_path / "flag"))
    runs = runs_of(["VAE", "Killer", "KilledOnce", "Crasher", "IWAE"], tmp_path)
    found = carried_out("workers", [[run] for run in runs], tmp_path / "two", workers=2)
    assert found == {
        "VAE/0": "done",
        "Killer/0": "failed",
        "KilledOnce/0": "done",
        "Crasher/0": "failed",
        "IWAE/0": "done",
    }
    assert "SIGKILL" in digest_of(tmp_path / "two", runs[1])["reason"]
    folder = tmp_path / "two" / "runs" / runs[3].id
    assert "SIGSEGV" in digest_of(tmp_path / "two", runs[3])["reason"]
    assert "in fault" in (folder / "traceback.txt").read_text()
    assert not (folder / CRASH).exists()
    good = [run for run in runs if run.row in ("VAE", "KilledOnce", "IWAE")]
    assert set(carried_out("in-process", [[run] for run in good], tmp_path / "one").values()) == {"done"}
    for run in good:  # KilledOnce found the flag: nothing happened to it here
        assert cells_of(tmp_path / "two", run) == cells_of(tmp_path / "one", run)


@pytest.mark.slow
def test_what_finished_raises_stops_the_workers_and_propagates(tmp_path: Path) -> None:
    runs = runs_of(["VAE"], tmp_path, "epochs=1", seeds=range(6))

    def stop(run: Run, status: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve("workers")([[run] for run in runs], work_of(tmp_path), Resources(workers=2), lambda *_: None, stop)
    assert sum(store.is_done(tmp_path, run) for run in runs) < 6


ORPHANS = """
import os, sys, threading, time
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from faulty_runs import runs_of, carried_out
import multiprocessing
def tell():
    while not any(folder.glob("runs/*/worker.json")) or len(multiprocessing.active_children()) < 2:
        time.sleep(0.1)
    print(*[child.pid for child in multiprocessing.active_children()], flush=True)
folder = Path({folder!r})
if __name__ == "__main__":
    threading.Thread(target=tell, daemon=True).start()
    runs = runs_of(["VAE"], folder, "epochs=100000", seeds=(0, 1))
    carried_out("workers", [[run] for run in runs], folder, workers=2)
"""


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "coordinator.py"
    tests = str(ROOT / "tests" / "helpers")
    script.write_text(ORPHANS.format(root=str(ROOT), tests=tests, folder=str(tmp_path)))
    child = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    pids = [int(pid) for pid in child.stdout.readline().split()]
    assert len(pids) == 2
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
