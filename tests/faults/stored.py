"""Caches and results that are damaged, copied, or were left by killed processes."""

import random
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from .checks import FEW, passed, tested
from .common import Fault, Seen, assert_same_cells, bench, cells, kill, lost

FLIPS, SOME = 200, 40


def _each_flip(path: Path, tries: Callable[[], None]) -> int:
    """Call a function once for each of some flipped bits of a file, which is as it was then."""
    whole, rng = path.read_bytes(), random.Random(0)
    for _ in range(FLIPS):
        spoilt = bytearray(whole)
        spoilt[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(spoilt)
        tries()
    path.write_bytes(whole)
    return FLIPS


def caches(folder: Path) -> Seen:
    from tests.bench.data.test_listing import test_no_flipped_bit_of_decoded_images_is_believed as decoded
    from tests.bench.evaluation.test_classifier import test_no_damage_to_the_cache_is_believed as classifier
    from tests.bench.system.test_cache import test_a_damaged_file_is_made_anew_and_mended as mended
    from tests.bench.system.test_checked import test_two_hundred_flipped_bits_and_every_shorter_file_are_noticed as any_

    cut = [partial(mended, damage=damage) for damage in (lambda data: data[: len(data) // 2], lambda _: b"")]
    passed(folder, decoded, classifier, any_, *cut)
    return Seen(
        "classifier, decoded images, features: every damage is noticed, what was kept is made anew",
        flips=42 + 2 * FLIPS,
    )


def readers(folder: Path) -> Seen:
    import report.store
    from models import load_model

    (folder / "mine.toml").write_text(FEW)
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    suite = folder / "results" / "mine"
    run = next(suite.glob("runs/vae-unidirectional-*"))
    (suite / "digests.jsonl").unlink(missing_ok=True)
    whole = len(report.store.read_suite(suite).digests)

    def loaded() -> None:
        try:
            load_model(run)
        except ValueError as error:
            assert run.name in str(error), error
        else:
            raise AssertionError("a damaged model was loaded")

    def shown() -> None:
        assert len(report.store.read_suite(suite).digests) == whole - 1

    flips = _each_flip(run / "model" / "model.pt", loaded)
    flips += _each_flip(suite / "digests" / run.name / "digest.json", shown)
    assert whole == 2 and load_model(run) and len(report.store.read_suite(suite).digests) == whole
    return Seen(f"{flips} of {flips} flipped bits are noticed by load_model and by the report", flips=flips)


def copies(folder: Path) -> Seen:
    from tests.bench.system import test_locks as tests

    odd = [partial(tests.test_a_lock_of_odd_contents_is_taken_for_torn, changes=c) for c in (*tests.ODD, "[" * 100_000)]
    copied = tests.test_the_lock_in_a_copy_of_a_held_folder_is_no_ones_and_in_a_moved_one_its_owners
    passed(folder, copied, tests.test_a_pipe_in_the_place_of_a_lock_is_not_waited_for, *odd)
    (folder / "mine.toml").write_text(FEW)
    assert bench(folder, "--jobs", "1", "--seeds", "0").returncode == 0
    shutil.copytree(folder / "results" / "mine", folder / "copies" / "mine")
    done = bench(folder, "--jobs", "1", "--seeds", "0", "--results", "copies")
    assert done.returncode == 0 and "2 finished before and skipped" in done.stderr, done.stderr
    assert_same_cells(folder / "results" / "mine", folder / "copies" / "mine")
    return Seen(f"the copy of a held folder is free, a moved one is not; {len(odd)} odd locks are taken over")


def leftovers(folder: Path) -> Seen:
    import os

    from bench.training.checkpoint import Checkpoints

    def killed() -> None:
        Checkpoints.clear = lambda self: kill(os.getpid())  # type: ignore[method-assign]

    (folder / "mine.toml").write_text(FEW)
    suite = folder / "results" / "mine"
    words = ("--jobs", "1", "--seeds", "0", "--models", "VAE/unidirectional")
    assert bench(folder, *words, first=killed).returncode == -signal.SIGKILL
    (run,) = suite.glob("runs/vae-*")
    assert list(run.glob("states/*.pt"))
    for place in (suite, run, run / "states"):
        (place / "record.json.0a1b2c3d.partial").touch()
    (run / "digest.partial").mkdir()
    assert bench(folder, *words).returncode == 0 and cells(suite)
    left = [str(path) for path in suite.rglob("*") if "partial" in path.name or path.name in ("states", "lock.json")]
    assert not left, left
    return Seen("states of a finished training, unfinished files and folders: gone", kills=1, lost=lost(suite, 1))


def flipped_bits(folder: Path) -> Seen:
    from tests.flips import every_row

    rows = list(every_row(folder, SOME))
    kinds, flips = len({row.kind for row in rows}), sum(row.flips for row in rows)
    text = f"{flips} bits in {kinds} kinds of files, each read in every way that there is: "
    text += (
        f"{sum(row.noticed for row in rows)} noticed, the others without effect (python -m tests.flips has the table)"
    )
    return Seen(text, flips=flips)


def mutated(folder: Path) -> Seen:
    places = ("tests/report/test_mutated.py", "tests/bench/study/test_mutated_suite.py")
    found = tested(folder, *places, "tests/bench/storage/test_mutated_status.py")
    text = (
        f"digests, suites, manifests, page data, suite files, plans and records: {found['passed']} tests by hypothesis"
    )
    return Seen(f"{text}; 2,000 inputs of each in the slow ones")


FAULTS = [
    Fault("caches damaged", "made anew", caches),
    Fault("flipped bits of all that is kept", "noticed, or without effect on what is shown", flipped_bits, True),
    Fault("mutated inputs", "a line, no traceback", mutated, True),
    Fault("readers of damaged results", "refused, or left out with a line", readers, True),
    Fault("copied folders, odd locks", "what is no one's is taken", copies, True),
    Fault("leftovers of killed processes", "removed by the next call", leftovers, True),
]
