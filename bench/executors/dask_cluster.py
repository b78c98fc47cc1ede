"""The Dask cluster of a call: one that exists, one of a batch system, or one on this machine."""

import asyncio
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BadInput, unknown
from bench.executors import Resources
from bench.system.files import write_whole

if TYPE_CHECKING:
    from distributed import Client
    from distributed.deploy import Cluster
    from distributed.security import Security

BATCH_SYSTEMS = {  # name -> class of dask-jobqueue; what a job of theirs is comes from ~/.config/dask/jobqueue.yaml
    "htcondor": "HTCondorCluster",
    "lsf": "LSFCluster",
    "oar": "OARCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "slurm": "SLURMCluster",
}
_SILENT: dict[str, list[str]] = {f"distributed.{who}.http.routes": [] for who in ("scheduler", "worker")}


@contextmanager
def connected(resources: Resources, shared: Path) -> "Iterator[Client]":
    """Give a client of the cluster that `resources.scheduler` names, and close what was started for it.

    A cluster that is started here speaks TLS alone, with a certificate of its own that no other process is given, and
    shows nothing over HTTP. On this machine it listens on the loopback address; the nodes of a batch system must hear
    it, and read the certificate in the folder `shared`. One that exists is spoken to as dask.config says.
    Raises BadInput where Dask is not installed, no scheduler answers, or its version is another.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise BadInput("--executor dask needs the package distributed: pip install 'vae-bench[dask]'") from None
    if resources.scheduler is None:
        with _local(resources) as cluster, _client(cluster, resources) as client:
            yield client
    elif ":" in resources.scheduler:
        with _client(resources.scheduler, resources) as client:
            yield client
    else:
        with _batch(resources.scheduler, resources, shared) as cluster, _client(cluster, resources) as client:
            yield client


@contextmanager
def _local(resources: Resources) -> "Iterator[Cluster]":
    """Start a cluster of processes of this machine that share its cores; a process that dies is started anew."""
    import dask
    from distributed import LocalCluster

    threads = max(1, (os.cpu_count() or 1) // resources.workers)
    variables = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL")}
    with (
        tempfile.TemporaryDirectory() as scratch,
        dask.config.set(_SILENT),
        LocalCluster(
            n_workers=resources.workers,
            threads_per_worker=threads,
            memory_limit=0,  # a model's memory is none that Dask could spill
            host="127.0.0.1",
            security=_certificate(),
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address=None,
            local_directory=scratch,
            silence_logs=logging.CRITICAL,
            env=variables,
        ) as cluster,
    ):
        yield cluster


@contextmanager
def _batch(name: str, resources: Resources, shared: Path) -> "Iterator[Cluster]":
    """Submit `resources.workers` jobs to a batch system, each of which starts workers."""
    if name not in BATCH_SYSTEMS:
        raise unknown("--scheduler", name, [*BATCH_SYSTEMS, "tcp://HOST:PORT"])
    try:
        import dask_jobqueue
    except ImportError:
        raise BadInput(f"--scheduler {name} needs the package dask-jobqueue: pip install 'vae-bench[dask]'") from None
    import dask

    with tempfile.TemporaryDirectory(dir=shared, suffix=".partial") as folder, dask.config.set(_SILENT):
        own = _certificate()
        for field in ("tls_ca_file", "tls_worker_cert", "tls_worker_key"):  # a job's command line names the files
            path = Path(folder, field)
            write_whole(path, getattr(own, field).encode(), durable=False)
            setattr(own, field, str(path))
        try:
            cls, options = getattr(dask_jobqueue, BATCH_SYSTEMS[name]), _scheduler_options(name)
            made = cls(scheduler_options=options, security=own)
        except (ValueError, TypeError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise BadInput(f"--scheduler {name}: {reason}; say what a job is in ~/.config/dask/jobqueue.yaml") from None
        with made as cluster:
            cluster.scale(jobs=resources.workers)
            yield cluster


def _certificate() -> "Security":
    """Return a new certificate and its key, which admit to one cluster."""
    from distributed.security import Security

    try:
        return Security.temporary()
    except ImportError:
        raise BadInput("--executor dask needs the package cryptography: pip install 'vae-bench[dask]'") from None


def _scheduler_options(name: str) -> dict[str, object]:
    """Return the options of a batch system's scheduler: those of jobqueue.yaml; its dashboard is for this machine."""
    import dask

    given = dask.config.get(f"jobqueue.{name}.scheduler-options", None)
    return {"dashboard_address": "127.0.0.1:0"} | (given or {})


@contextmanager
def _client(address: "str | Cluster", resources: Resources) -> "Iterator[Client]":
    from distributed import Client

    try:
        if isinstance(address, str):
            asyncio.run(_handshake(address, resources.wait))
        client = Client(address, timeout=resources.wait, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        hint = "is it running, and of the version that is here?"
        raise BadInput(f"--scheduler {address}: no answer within {resources.wait:g} s ({reason}); {hint}") from None
    log = logging.getLogger("distributed.client")  # of a scheduler that is lost it shows tracebacks; our error says it
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        _refuse_other_versions(client, address)
        yield client
    finally:
        client.close(timeout=5)
        log.setLevel(level)


async def _handshake(address: str, seconds: float) -> None:
    """Raise OSError where nobody answers in time; `Client` waits for ever for one who listens and says nothing."""
    from distributed.comm import connect
    from distributed.security import Security

    known = Security().get_connection_args("client")
    comm = await asyncio.wait_for(connect(address, timeout=seconds, **known), seconds)
    await comm.close()


def _refuse_other_versions(client: "Client", address: "str | Cluster") -> None:
    """Raise BadInput where the scheduler's Dask or Python is another than the one here."""
    found = client.get_versions(check=False)
    assert isinstance(found, dict)  # and no coroutine: this client waits for its answers
    here, there = (found[side] for side in ("client", "scheduler"))
    pairs = {name: (here["packages"].get(name), there["packages"].get(name)) for name in ("distributed", "dask")}
    pairs["Python"] = tuple(".".join(str(v["packages"]["python"]).split(".")[:2]) for v in (here, there))  # type: ignore[assignment]
    for name, (ours, theirs) in pairs.items():
        if ours != theirs:
            raise BadInput(f"--scheduler {address}: its {name} is {theirs}, here it is {ours}; install the same")
