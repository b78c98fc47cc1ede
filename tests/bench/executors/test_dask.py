"""Dask: the same cells as in this process, whichever worker dies, and an error that names what there is."""

import asyncio
import csv
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from faulty_runs import TIMES, carried_out, cells_of, digest_of, runs_of, work_of

from bench.errors import BadInput
from bench.executors import Resources, dask_cluster, resolve
from bench.run import main
from bench.storage import store
from bench.study.run import Run

pytestmark = pytest.mark.usefixtures("own_registries")
ROOT = Path(__file__).parents[3]
pytest.importorskip("distributed", reason="the extra dask is not installed")
import dask  # noqa: E402

SOON = 0.5  # seconds; who answers does so in a few milliseconds
PAGES = ("/info/main/workers.html", "/json/identity.json", "/api/v1/get_workers", "/metrics", "/health")


@pytest.fixture(scope="module", autouse=True)
def surroundings() -> Iterator[None]:
    """The environment as it was: dask sets the threads of its workers in that of this process."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler with two workers, of one thread each."""
    from distributed import LocalCluster

    scratch = tmp_path_factory.mktemp("scratch")
    settings: dict[str, Any] = {"memory_limit": 0, "dashboard_address": "127.0.0.1:0", "worker_dashboard_address": None}
    with LocalCluster(2, threads_per_worker=1, host="127.0.0.1", local_directory=scratch, **settings) as cluster:
        yield cluster.scheduler_address


