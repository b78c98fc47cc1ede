"""A disk that is full: what cannot be written is named, nothing torn stays, and caches only cost time."""

import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from fake_results import full_measurements, write_digest, write_suite
from PIL import Image
from small_disk import BALLAST, fill, small_disk
from small_training import trainer_of
from torch.nn import Linear

from bench.data.archives import extracted
from bench.data.download import fetch
from bench.data.pixels import center_crop, decode
from bench.evaluation.features.stored_network import kept_network
from bench.evaluation.pictures.tiles import save_grid
from bench.executors.in_process import crash_told
from bench.runs.train import _store
from bench.storage import store
from bench.system import checked, locks, manifest
from bench.system.cache import cached_arrays
from bench.system.files import write_whole
from bench.training.checkpoint import Checkpoints
from report.build import write_page
from report.files import write_whole as report_file
from tests.faults.hostile import CONTENTS, server


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of 1 MiB, on which the user's cache is too."""
    with small_disk(tmp_path / "disk") as place:
        monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        yield place


def trained(disk: Path) -> None:
    trainer = trainer_of("VAE", None, epochs=1)
    _store(disk, trainer.model, trainer.train_dataset, {"seconds": [1.0]}, {})


def downloaded(disk: Path) -> None:
    with server([CONTENTS]) as (url, _):
        fetch(url, disk / "file.gz", md5(CONTENTS, usedforsecurity=False).hexdigest(), lambda *_: None)


def unpacked(disk: Path) -> None:
    with tarfile.open(disk.parent / "a.tar", "w") as tar:
        info = tarfile.TarInfo("member.png")
        info.size = 20_000
        tar.addfile(info, io.BytesIO(bytes(info.size)))
    extracted(disk.parent / "a.tar")


def held(disk: Path) -> None:
    with locks.hold(disk):
        pass


def page(disk: Path) -> None:
    write_page(disk)


WRITERS: dict[str, tuple[Callable[[Path], Any], str]] = {  # what is written, and the name that has to be told
    "at close": (lambda disk: write_whole(disk / "small.json", b"{}", durable=False), "small.json"),
    "synced": (lambda disk: write_whole(disk / "small.json", b"{}"), "small.json"),
    "more than a buffer": (lambda disk: write_whole(disk / "large", bytes(1 << 20), durable=False), "large"),
    "checked": (lambda disk: checked.write(disk / "file", bytes(9000)), "file"),
    "record": (lambda disk: store.write_json(disk / "record.json", {}), "record.json"),
    "manifest": (lambda disk: manifest.write(disk), "manifest.json"),
    "state": (lambda disk: Checkpoints(disk / "states").save({"a": torch.ones(9)}), "000001.pt"),
    "model": (trained, "model"),
    "picture": (lambda disk: save_grid(disk / "a.png", np.ones((2, 2, 1, 8, 8))), "a.png"),
    "lock": (held, "lock.json"),
    "download": (downloaded, "file.gz"),
    "archive": (unpacked, "member.png"),
    "table": (lambda disk: report_file(disk / "table.md", "x"), "table.md"),
    "page": (page, "index.html"),
}


@pytest.mark.parametrize("what", WRITERS)
def test_what_cannot_be_written_is_named_and_nothing_torn_stays(disk: Path, what: str) -> None:
    write, name = WRITERS[what]
    fill(disk)
    with pytest.raises((OSError, ValueError)) as error:
        write(disk)
    assert name in str(error.value) and "\n" not in str(error.value)
    assert "No space left" in str(error.value) or what == "model"  # of a full disk torch says nothing
    torn = [path for path in disk.rglob("*") if path.is_file() and path.name != BALLAST]
    assert not torn


@pytest.mark.parametrize("pages", [1, 2, 3, 5, 9])
def test_a_model_that_does_not_fit_is_an_error_that_names_it_and_gives_its_room_back(disk: Path, pages: int) -> None:
    fill(disk, pages)
    with suppress(OSError):
        trained(disk)
        assert store.is_trained(disk)
        return
    assert not store.is_trained(disk) and not list(disk.rglob("*.partial*"))


def test_a_cache_that_is_full_only_costs_the_computation(disk: Path) -> None:
    made = [0]

    def network() -> Linear:
        made[0] += 1
        torch.manual_seed(0)
        return Linear(40, 40)

    Image.new("L", (8, 8), 77).save(disk.parent / "a.png")
    for pages in (0, 1, 2):
        fill(disk, pages)
        for _ in range(2):
            arrays = cached_arrays(disk / "deep" / "a.npz", ["a"], lambda: {"a": np.arange(2000.0)})
            assert np.array_equal(arrays["a"], np.arange(2000.0))
            stored = kept_network(disk / "judge.pt", network, lambda: Linear(40, 40))
            assert torch.equal(stored.weight, network().weight)
            pixels = decode([disk.parent / "a.png"] * 40, "L", 16, center_crop, "mine", lambda *_: None)
            assert pixels.shape == (40, 1, 16, 16) and (pixels == 77).all()
        assert [path.name for path in disk.rglob("*") if path.is_file()] == [BALLAST]
    assert made == [12]  # six times trained, six times asked for to compare
    (disk / BALLAST).unlink()
    kept_network(disk / "judge.pt", network, lambda: Linear(40, 40))
    assert (disk / "judge.pt").is_file()


def test_a_page_names_what_is_missing_of_it_where_the_claims_cannot_be_written(disk: Path) -> None:
    results = disk / "results"
    suite = write_suite(results / "mine", ["VAE"])
    write_digest(suite, "VAE", "unidirectional", 0, full_measurements("VAE", "unidirectional", 0))
    (results / "index.html").write_text("the page before")
    fill(disk)
    with pytest.raises(OSError, match=r"No space left on device: '.*index\.html'"):
        write_page(results)
    assert (results / "index.html").read_text() == "the page before"


def test_a_crash_file_needs_no_room(disk: Path) -> None:
    fill(disk)
    with crash_told((SimpleNamespace(id="a"),), SimpleNamespace(suite_folder=disk)):  # type: ignore[arg-type]
        pass
