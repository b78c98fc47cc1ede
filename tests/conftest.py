"""Shared fixtures: where real data may lie; no network but this machine's own; and a core for each process of tests."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

if together := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):  # before torch is imported, here and in what tests start
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(together))))
HERE = {"", "localhost", "127.0.0.1", "::1", "0.0.0.0", socket.gethostname()}


def pytest_configure() -> None:
    """Keep all tests from the network; what they start on this machine may listen on its own address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing
        HERE.add(probe.getsockname()[0])
    sys.addaudithook(_refuse_network)


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        host = "" if arguments[0].type == socket.SOCK_DGRAM else arguments[1][0]  # a datagram's connect sends nothing
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host or ""
    if name not in HERE:
        raise OSError(f"there is no network in tests; {name} was asked for")


def _real_data() -> Path | None:
    """Return the folder of real data sets: $BENCH_DATA, else ../shared/data beside the checkout."""
    candidates = [os.environ.get("BENCH_DATA"), str(Path(__file__).parents[2] / "shared" / "data")]
    return next((Path(c) for c in candidates if c and (Path(c) / "MNIST").is_dir()), None)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of MNIST, FashionMNIST and CIFAR-10; skipped where absent, unless BENCH_REQUIRE_DATA=1."""
    folder = _real_data()
    if folder is None:
        if os.environ.get("BENCH_REQUIRE_DATA") == "1":
            pytest.fail("BENCH_REQUIRE_DATA=1 but no folder of real data was found")
        pytest.skip("no real data here: set BENCH_DATA to a folder with MNIST/raw")
    return folder


@pytest.fixture(scope="module")
def own_registries() -> Iterator[None]:
    """The registries of models, data sets and metrics as they were, once the module's tests have loaded plug-ins."""
    from bench import plugins

    before = {key: dict(registry) for key, (registry, _) in plugins.REGISTRIES.items()}
    loaded = dict(plugins._loaded)
    yield
    for key, (registry, _) in plugins.REGISTRIES.items():
        registry.clear()
        registry.update(before[key])
    plugins._loaded.clear()
    plugins._loaded.update(loaded)
