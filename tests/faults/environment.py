"""Plug-ins, streams, homes and clocks that are not as one would have them."""

import json
import os
from functools import partial
from pathlib import Path

import pytest

from .checks import FEW, passed
from .common import Fault, Seen, bench, cells, lost, one_line

METRICS = {  # name -> what the plug-in's function returns, and the status of its cell
    "float32": ("Measured(np.float32(1.5), np.float64(0.5), np.int64(len(x)))", "ok"),
    "tensor": ("Measured(torch.tensor(1.5), n=torch.tensor(3))", "ok"),
    "nan-error": ("Measured(1.0, float('nan'))", "failed"),
    "bare": ("1.0", "failed"),
    "nothing": ("None", "failed"),
    "many": ("Measured(x)", "failed"),
    "exit": ("__import__('sys').exit(3)", "failed"),
}


def plugin_types(folder: Path) -> Seen:
    lines = ["import numpy as np, torch", "from bench.metrics.types import Measured, Metric", "METRICS = {}"]
    for number, (name, (value, _)) in enumerate(METRICS.items()):
        lines.append(f"f{number} = lambda x: {value}")
        metric = f'Metric("M{number}", "", "lower", "odd_metrics:f{number}", ("test_images",), "")'
        lines.append(f'METRICS["{name}"] = {metric}')
    (folder / "odd_metrics.py").write_text("\n".join(lines))
    names = json.dumps([*METRICS, "neg_elbo"])
    (folder / "mine.toml").write_text(FEW.replace('["neg_elbo", "psnr"]', names))
    done = bench(folder, "--plugin", "odd_metrics", "--jobs", "1", "--seeds", "0")
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    for path in (folder / "results" / "mine" / "digests").glob("*/digest.json"):
        found = {m["metric"]: m["status"] for m in json.loads(path.read_text())["measurements"]}
        assert {name: found[name] for name in METRICS} == {name: status for name, (_, status) in METRICS.items()}
        assert found["neg_elbo"] == "ok"
    (folder / "mine.toml").write_text(FEW)
    for value in ("nan", "[" * 5000, "{ a = " * 30 + "1" + " }" * 30):
        one_line(bench(folder, "--jobs", "1", "--set", f"options.VAE.beta={value}", "--dry-run"), 2)
    text = f"{len(METRICS)} odd values: 2 made plain, {len(METRICS) - 2} failed cells, every other cell there; "
    text += "odd options: exit 2"
    return Seen(text, lost=lost(folder / "results" / "mine", 2))


def streams(folder: Path) -> Seen:
    from tests.bench.run import test_startup as tests

    closed = [
        partial(lambda place, how: tests.test_streams_that_are_closed_cost_what_is_said_there(how, place), how=how)
        for how in ("<&-", ">&-", "2>&-")
    ]
    passed(folder, *closed)
    for stream, code, said in (("| true", 141, ""), (">/dev/full", 2, "bench: standard output: No space left")):
        tests.test_an_answer_that_nobody_reads_is_a_quiet_end_and_a_full_disk_is_named(stream, code, said)

    def close() -> None:
        import sys

        os.close(2)
        sys.stderr = None  # type: ignore[assignment]

    def unread() -> None:
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 2)

    (folder / "mine.toml").write_text(FEW)
    for seed, spoil in enumerate((close, unread)):
        words = ("--jobs", "1", "--seeds", str(seed), "--models", "VAE/unidirectional")
        assert bench(folder, *words, first=spoil).returncode == 0
    assert cells(folder / "results" / "mine")
    text = "closed: all is done; unread: 141, in a training nothing; full: exit 2, standard output is named"
    return Seen(text, lost=lost(folder / "results" / "mine", 2))


def homes_and_clocks(folder: Path) -> Seen:
    from tests.bench.system.test_locks import test_a_lock_from_before_the_clock_was_set_back_is_stale as clock
    from tests.project.test_environment import (
        test_without_a_home_the_cache_is_a_folder_of_temporary_files as without_a_home,
    )

    passed(folder, *(partial(clock, far=far) for far in (json.dumps({"place": "elsewhere"}), "{")))
    with pytest.MonkeyPatch.context() as patched:
        without_a_home(patched)
    return Seen("without a home: a cache in the temporary folder; locks of a time to come are taken over")


FAULTS = [
    Fault("a plug-in's odd types, odd options", "failed cells, exit 2; the others go on", plugin_types, True),
    Fault("closed, broken and full streams", "the work is done", streams, True),
    Fault("no home, a clock set back", "a temporary cache; stale", homes_and_clocks),
]
