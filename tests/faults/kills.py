"""Processes that are killed, told to stop, or die of a run."""

import random
import signal
import time
from pathlib import Path

from .common import (
    Fault,
    Seen,
    assert_same_cells,
    begun,
    bench,
    cells,
    children,
    kill,
    lost,
    one_line,
    statuses,
    wait_for,
)

KILLS, SEED = 20, 0
SHORTENED = """
title = "The digits suite, shortened"
extends = "digits"
seeds = [0, 1]
stack = false
[[rows]]
row = "VAE"
model = "VAE"
variants = ["unidirectional", "bidirectional", "stock"]
[[rows]]
row = "IWAE"
model = "IWAE"
variants = ["unidirectional", "bidirectional"]
[presets.small]
epochs = 40
evaluation = { nll_images = 50, nll_samples = 10, images = 100, gmm_images = 200, tsne_images = 50 }
"""


def _kills(folder: Path, text: str | None) -> Seen:
    """Run a suite with 2 workers undisturbed, and again with 20 kills; every cell and weight must be equal.

    The times between the kills add up to about half the time of the undisturbed work, however fast this machine is; one
    comes earlier where its share of the runs is done, so that the last one still finds work to do.
    """
    name, rng = "digits" if text is None else "mine.toml", random.Random(SEED)
    if text is not None:
        (folder / name).write_text(text)
    suite, undisturbed = (folder / place / name.removesuffix(".toml") for place in ("results", "undisturbed"))
    with begun(folder, "--jobs", "2", suite=name) as child:
        wait_for(lambda: _working(suite), child)
        started = time.monotonic()
        assert child.wait() == 0, child.stderr
        longest = (time.monotonic() - started) / KILLS
    (folder / "results").rename(folder / "undisturbed")
    runs = len(statuses(undisturbed))
    kills = {"coordinators": 0, "workers": 0}
    while sum(kills.values()) < KILLS:
        wait_for(lambda: not _working(suite))  # a dead coordinator's workers end of themselves
        with begun(folder, "--jobs", "2", suite=name) as child:
            if rng.random() < 0.8:  # else anywhere, while it starts
                wait_for(lambda: _working(suite), child)
            of_workers = 0
            while child.poll() is None and sum(kills.values()) < KILLS:
                most = runs * (sum(kills.values()) + 1) // (KILLS + 2)
                _wait(rng.uniform(0, longest), suite, most)
                found = children(child.pid)
                if found and of_workers < 2 and rng.random() < 0.5:  # the third death would end a run as failed
                    kill(rng.choice(found))
                    of_workers += 1
                    kills["workers"] += 1
                elif child.poll() is None:
                    kill(child.pid)
                    kills["coordinators"] += 1
                    break
        assert child.returncode != 0 or sum(kills.values()) == KILLS, f"it was finished after {kills}"
    last = bench(folder, "--jobs", "2", suite=name)
    assert last.returncode == 0, last.stderr
    assert_same_cells(suite, undisturbed)
    _assert_same_weights(suite, undisturbed)
    killed = f"{kills['coordinators']} coordinators and {kills['workers']} workers killed (seed {SEED})"
    text = f"{killed}; {len(cells(suite))} cells and the weights of {runs} runs identical"
    return Seen(text, kills=sum(kills.values()), lost=lost(suite, runs))


def _wait(seconds: float, suite_folder: Path, runs: int) -> None:
    """Wait so long, or until more than so many runs are done."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and list(statuses(suite_folder).values()).count("done") <= runs:
        time.sleep(0.02)


def _working(suite_folder: Path) -> bool:
    from bench.storage.heartbeat import running

    return any(running(path.parent) for path in suite_folder.glob("runs/*/worker.json"))


def _assert_same_weights(one: Path, other: Path) -> None:
    import torch

    from models import load_model

    for folder in other.glob("runs/*/model"):
        first, second = (load_model(place).state_dict() for place in (folder, one / folder.relative_to(other)))
        assert first.keys() == second.keys(), folder.parent.name
        assert all(torch.equal(first[key], second[key]) for key in first), folder.parent.name


def kills_of_a_short_suite(folder: Path) -> Seen:
    return _kills(folder, SHORTENED)


def kills_of_the_digits(folder: Path) -> Seen:
    return _kills(folder, None)


def signals(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(SHORTENED.replace("epochs = 40", "epochs = 100000"))
    seen = []
    for jobs in ("1", "2"):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with begun(folder, "--jobs", jobs, "--models", "VAE/unidirectional") as child:
                wait_for(lambda: _working(folder / "results" / "mine"), child)
                wait_for(lambda: any((folder / "results").glob("mine/runs/*/states/*.sha256")), child)
                kill(child.pid, number)
                assert child.wait() == code, (code, child.stderr)
                said = child.stderr
                assert "go on with: python -m bench.run --suite mine.toml" in said and "Traceback" not in said, said
            assert any((folder / "results").glob("mine/runs/*/states/*.sha256"))
        seen.append(f"--jobs {jobs}: 130, 143")
    return Seen(f"{', '.join(seen)}; a state is stored, the command to go on is printed")


def worker_killed(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(SHORTENED.replace("seeds = [0, 1]", "seeds = [0]"))
    with begun(folder, "--jobs", "2", "--models", "VAE") as child:
        victim = wait_for(lambda: _working(folder / "results" / "mine") and children(child.pid), child)[0]
        kill(victim)
        assert child.wait() == 0, child.stderr
    return Seen("all 3 runs done, exit 0", kills=1, lost=lost(folder / "results" / "mine", 3))


def poison(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(
        'title = "Poison"\nextends = "digits"\n'
        'rows = [{ row = "VAE", model = "VAE", variants = ["stock"] }, '
        '{ row = "killer", model = "Killer", variants = ["unidirectional"] }]\nseeds = [0]\n'
    )
    done = bench(folder, "--plugin", "faulty_models", "--jobs", "2", "--set", "epochs=3")
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    found = statuses(folder / "results" / "mine")
    assert sorted(found.values()) == ["done", "failed"], found
    table = (folder / "results" / "mine" / "measurements.csv").read_text()
    assert "its worker was lost 3 times, at last killed by signal 9" in table
    return Seen("its worker died 3 times, then failed with that reason; the other run is done, exit 1", kills=3)


def two_coordinators(folder: Path) -> Seen:
    (folder / "mine.toml").write_text(SHORTENED.replace("epochs = 40", "epochs = 100000"))
    with begun(folder, "--jobs", "1") as child:
        wait_for(lambda: _working(folder / "results" / "mine"), child)
        said = one_line(bench(folder, "--jobs", "1"), 2)
        assert f"in use by process {child.pid} on " in said and child.poll() is None, said
        kill(child.pid)
        child.wait()
    with begun(folder, "--jobs", "1") as successor:  # the lock of the dead is stale
        wait_for(lambda: _working(folder / "results" / "mine"), successor)
    return Seen("the second is refused with the first's host, pid and time; a killed one's lock is taken over", kills=1)


TWENTY = "kill -9 at 20 random moments, 2 workers"
SHORT = Fault(f"{TWENTY}, short suite", "final table and weights identical", kills_of_a_short_suite, True)
FULL = Fault(f"{TWENTY}, digits suite", "final table and weights identical", kills_of_the_digits, True)
FAULTS = [
    SHORT,
    Fault("SIGINT, SIGTERM", "state stored, exit 130 and 143, hint", signals, True),
    Fault("worker killed", "its run goes on elsewhere", worker_killed, True),
    Fault("poison job", "bounded retries, failed alone", poison, True),
    Fault("two coordinators", "second refused, owner named", two_coordinators, True),
]
