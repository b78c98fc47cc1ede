"""Flip bits of everything that is kept and see what each reader makes of it: python -m tests.flips [FLIPS]."""

import logging
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]
FLIPS = 200
SUITE = """
title = "Flips"
dataset = "digits"
seeds = [0]
rows = [{ row = "VAE", model = "VAE", variants = ["unidirectional"] }]
[presets.small]
latent_dim = 3
epochs = 3
network = { channels = [4], strides = [2], hidden = [8] }
evaluation = { nll_samples = 2, nll_images = 50, tsne_images = 0, images = 100, metrics = ["neg_elbo", "psnr"] }
"""


class Noticed(Exception):
    """A reader says that something is damaged, or makes it anew."""


class Kind(NamedTuple):
    """A file, whose bits are flipped, and its readers: functions that return what they show, or raise."""

    name: str
    file: Path
    readers: dict[str, Callable[[], Any]]


class Row(NamedTuple):
    """What came of the flips of a file, as one reader had them."""

    kind: str
    reader: str
    flips: int
    noticed: int
    without_effect: int


def rows(kinds: Iterator[Kind], flips: int) -> Iterator[Row]:
    """Yield a row for each reader of each kind; raises AssertionError where one shows what was not written."""
    for kind in kinds:
        whole = kind.file.read_bytes()
        for reader, read in kind.readers.items():
            right, rng, seen = read(), random.Random(0), Counter[str]()
            for _ in range(flips):
                spoilt = bytearray(whole)
                place = rng.randrange(len(whole))
                spoilt[place] ^= 1 << rng.randrange(8)
                kind.file.write_bytes(spoilt)
                try:
                    found = read()
                    assert found == right, f"{kind.name}, byte {place}: {reader} shows what was not written"
                    seen["same"] += 1
                except (Noticed, ValueError, OSError):
                    seen["noticed"] += 1
            kind.file.write_bytes(whole)
            assert read() == right, f"{kind.name}: {reader} is not as before once the file is"
            yield Row(kind.name, reader, flips, seen["noticed"], seen["same"])


def unless(value: Any, damaged: object) -> Any:
    """Return a value, raise Noticed where something is damaged."""
    if damaged:
        raise Noticed
    return value


def states(folder: Path) -> Iterator[Kind]:
    import torch

    from bench.training.checkpoint import Checkpoints

    kept = Checkpoints(folder / "states")
    for value in (1, 2):
        kept.save({"value": value, "tensor": torch.full((200,), float(value))})

    def resumed() -> Any:
        state = kept.load()
        assert state is not None
        return unless(state["tensor"].tolist(), state["value"] == 1)

    for ending in ("pt", "sha256"):
        yield Kind(f"training state (.{ending})", folder / "states" / f"000002.{ending}", {"resuming": resumed})


