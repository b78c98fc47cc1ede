"""Files that are torn or damaged, and a disk that is full."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

from .checks import FEW, tested
from .common import (
    QUICK,
    Fault,
    Seen,
    assert_same_cells,
    bench,
    cells,
    lost,
    one_line,
    statuses,
    surroundings,
    wait_for,
)

FLIPS = 5  # bytes of every file
PAGES = (0, 1, 2, 5, 9, 14, 20, 28)  # left on a disk
TRAINING = (0, 1 << 6, 1 << 9, 1 << 11, 1 << 13, 1 << 15, 1 << 17)  # bytes a file may have while a model is trained
WRITER = """
import time, sys
from pathlib import Path
import torch
import bench.training.checkpoint as checkpoint
states = checkpoint.Checkpoints(Path(sys.argv[1]))
for value in (1, 2):
    states.save({"value": value, "tensor": torch.full((1000,), float(value))})
def torn(path, data, durable=True):
    partial = path.with_name(f"{path.name}.1.partial")
    partial.write_bytes(bytes(data)[:500])
    time.sleep(3600)
checkpoint.write_whole = torn
states.save({"value": 3})
"""


def torn_state(folder: Path) -> Seen:
    from bench.training.checkpoint import Checkpoints

    states = folder / "states"
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(states)], env=surroundings(folder))
    wait_for(lambda: any(states.glob("000003.pt.1.partial")))
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    loaded = Checkpoints(states).load()
    assert loaded is not None and loaded["value"] == 2
    whole = (states / "000002.pt").read_bytes()
    lengths = range(0, len(whole), 97)
    for length in lengths:
        (states / "000002.pt").write_bytes(whole[:length])
        loaded = Checkpoints(states).load()
        assert loaded is not None and loaded["value"] == 1, length
    Checkpoints(states).save({"value": 4})
    assert not list(states.glob("*.partial"))
    text = f"the state before is used, also at {len(lengths)} truncations; the temporary file is removed"
    return Seen(text, kills=1)


def _flipped(path: Path, rng: random.Random) -> bytes:
    """Flip one bit of a file and return what it held before."""
    data = path.read_bytes()
    place = rng.randrange(len(data))
    path.write_bytes(data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :])
    return data


def _flipped_states(folder: Path, rng: random.Random) -> tuple[int, int]:
    """Flip bytes of the newest of two states; return how often, and how often torch.load reads it all the same."""
    import torch

    from bench.training.checkpoint import Checkpoints

    states, silent, tried = Checkpoints(folder), 0, 4 * FLIPS
    for value in (1, 2):
        states.save({"value": value, "tensor": torch.full((1000,), float(value))})
    for _ in range(tried):
        before = _flipped(folder / "000002.pt", rng)
        loaded = states.load()
        assert loaded is not None and loaded["value"] == 1
        try:
            torch.load(folder / "000002.pt", weights_only=True)
            silent += 1
        except Exception:  # half a dozen types
            pass
        (folder / "000002.pt").write_bytes(before)
    return tried, silent


def flipped_bytes(folder: Path) -> Seen:
    from bench.system import manifest

    (folder / "mine.toml").write_text(QUICK)
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    before = cells(folder / "results" / "mine")
    rng, flips = random.Random(0), 0
    run = next((folder / "results" / "mine" / "runs").glob("vae-*"))
    digest = folder / "results" / "mine" / "digests" / run.name
    guarded = [p for place in (run, digest) for p in sorted(place.rglob("*")) if p.is_file()]
    guarded = [p for p in guarded if p.name not in (manifest.NAME, *manifest.LEFT_OUT)]
    for path in guarded:
        for _ in range(FLIPS):
            data = _flipped(path, rng)
            (found,) = manifest.damage(run, digest)
            assert path.name in found, found
            path.write_bytes(data)
            flips += 1
    assert not manifest.damage(run, digest)
    _flipped(run / "model" / "model.pt", rng)
    done = bench(folder, "--jobs", "1", "--seeds", "0")
    assert done.returncode == 0 and "is damaged and is made anew: model/model.pt" in done.stderr, done.stderr
    assert cells(folder / "results" / "mine") == before
    tried, silent = _flipped_states(folder / "states", rng)
    text = (
        f"{flips} of {flips} caught in {len(guarded)} files of a run, which is made anew, equal; {tried} of {tried} in "
        f"its states, of which torch.load reads {silent} without a word"
    )
    return Seen(text, flips=flips + 1 + tried, lost=lost(folder / "results" / "mine", 2))


def foreign_files(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(QUICK)
    suite = folder / "results" / "mine"
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    before, run = cells(suite), next(suite.glob("runs/vae-*")).name
    paths = [suite / "suite.json", suite / "runs" / "plan.json"]
    paths += [path for kind in ("runs", "digests") for path in sorted((suite / kind / run).rglob("*.json"))]
    for path in paths:
        for text in ("{}", "[]"):
            path.write_text(text)
            for words in (["--status"], []):
                done = bench(folder, "--jobs", "1", "--seeds", "0", *words)
                assert done.returncode == 0 and "Traceback" not in done.stderr, (path, text, done.stderr)
            assert cells(suite) == before, (path, text)
    text = f"each of {len(paths)} JSON files replaced by {{}} and by []: made anew, the same cells, no traceback"
    return Seen(text, lost=lost(suite, 2))


def _try(folder: Path, most: int, kept: dict[str, dict[str, bytes]]) -> int:
    """Go on with the suite where no file may be longer than `most` bytes; return the exit code."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    suite = folder / "results" / "mine"
    done = bench(folder, "--jobs", "1", "--models", "VAE/unidirectional", first=limit)
    assert "Traceback" not in done.stderr, (most, done.stderr)
    if done.returncode == 2:
        assert "results" in one_line(done, 2), (most, done.stderr)
    elif done.returncode != 0:
        reasons = [json.loads(path.read_text())["reason"] for path in suite.glob("digests/*/digest.json")]
        assert done.returncode == 1 and any("too large" in (reason or "") for reason in reasons), (most, reasons)
    assert kept == {name: _files(suite / "runs" / name) for name in kept}, most
    return done.returncode


