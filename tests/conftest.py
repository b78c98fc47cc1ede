"""Shared fixtures: where real data may lie, and one thread for repeatable arithmetic."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


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