def results(folder: Path) -> Iterator[Kind]:
    """A finished run of a suite: weights, record, manifest, digest, and the digests and pictures that are committed."""
    from fake_results import full_measurements, noise
    from small_training import trainer_of

    from bench.runs import execute, train
    from bench.storage import code_version, packed, status, store
    from bench.storage.data_version import data_key, of_other_data
    from bench.study import suite
    from models import load_model
    from report.store import read_suite
    from report.tables.assemble import make_table
    from report.tables.formats.csv_text import to_csv, to_measurements

    (folder / "mine.toml").write_text(SUITE)
    loaded = suite.load(str(folder / "mine.toml"), "small")
    (run,) = suite.expand(loaded, "mine", "small", shape=(1, 8, 8))
    place = folder / "results" / "mine"
    home, digest = place / "runs" / run.id, place / "digests" / run.id
    description = suite.description(loaded, "mine", "small")
    store.prepare(place)
    home.mkdir()
    store.write_json(home / "run.json", run.to_dict())
    made = {"data": {"name": "digits", "sha256": "0" * 64}, "together": 1, "code": code_version.version(run.model)}
    trainer = trainer_of("VAE", None, epochs=1)
    curves = {"epoch": [1], "seconds": [0.5], "validation_loss": [2.0]}
    train._store(home, trainer.model, trainer.train_dataset, curves, made)
    noise(home / "samples.png", (30, 20))
    measured = full_measurements("VAE", "unidirectional", 0)
    record = {"status": "done", "reason": None, "measurements": measured, "curves": curves, "provenance": made}
    record |= {"evaluation_id": run.evaluation_id, "seconds": 8.0, "tsne": None, "plots": {}, "classes": ["0"]}
    execute._store(run, place, record)
    status.write_plan(place, description, [run], 1)
    store.write_suite(place, description, [run])

    def weights() -> Any:
        return {name: tensor.tolist() for name, tensor in load_model(home).state_dict().items()}

    def trained() -> Any:
        return unless(True, not store.is_trained(home))

    def told() -> Any:
        found = status.read(place)
        assert found is not None
        return unless((found, status.describe(place, found)), found["runs"][0]["state"] == "to do")

    def recorded() -> Any:
        found = store.read_record(home)
        return unless(found, found["status"] == "todo")

    def shown() -> Any:
        found = read_suite(place)
        tiles = [tile.read_bytes() for each in found.digests for tile in each.tiles.values()]
        return unless((to_measurements(found), to_csv(make_table(found)), tiles), found.problems)

    def repacked() -> Any:
        """Every line and picture that is signed anew is one that was written."""
        copy = folder / "copy"
        shutil.copytree(place, copy)
        packed.pack(copy)
        lines = (copy / packed.LINES).read_bytes() if (copy / packed.LINES).is_file() else b""
        lines_there, pictures = packed._read(copy)
        shutil.rmtree(copy)
        return unless((lines, lines_there, pictures), not lines or not pictures)

    readers = {"resuming, skipping": lambda: unless([], store.damage(place, run)), "--status": told}
    yield Kind("weights", home / "model" / "model.pt", {"load_model": weights, "is_trained": trained} | readers)
    others = {"read_record": recorded, "other code": lambda: code_version.finished_by_other(place, [run])}
    yield Kind("run record", home / "record.json", readers | others)
    yield Kind("trained.json", home / "trained.json", readers | {"load_model": weights, "is_trained": trained})
    both = {"load_model": weights, "report": shown, "pack": repacked}
    yield Kind("manifest", home / "manifest.json", readers | both)
    yield Kind("digest", digest / "digest.json", readers | {"report": shown, "pack": repacked})
    yield Kind("picture", digest / "samples.png", readers | {"report": shown, "pack": repacked})
    anchor = {"id": "noise-0", "row": "noise", "variant": "", "seed": 0, "status": "done", "pictures": {}}
    anchor["measurements"] = [{"metric": "fd_classifier", "setting": "sampler=normal", "value": 123.4, "status": "ok"}]
    (place / "anchors.jsonl").write_text(f"{packed.line(anchor)}\n")
    yield Kind("anchors", place / "anchors.jsonl", {"report": shown})
    packed.pack(place)
    for name in ("digests", "runs"):
        shutil.rmtree(place / name)
    now = {data_key("digits", run.data): "0" * 64}
    others = {"other data": lambda: unless([], of_other_data(place, [run.id], now))}
    yield Kind("committed digests", place / packed.LINES, {"report": shown, "pack": repacked} | others)
    yield Kind("committed pictures", place / packed.PICTURES, {"report": shown, "pack": repacked})


def caches(folder: Path) -> Iterator[Kind]:
    import numpy as np
    import torch
    from fake_results import noise
    from torch import nn

    from bench.data.pixels import center_crop, decode
    from bench.evaluation.features.stored_network import kept_network
    from bench.system.cache import cached_arrays

    def network() -> nn.Linear:
        torch.manual_seed(0)
        return nn.Linear(10, 10)

    def classifier() -> Any:
        return kept_network(folder / "judge.pt", network, lambda: nn.Linear(10, 10)).weight.tolist()

    def features() -> Any:
        return cached_arrays(folder / "a.npz", ["a"], lambda: {"a": np.arange(200.0)})["a"].tolist()

    pictures = [noise(folder / f"{i}.png", (8, 8)) for i in range(4)]

    def decoded() -> Any:
        with patch.dict(os.environ, {"XDG_CACHE_HOME": str(folder / "cache")}):
            return decode(pictures, "L", 8, center_crop, "mine", lambda *_: None).tolist()

    classifier(), features(), decoded()
    (images,) = folder.glob("cache/**/*.npy")
    yield Kind("classifier cache", folder / "judge.pt", {"kept_network": classifier})
    yield Kind("cached features", folder / "a.npz", {"cached_arrays": features})
    yield Kind("decoded images", images, {"decode": decoded})


def every_row(folder: Path, flips: int) -> Iterator[Row]:
    """Yield the whole table."""
    logging.disable(logging.WARNING)
    try:
        for kinds in (states, results, caches):
            place = folder / kinds.__name__
            place.mkdir()
            yield from rows(kinds(place), flips)
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    print("| file | reader | flips | noticed | without effect |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        for row in every_row(Path(scratch), int(sys.argv[1]) if sys.argv[1:] else FLIPS):
            print("| " + " | ".join(map(str, row)) + " |", flush=True)
