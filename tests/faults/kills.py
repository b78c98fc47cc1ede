"""Processes that are killed, told to stop, or die of a run."""

import random
import shutil
import signal
import time
from pathlib import Path

from .common import ROOT, Fault, begun, bench, cells, children, kill, one_line, statuses, wait_for

KILLS = 20
SHORT = """
title = "The digits suite, shortened"
extends = "digits"
seeds = [0, 1]
alone = true
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


def _kills(folder: Path, text: str | None, rng: random.Random) -> str:
    """Run a suite with 2 workers undisturbed, and again with 20 kills; every cell must be equal."""
    name = "digits" if text is None else "mine.toml"
    if text is not None:
        (folder / "mine.toml").write_text(text)
    stem = name.removesuffix(".toml")
    assert bench(folder, "--jobs", "2", suite=name).returncode == 0
    (folder / "results").rename(folder / "undisturbed")
    kills = {"coordinator": 0, "worker": 0}
    while sum(kills.values()) < KILLS:
        wait_for(lambda: not _working(folder / "results" / stem))  # a dead coordinator's workers end of themselves
        with begun(folder, "--jobs", "2", suite=name) as child:
            of_this_call = 0
            while sum(kills.values()) < KILLS:
                if of_this_call == 0 and rng.random() < 0.8:  # else anywhere, while it starts
                    wait_for(lambda: child.poll() is not None or _working(folder / "results" / stem))
                time.sleep(rng.uniform(0, 2.0))
                if child.poll() is not None:
                    break
                workers = children(child.pid)
                of_this_call += 1
                if workers and of_this_call < 3 and rng.random() < 0.5:  # the third death would end a run as failed
                    kill(rng.choice(workers))
                    kills["worker"] += 1
                else:
                    kill(child.pid)
                    kills["coordinator"] += 1
                    break
            done = child.wait() == 0
        if done:
            break
    assert sum(kills.values()) == KILLS, f"it was finished after {kills}"
    last = bench(folder, "--jobs", "2", suite=name)
    assert last.returncode == 0, last.stderr
    assert cells(folder / "results" / stem) == cells(folder / "undisturbed" / stem)
    _same_weights(folder / "results" / stem, folder / "undisturbed" / stem)
    runs, table = len(statuses(folder / "results" / stem)), len(cells(folder / "results" / stem))
    killed = f"{kills['coordinator']} coordinators and {kills['worker']} workers killed"
    return f"{killed}; {table} cells and the weights of {runs} runs identical; runs lost: 0"


def _working(suite_folder: Path) -> bool:
    from bench.presence import running

    return any(running(path.parent) for path in suite_folder.glob("runs/*/worker.json"))


def _same_weights(one: Path, other: Path) -> None:
    import torch

    from models import load_model

    for folder in one.glob("runs/*/model"):
        first, second = (load_model(place).state_dict() for place in (folder, other / folder.relative_to(one)))
        assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def kills_of_a_short_suite(folder: Path) -> str:
    return _kills(folder, SHORT, random.Random(0))


def kills_of_the_digits(folder: Path) -> str:
    return _kills(folder, None, random.Random(1))


def signals(folder: Path) -> str:
    (folder / "mine.toml").write_text(SHORT.replace("epochs = 40", "epochs = 200"))
    seen = []
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with begun(folder, "--jobs", "2", "--models", "VAE/unidirectional") as child:
            wait_for(lambda: _working(folder / "results" / "mine"), child)
            wait_for(lambda: any((folder / "results").glob("mine/runs/*/states/*.sha256")), child)
            kill(child.pid, number)
            assert child.wait() == code, (code, child.stderr)
            said = child.stderr
            assert "go on with: python -m bench.run --suite mine.toml" in said and "Traceback" not in said, said
        assert any((folder / "results").glob("mine/runs/*/states/*.sha256"))
        seen.append(f"{signal.Signals(number).name}: {code}")
    return f"{', '.join(seen)}; the state is stored, the command to go on is printed"


def worker_killed(folder: Path) -> str:
    (folder / "mine.toml").write_text(SHORT.replace("seeds = [0, 1]", "seeds = [0]"))
    with begun(folder, "--jobs", "2", "--models", "VAE") as child:
        victim = wait_for(lambda: _working(folder / "results" / "mine") and children(child.pid), child)[0]
        kill(victim)
        assert child.wait() == 0, child.stderr
    found = statuses(folder / "results" / "mine")
    assert set(found.values()) == {"done"}
    return f"{len(found)} of {len(found)} runs done, exit 0"


def poison(folder: Path) -> str:
    (folder / "mine.toml").write_text(
        'title = "Poison"\nextends = "digits"\n'
        'rows = [{ row = "VAE", model = "VAE", variants = ["stock"] }, '
        '{ row = "killer", model = "Killer", variants = ["unidirectional"] }]\nseeds = [0]\n'
    )
    shutil.copy(ROOT / "tests" / "faulty_models.py", folder)
    done = bench(folder, "--plugin", "faulty_models", "--jobs", "2", "--set", "epochs=3")
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    found = statuses(folder / "results" / "mine")
    assert sorted(found.values()) == ["done", "failed"], found
    table = (folder / "results" / "mine" / "measurements.csv").read_text()
    assert "its worker was lost 3 times, at last killed by signal 9" in table
    return "its worker died 3 times, then failed with that reason; the other run is done, exit 1"


def two_coordinators(folder: Path) -> str:
    (folder / "mine.toml").write_text(SHORT)
    with begun(folder, "--jobs", "1") as child:
        wait_for(lambda: _working(folder / "results" / "mine"), child)
        said = one_line(bench(folder, "--jobs", "1"), 2)
        assert f"in use by process {child.pid} on " in said and child.poll() is None, said
        kill(child.pid)
        child.wait()
    with begun(folder, "--jobs", "1") as successor:  # the lock of the dead is stale
        wait_for(lambda: _working(folder / "results" / "mine"), successor)
    return "the second is refused with the first's host, pid and time; a killed one's lock is taken over"


FAULTS = [
    Fault("kill -9 at 20 random moments, 2 workers", "final table and weights identical", kills_of_a_short_suite, True),
    Fault("SIGINT, SIGTERM", "state stored, exit 130 and 143, hint", signals, True),
    Fault("worker killed", "its run goes on elsewhere", worker_killed, True),
    Fault("poison job", "bounded retries, failed alone", poison, True),
    Fault("two coordinators", "second refused, owner named", two_coordinators, True),
]
FULL = [Fault("kill -9 at 20 random moments of the digits suite", "final table identical", kills_of_the_digits, True)]
