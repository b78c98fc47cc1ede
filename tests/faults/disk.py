"""Files that are torn, damaged or cannot be written."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .common import QUICK, Fault, bench, cells, one_line, statuses, surroundings, wait_for

FLIPS = 60
LIMITS = (0, 1, 2, 4, 8, 16, 32, 64, 128)  # KiB that a file may have
WRITER = """
import time, sys
from pathlib import Path
import torch
import bench.checkpoint as checkpoint
states = checkpoint.Checkpoints(Path(sys.argv[1]))
for value in (1, 2):
    states.save({"value": value, "tensor": torch.full((1000,), float(value))})
def torn(path, data, durable=True):
    partial = path.with_name(f"{path.name}.1.partial")
    partial.write_bytes(bytes(data)[:500])
    time.sleep(100)
checkpoint.write_whole = torn
states.save({"value": 3})
"""


def torn_state(folder: Path) -> str:
    from bench.checkpoint import Checkpoints

    states = folder / "states"
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(states)], env=surroundings(folder))
    wait_for(lambda: any(states.glob("000003.pt.1.partial")))
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    loaded = Checkpoints(states).load()
    assert loaded is not None and loaded["value"] == 2
    whole = (states / "000002.pt").read_bytes()
    for length in range(0, len(whole), 97):
        (states / "000002.pt").write_bytes(whole[:length])
        loaded = Checkpoints(states).load()
        assert loaded is not None and loaded["value"] == 1
    Checkpoints(states).save({"value": 4})
    assert not list(states.glob("*.partial"))
    return (
        f"the state before is used, also at {len(range(0, len(whole), 97))} truncations; the temporary file is removed"
    )


def flipped_bytes(folder: Path) -> str:
    (folder / "mine.toml").write_text(QUICK)
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    before = cells(folder / "results" / "mine")
    from bench import manifest

    rng, caught = random.Random(0), 0
    run = next((folder / "results" / "mine" / "runs").glob("vae-*"))
    digest = folder / "results" / "mine" / "digests" / run.name
    guarded = [p for place in (run, digest) for p in sorted(place.rglob("*")) if p.is_file()]
    guarded = [p for p in guarded if p.name not in (manifest.NAME, *manifest.LEFT_OUT)]
    for _ in range(FLIPS):
        path = rng.choice(guarded)
        data = bytearray(path.read_bytes())
        place, bit = rng.randrange(len(data)), 1 << rng.randrange(8)
        data[place] ^= bit
        path.write_bytes(bytes(data))
        caught += bool(manifest.damage(run, digest))
        data[place] ^= bit
        path.write_bytes(bytes(data))
    assert caught == FLIPS and not manifest.damage(run, digest)
    weights = run / "model" / "model.pt"
    data = bytearray(weights.read_bytes())
    data[-1000] ^= 1
    weights.write_bytes(bytes(data))
    done = bench(folder, "--jobs", "1", "--seeds", "0")
    assert done.returncode == 0 and "is damaged and is made anew: model/model.pt" in done.stderr, done.stderr
    assert cells(folder / "results" / "mine") == before
    return f"{caught} of {FLIPS} flipped bytes caught in {len(guarded)} files; the damaged run is made anew, equal"


def disk_full(folder: Path) -> str:
    (folder / "mine.toml").write_text(QUICK)
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    before = {name: (folder / "results/mine/runs" / name / "model/model.pt").read_bytes()
              for name in statuses(folder / "results" / "mine")}  # fmt: skip
    codes = []
    for kibibytes in LIMITS:

        def limit(bytes_: int = kibibytes * 1024) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))

        done = bench(folder, "--jobs", "1", first=limit)
        codes.append(done.returncode)
        assert done.returncode in (1, 2) and "Traceback" not in done.stderr, (kibibytes, done.stderr)
        if done.returncode == 2:
            assert "results" in one_line(done, 2) or "lock" in done.stderr, done.stderr
        for name, weights in before.items():
            assert (folder / "results/mine/runs" / name / "model/model.pt").read_bytes() == weights
            json.loads((folder / "results/mine/runs" / name / "record.json").read_text())
    assert bench(folder, "--jobs", "1").returncode == 0
    assert set(statuses(folder / "results" / "mine").values()) == {"done"}
    return f"{len(LIMITS)} limits from 0 to {LIMITS[-1]} KiB tried: one line each, no traceback; 0 runs lost"


def eight_writers(folder: Path) -> str:
    code = (
        "import sys; from pathlib import Path; from bench.store import write_json, read_json\n"
        "path = Path(sys.argv[1])\n"
        "for i in range(200):\n"
        "    write_json(path / f'{sys.argv[2]}-{i}.json', {'by': sys.argv[2], 'i': i})\n"
        "    write_json(path / 'shared.json', {'by': sys.argv[2], 'values': [i] * 100})\n"
        "    assert len(read_json(path / 'shared.json')['values']) == 100\n"
    )
    (folder / "out").mkdir()

    def write(name: int) -> int:
        words = [sys.executable, "-c", code, str(folder / "out"), str(name)]
        return subprocess.run(words, env=surroundings(folder)).returncode

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write, range(8))) == [0] * 8
    found = {path.name for path in (folder / "out").iterdir()}
    assert found == {f"{w}-{i}.json" for w in range(8) for i in range(200)} | {"shared.json"}
    return "1,600 files of 8 writers all there, a shared one whole at each of 1,600 readings"


def not_writable(folder: Path) -> str:
    (folder / "mine.toml").write_text(QUICK)
    (folder / "file").write_text("")
    for results in ("/proc/none", "/sys/none", str(folder / "file"), "/dev/null/below"):
        said = one_line(bench(folder, "--results", results, "--jobs", "1"), 2)
        assert results in said, said
    return "exit 2 and one line that names the folder, at 4 places"


def no_terminal(folder: Path) -> str:
    (folder / "mine.toml").write_text(QUICK)
    done = bench(folder, "--jobs", "2")
    assert done.returncode == 0 and not set("\r\x1b") & set(done.stderr), done.stderr
    assert "[4/4]" in done.stderr
    return "plain lines without control characters"


FAULTS = [
    Fault("kill -9 while a state is written; truncation", "previous used, temporary file removed", torn_state),
    Fault("one flipped byte", "caught by the manifest", flipped_bytes, True),
    Fault("disk full (RLIMIT_FSIZE)", "one message with the path; earlier results intact", disk_full, True),
    Fault("8 writers", "no loss", eight_writers, True),
    Fault("results cannot be written", "clear error", not_writable, True),
    Fault("no terminal", "plain progress", no_terminal, True),
]