@contextmanager
def command(*words: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A `dask` command that runs meanwhile."""
    places = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    surroundings = os.environ | {"PYTHONPATH": places, "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen([sys.executable, "-m", "dask", *words], cwd=folder, env=surroundings)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def one_thread() -> dict[str, str]:
    return os.environ | {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}


# What is refused


@pytest.mark.parametrize(
    ("scheduler", "said"),
    [
        ("tcp://127.0.0.1:1", "no answer within 1 s"),
        ("nonsense://x:1", "nonsense"),
        ("slrum", "did you mean 'slurm'"),
        ("slurm", "jobqueue.yaml"),
    ],
)
def test_a_scheduler_that_cannot_be_had_is_one_clear_line(scheduler: str, said: str, tmp_path: Path) -> None:
    runs = runs_of(["VAE"], tmp_path)
    with pytest.raises(BadInput, match="--scheduler") as refused:
        carried_out("dask", [runs], tmp_path, scheduler=scheduler, wait=1)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_one_who_listens_and_says_nothing_is_an_error_and_no_hang(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        where = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(BadInput, match=f"--scheduler {where}: no answer within 1 s"):
            carried_out("dask", [runs_of(["VAE"], tmp_path)], tmp_path, scheduler=where, wait=1)


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(BadInput, match=r"pip install 'vae-bench\[dask\]'"),
        dask_cluster.connected(Resources(), tmp_path),
    ):
        pass


def test_another_version_of_the_scheduler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        def get_versions(self, check: bool) -> dict[str, Any]:
            def side(version: str) -> dict[str, Any]:
                return {"packages": {"distributed": version, "dask": version, "python": "3.11.7.final.0"}}

            return {"client": side("2026.8.0"), "scheduler": side("2024.5.0")}

    with pytest.raises(BadInput, match="its distributed is 2024.5.0, here it is 2026.8.0"):
        dask_cluster._refuse_other_versions(Old(), "tcp://x:1")


def test_no_worker_in_time_is_an_error_and_no_hang(tmp_path: Path) -> None:
    from distributed import Scheduler, SpecCluster

    runs = runs_of(["VAE"], tmp_path)
    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with SpecCluster(workers={}, scheduler={"cls": Scheduler, "options": options}) as cluster:
        with pytest.raises(BadInput, match="no Dask worker within 2 s at tcp://127.0.0.1"):
            carried_out("dask", [runs], tmp_path, scheduler=cluster.scheduler_address, wait=2)


def test_an_accelerator_that_no_worker_has_is_refused_with_what_they_have(address: str, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is an accelerator here")
    with pytest.raises(BadInput) as refused:
        carried_out("dask", [runs_of(["VAE"], tmp_path)], tmp_path, scheduler=address, gpu=True)
    assert str(refused.value).count("1 threads") == 2 and "no accelerator" in str(refused.value)


def test_workers_that_do_not_see_the_results_are_refused(address: str, tmp_path: Path) -> None:
    (run,) = runs_of(["VAE"], tmp_path)
    work = work_of(tmp_path, token="of a lock that is not there")
    with pytest.raises(BaseException, match="no longer held"):  # the coordinator itself looks first
        resolve("dask")([[run]], work, Resources(1, address), lambda *_: None, lambda *_: None)


def test_workers_of_other_code_are_refused(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.storage.code_version.version", lambda model: "other")
    with pytest.raises(BadInput, match="its source code of models and bench is .*, here it is other"):
        carried_out("dask", [runs_of(["VAE"], tmp_path)], tmp_path, scheduler=address)


# What is the same


def test_two_workers_give_the_cells_that_this_process_gives(address: str, tmp_path: Path) -> None:
    runs = runs_of(["VAE", "BetaVAE"], tmp_path, seeds=(0, 1))
    jobs = [runs[:2], *([run] for run in runs[2:])]  # one of two that train together
    for name, resources in (("dask", {"workers": 2, "scheduler": address}), ("in-process", {})):
        assert set(carried_out(name, jobs, tmp_path / name, **resources).values()) == {"done"}
    for run in runs:
        there, here = (cells_of(tmp_path / name, run) for name in ("dask", "in-process"))
        assert [cell[:2] for cell in there] == [cell[:2] for cell in here]
        # this process has run other tests before, which moves sums by a rounding; the slow test compares fresh ones
        assert [cell[2] for cell in there] == pytest.approx([cell[2] for cell in here], rel=1e-5)
        assert not (tmp_path / "dask" / "runs" / run.id / "worker.json").exists()
    assert not list((tmp_path / "dask" / "runs").glob("together-*"))


def test_out_of_memory_and_divergence_are_told_as_elsewhere(address: str, tmp_path: Path) -> None:
    runs = runs_of(["Hungry", "VAE"], tmp_path, "learning_rate=1e12")
    found = carried_out("dask", [[run] for run in runs], tmp_path, workers=2, scheduler=address)
    assert found == {"Hungry/0": "diverged", "VAE/0": "diverged"}
    runs = runs_of(["Hungry"], tmp_path)
    assert carried_out("dask", [runs], tmp_path, scheduler=address) == {"Hungry/0": "oom"}


@pytest.mark.slow
def test_a_cluster_of_its_own_listens_on_the_loopback_address_alone(tmp_path: Path) -> None:
    import psutil

    found: set[str] = set()

    def look(*_: Any) -> None:
        me = psutil.Process()
        for process in (me, *me.children(recursive=True)):
            found.update(c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN)

    runs = runs_of(["VAE"], tmp_path)
    assert resolve("dask")([runs], work_of(tmp_path), Resources(1), look, look) == {runs[0].id: "done"}
    assert found == {"127.0.0.1"}


def listening() -> set[int]:
    """Return every port on which this process or one that it started listens."""
    import psutil

    me = psutil.Process()
    found = [each for process in (me, *me.children(recursive=True)) for each in process.net_connections("inet")]
    return {each.laddr.port for each in found if each.status == psutil.CONN_LISTEN}


def answers(address: str, **known: Any) -> bool:
    """Whether who listens there takes up a conversation with one who connects with these credentials."""
    from distributed.comm import connect

    async def greeted() -> None:
        comm = await asyncio.wait_for(connect(address, timeout=SOON, **known), SOON)
        await comm.close()

    try:
        asyncio.run(greeted())
    except (OSError, TimeoutError):
        return False
    return True


def test_a_cluster_of_its_own_refuses_a_stranger_at_every_port(tmp_path: Path) -> None:
    """Any user of the machine can reach the loopback address, and would have code of theirs run here."""
    from distributed.security import Security

    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # speaks TLS and shows no certificate
    bare.check_hostname, bare.verify_mode = False, ssl.CERT_NONE
    strangers: list[tuple[str, dict[str, Any]]] = [("tcp", {}), ("tls", {"ssl_context": bare})]
    strangers.append(("tls", Security.temporary().get_connection_args("client")))
    before = listening()
    with dask_cluster.connected(Resources(1), tmp_path) as client:
        client.wait_for_workers(1, timeout=60)
        places = [f"127.0.0.1:{port}" for port in sorted(listening() - before)]
        assert client.scheduler.address.removeprefix("tls://") in places
        known = client.security.get_connection_args("client")
        assert sum(answers(f"tls://{place}", **known) for place in places) == 3  # scheduler, nanny, worker
        for place in places:
            assert not any(answers(f"{scheme}://{place}", **theirs) for scheme, theirs in strangers), place
            assert {http_status(place, path) for path in PAGES} <= {None, 404}, place


def http_status(place: str, path: str) -> int | None:
    """The answer to a GET over HTTP, None where there is none."""
    connection = HTTPConnection(place, timeout=SOON)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def test_without_the_package_of_certificates_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(BadInput, match="package cryptography: pip install"):
        with dask_cluster.connected(Resources(), tmp_path):
            pass


def test_a_cluster_that_runs_with_tls_is_spoken_to_with_the_certificate_of_dasks_configuration(tmp_path: Path) -> None:
    from distributed import Scheduler, SpecCluster
    from distributed.security import Security

    own = Security.temporary()
    names = {"distributed.comm.tls.ca-file": own.tls_ca_file} | {
        f"distributed.comm.tls.client.{part}": getattr(own, f"tls_client_{part}") for part in ("key", "cert")
    }
    options = {"host": "127.0.0.1", "protocol": "tls://", "security": own, "dashboard_address": "127.0.0.1:0"}
    with SpecCluster(workers={}, scheduler={"cls": Scheduler, "options": options}, security=own) as cluster:
        where = Resources(scheduler=cluster.scheduler_address, wait=5)
        with pytest.raises(BadInput, match="no answer within 5 s"), dask_cluster.connected(where, tmp_path):
            pass
        with dask.config.set(names), dask_cluster.connected(where, tmp_path) as client:
            assert client.scheduler_info()["address"].startswith("tls://")


@pytest.mark.slow
def test_a_poison_run_fails_alone_and_a_killed_one_goes_on_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_FAULT_FLAG", str(tmp_path / "flag"))
    runs = runs_of(["VAE", "Killer", "KilledOnce", "IWAE"], tmp_path)
    found = carried_out("dask", [[run] for run in runs], tmp_path, workers=2)
    assert found == {"VAE/0": "done", "Killer/0": "failed", "KilledOnce/0": "done", "IWAE/0": "done"}
    assert "its worker was lost 3 times" in digest_of(tmp_path, runs[1])["reason"]


@pytest.mark.slow
def test_a_batch_system_is_asked_for_workers_and_rid_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dask_jobqueue")
    commands = tmp_path / "bin"
    commands.mkdir()
    submit = f'cp "$1" {tmp_path}/job.$$; setsid sh {tmp_path}/job.$$ >/dev/null 2>&1 & echo "Submitted batch job $!"'
    for name, text in (("sbatch", submit), ("scancel", f'echo "$1" >> {tmp_path}/cancelled; kill -- "-$1"')):
        (commands / name).write_text(f"#!/bin/sh\n{text}\n")
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")]))
    runs = runs_of(["VAE", "IWAE"], tmp_path)
    with dask.config.set({"jobqueue.slurm.cores": 1, "jobqueue.slurm.memory": "2GB"}):
        found = carried_out("dask", [[run] for run in runs], tmp_path, workers=2, scheduler="slurm", wait=600)
    assert found == {"VAE/0": "done", "IWAE/0": "done"}
    jobs = [path.read_text() for path in tmp_path.glob("job.*")]
    assert all("--protocol tls://" in job and "PRIVATE KEY" not in job for job in jobs)
    assert not list(tmp_path.rglob("*.partial"))  # the certificate went with the cluster
    assert len(jobs) == len((tmp_path / "cancelled").read_text().split()) == 2


@pytest.mark.slow
def test_a_scheduler_that_is_lost_is_an_error_and_no_hang(tmp_path: Path) -> None:
    port = str(free_port())
    where = f"tcp://127.0.0.1:{port}"
    runs = runs_of(["VAE"], tmp_path, "epochs=100000")
    with (
        command("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", folder=tmp_path) as scheduler,
        command("worker", where, "--nthreads", "1", "--no-dashboard", "--death-timeout", "5", folder=tmp_path),
    ):

        def lose(run: Run, doing: str) -> None:
            if doing.startswith("epoch"):
                scheduler.kill()

        with pytest.raises(BadInput, match=f"the Dask scheduler at {where} is gone"):
            resolve("dask")([runs], work_of(tmp_path), Resources(1, where, wait=600), lose, lambda *_: None)


# The suite of digits

DIGITS = ["--suite", "digits", "--preset", "small", "--seeds", "0", "--set", "epochs=8"]


def table_of(folder: Path) -> list[tuple[str, ...]]:
    """Return the cells of all measurements but those of time."""
    with (folder / "digits" / "measurements.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["metric"] not in TIMES]
    assert {line["status"] for line in lines} <= {"ok", "blank"}
    return [tuple(line.values()) for line in lines]


def bench_run(*arguments: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "bench.run", *DIGITS, *arguments]
    return subprocess.Popen(words, cwd=ROOT, env=one_thread(), stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite of digits, one run after another in one process of one thread."""
    results = tmp_path_factory.mktemp("in-process")
    child = bench_run("--executor", "in-process", "--results", str(results))
    assert child.communicate()[1] is not None and child.returncode == 0
    return results


@pytest.mark.slow
def test_two_workers_complete_the_digits_with_the_cells_of_one_process_though_one_is_killed(
    in_process: Path, tmp_path: Path
) -> None:
    import psutil

    child = bench_run("--executor", "dask", "--jobs", "2", "--wait", "600", "--results", str(tmp_path))
    killed = threading.Event()

    def kill_one() -> None:
        while child.poll() is None and not killed.is_set():
            time.sleep(0.2)
            for path in tmp_path.glob("digits/runs/*/worker.json"):
                about = store.read_json(path)
                if about and about["doing"].startswith("epoch") and about["pid"] != child.pid:
                    os.kill(about["pid"], signal.SIGKILL)
                    killed.set()
                    return

    thread = threading.Thread(target=kill_one)
    thread.start()
    said = child.communicate()[1]
    thread.join()
    assert (child.returncode, killed.is_set()) == (0, True), said
    assert table_of(tmp_path) == table_of(in_process)
    assert not psutil.pid_exists(child.pid)


@pytest.mark.slow
def test_a_scheduler_and_workers_started_elsewhere_complete_the_digits(in_process: Path, tmp_path: Path) -> None:
    port = str(free_port())
    where = f"tcp://127.0.0.1:{port}"
    worker = ("worker", where, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    with (
        command("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", folder=tmp_path),
        command(*worker, folder=tmp_path),
        command(*worker, folder=tmp_path),
    ):
        child = bench_run("--scheduler", where, "--wait", "600", "--results", str(tmp_path / "results"))
        said = child.communicate()[1]
    assert child.returncode == 0, said
    assert table_of(tmp_path / "results") == table_of(in_process)


def test_options_that_do_not_go_together_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (["--executor", "workers", "--scheduler", "tcp://127.0.0.1:1"], "takes no --scheduler"),
        (["--scheduler", "slurm"], "say with --jobs"),
        (["--wait", "0"], "--wait 0"),
        (["--executor", "in-process", "--jobs", "2"], "one run at once"),
    ):
        assert main([*DIGITS, *words, "--results", str(tmp_path / "results")]) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "results").exists()
