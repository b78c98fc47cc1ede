"""Many who write at once, and folders that cannot be written."""

import csv
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .common import QUICK, Fault, Seen, bench, lost, one_line, surroundings
from .permissions import obey

WRITERS, TIMES = 8, 100
WRITER = """
import sys
from pathlib import Path
from bench.storage.store import read_json, write_json
path, name = Path(sys.argv[1]), sys.argv[2]
for i in range(int(sys.argv[3])):
    write_json(path / f"{name}-{i}.json", {"by": name, "i": i})
    write_json(path / "shared.json", {"by": name, "values": [i] * 100})
    found = read_json(path / "shared.json")["values"]
    assert len(found) == 100 and len(set(found)) == 1
"""


def eight_writers(folder: Path) -> Seen:
    (folder / "out").mkdir()

    def write(name: int) -> int:
        words = [sys.executable, "-c", WRITER, str(folder / "out"), str(name), str(TIMES)]
        return subprocess.run(words, env=surroundings(folder)).returncode

    with ThreadPoolExecutor(WRITERS) as pool:
        assert list(pool.map(write, range(WRITERS))) == [0] * WRITERS
    found = {path.name for path in (folder / "out").iterdir()}
    assert found == {f"{w}-{i}.json" for w in range(WRITERS) for i in range(TIMES)} | {"shared.json"}
    text = QUICK.replace("seeds = [0, 1]", f"seeds = {list(range(WRITERS))}\nstack = false")
    (folder / "mine.toml").write_text(text.replace("epochs = 3", "epochs = 1"))
    done = bench(folder, "--jobs", str(WRITERS))
    assert done.returncode == 0, done.stderr
    with (folder / "results" / "mine" / "measurements.csv").open(newline="") as file:
        keys = [(line["path"], line["metric"], line["setting"]) for line in csv.DictReader(file)]
    each = len(keys) // (2 * WRITERS)
    assert len(keys) == len(set(keys)) == 2 * WRITERS * each and len({key[0] for key in keys}) == 2 * WRITERS
    text = f"{WRITERS * TIMES} files all there, a shared one whole at each reading; {len(keys)} measurements of "
    text += f"{2 * WRITERS} runs of {WRITERS} workers, each once"
    return Seen(text, lost=lost(folder / "results" / "mine", 2 * WRITERS))


def not_writable(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(QUICK)
    (folder / "file").write_text("")
    (folder / "readonly").mkdir(mode=0o555)
    places = ("/proc/none", "/dev/null/below", str(folder / "file"), str(folder / "readonly"))
    for results in places:
        said = one_line(bench(folder, "--results", results, "--jobs", "1", first=obey), 2)
        assert results in said, said
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    made = sorted((folder / "results").rglob("*"), reverse=True)
    for path in made:
        os.chmod(path, 0o444 if path.is_file() else 0o555)
    said = one_line(bench(folder, "--jobs", "1", first=obey), 2)
    assert "results" in said and sorted((folder / "results").rglob("*"), reverse=True) == made, said
    for path in made:
        os.chmod(path, 0o644 if path.is_file() else 0o755)
    text = f"exit 2 and one line that names the folder, at {len(places)} places and in finished results"
    return Seen(text, lost=lost(folder / "results" / "mine", 2))


def no_terminal(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(QUICK)
    done = bench(folder, "--jobs", "2")
    assert done.returncode == 0 and not set("\r\x1b") & set(done.stderr), done.stderr
    assert "[4/4]" in done.stderr
    return Seen("plain lines without control characters")


FAULTS = [
    Fault(f"{WRITERS} writers", "no loss, no duplicates", eight_writers, True),
    Fault("read-only results", "clear error", not_writable, True),
    Fault("no terminal", "plain progress", no_terminal, True),
]