def disk_full(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(QUICK.replace("seeds = [0, 1]", "seeds = [0, 1]\nstack = false"))
    suite, undisturbed = (folder / place / "mine" for place in ("results", "undisturbed"))
    assert bench(folder, "--jobs", "1").returncode == 0
    (folder / "results").rename(folder / "undisturbed")
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    kept = {name: _files(suite / "runs" / name) for name in statuses(suite)}
    codes = [_try(folder, most, kept) for most in TRAINING]
    (run,) = suite.glob("runs/vae-unidirectional-s1-*")
    assert (run / "trained.json").is_file(), f"no training within {TRAINING[-1]} bytes a file"
    (run / "record.json").unlink(missing_ok=True)
    written = [*(undisturbed / "runs" / run.name).rglob("*"), *undisturbed.glob("*")]
    sizes = {path.stat().st_size for path in written if path.is_file()}
    codes += [_try(folder, size - 1, kept) for size in sorted(sizes)]  # the first file that fails is another each time
    assert bench(folder, "--jobs", "1").returncode == 0
    assert_same_cells(suite, undisturbed)
    told = ", ".join(f"exit {code}: {codes.count(code)} times" for code in sorted(set(codes)))
    text = (
        f"{len(codes)} limits from 0 to {max(sizes):,} bytes a file ({told}); no traceback; afterwards the same cells"
    )
    return Seen(text, disks=len(codes), lost=lost(suite, 4))


def no_space(folder: Path) -> Seen:
    """The same with a file system that is full: not the sizes of files count but the pages that are left."""
    import pytest
    from small_disk import BALLAST, fill, small_disk

    (folder / "mine.toml").write_text(FEW.replace("seeds = [0, 1]", "seeds = [0, 1]\nstack = false"))
    words = ("--jobs", "1", "--models", "VAE/unidirectional")
    writers = tested(folder, "tests/bench/system/test_full_disk.py")
    assert bench(folder, *words).returncode == 0
    (folder / "results").rename(folder / "undisturbed")
    try:
        with small_disk(folder / "results", 8192) as disk:
            assert bench(folder, *words, "--seeds", "0").returncode == 0
            kept = {name: _files(disk / "mine" / "runs" / name) for name in statuses(disk / "mine")}
            said = []
            for pages in PAGES:
                fill(disk, pages)
                done = bench(folder, *words)
                if done.returncode == 2:
                    said.append(one_line(done, 2))
                elif done.returncode:
                    (failed,) = disk.glob("mine/digests/vae-unidirectional-s1-*/digest.json")
                    said.append(json.loads(failed.read_text())["reason"])
                assert "Traceback" not in done.stderr and all("results/" in line for line in said), (pages, said)
                (disk / BALLAST).unlink()
                assert kept == {name: _files(disk / "mine" / "runs" / name) for name in kept}, pages
            assert bench(folder, *words).returncode == 0
            assert_same_cells(disk / "mine", folder / "undisturbed" / "mine")
            gone = lost(disk / "mine", 2)
    except pytest.skip.Exception as reason:
        return Seen(f"not tried: {reason}")
    text = f"{len(PAGES)} numbers of pages left, {len(said)} of them too few: the file is named each time, afterwards "
    text += f"the same cells; {writers['passed']} checks of other writers and of caches, which only cost time"
    return Seen(text, disks=len(PAGES), lost=gone)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FAULTS = [
    Fault("kill -9 while a state is written; truncation", "previous used, temporary file removed", torn_state),
    Fault("one flipped byte", "caught by its checksum", flipped_bytes, True),
    Fault("files of other contents", "made anew", foreign_files, True),
    Fault("disk full (RLIMIT_FSIZE)", "one message with the path; earlier results intact", disk_full, True),
    Fault("disk full (ENOSPC)", "one message with the path; caches only cost time", no_space, True),
]
