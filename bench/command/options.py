"""What a command line can say, in the standard library alone, and where its runs are carried out."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bench.errors import BadInput
from bench.executors import EXECUTORS, Resources, default_workers
from bench.study import PRESETS, PresetName

COMMANDS = {
    "run": "train and evaluate a suite, and write its tables",
    "evaluate": "measure a trained model, a sampler or a folder of images, beside stored rows",
    "plan": "the runs of a suite with parameters and cost; nothing is trained",
    "status": "what of a suite is done, running, failed and to do, and how long yet",
    "report": "tables, figures, claims and the page, from stored results alone",
    "claims": "what stored results say of the papers' claims",
    "evidence": "all that is to be run for the papers' statements: what is missing of it, in its order",
    "anchors": "training images, and noise, measured in the place of samples, for the foot of stored tables",
    "check": "whether results from elsewhere are whole, and what they are of",
    "list": "suites, models, data sets and metrics",
    "settings": "every key that --set takes, with type, default and meaning",
}
MOST_SEEDS = 100_000  # of a range


class Options(argparse.Namespace):
    """A command line as it was given."""

    suite: str
    preset: PresetName | None
    models: str | None
    seeds: Sequence[int] | None
    data_dir: Path | None
    results: Path
    fid_weights: str | None
    feature_network: Path | None
    set: Sequence[str]
    add_row: Sequence[str]
    plugin: Sequence[str]
    check_plugin: bool
    track: Sequence[str]
    jobs: int | None
    executor: str | None
    scheduler: str | None
    gpu: bool
    wait: float
    accept_code_change: bool
    fail_fast: bool
    trust_pickle: bool
    force: bool
    dry_run: bool
    status: bool
    list: bool
    json: bool

    def given(self) -> Sequence[str]:
        """Return the arguments, besides preset, models and seeds, that what was measured depends on."""
        words = ["--suite", self.suite]
        words += [word for module in self.plugin for word in ("--plugin", module)]
        words += [word for setting in self.set for word in ("--set", setting)]
        words += [word for model in self.add_row for word in ("--add-row", model)]
        words += ["--fid-weights", self.fid_weights] if self.fid_weights else []
        return words + (["--feature-network", str(self.feature_network)] if self.feature_network else [])


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one line."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; see --help")


def parse(arguments: list[str], program: str = "python -m bench.run") -> Options:
    """Read the command line of `run`; raises BadInput."""
    parser = Parser(
        prog=program,
        description="Train and evaluate a suite of variational autoencoders and write its tables.",
    )
    add = parser.add_argument
    add("--suite", default="digits", help="name of a suite, or a TOML file of your own (default: %(default)s)")
    add(
        "--preset",
        choices=PRESETS,
        help="sizes (default: paper on an accelerator, else small); code: as a paper's code differs, where it does",
    )
    add("--models", metavar="GLOB,…", help="only rows or models that match, such as 'VAE,beta*' or 'VAE/control'")
    add("--seeds", type=_seeds, metavar="N,A-B,…", help="seeds of the runs (default: the suite's)")
    add("--data-dir", type=Path, help="folder that holds the data sets (else $BENCH_DATA, the cache, a download)")
    add("--results", type=Path, default=Path("runs"), help="folder for results (default: %(default)s)")
    add("--fid-weights", metavar="FILE", help="pytorch-fid's Inception weights, or 'download', for the FID columns")
    add("--feature-network", type=Path, metavar="FILE", help="TorchScript: images in [0, 1] to features, for distances")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting, such as epochs=2")
    add(
        "--add-row",
        action="append",
        default=[],
        metavar="MODEL",
        help="a row more of this model, beside what is stored",
    )
    add("--plugin", action="append", default=[], metavar="MODULE", help="add a module's models, data sets and metrics")
    add("--check-plugin", action="store_true", help="say what the plug-ins lack, one line each, and stop")
    add("--track", action="append", default=[], metavar="NAME", help="send curves and pictures there: tensorboard, …")
    add("--jobs", type=int, help="runs at once (default: one a core, at most 8; one an accelerator)")
    add("--executor", choices=EXECUTORS, help="where runs are carried out (default: workers, or here for one job)")
    add("--scheduler", metavar="WHERE", help="of Dask: an address, or slurm, pbs, sge, … (default: on this machine)")
    add("--gpu", action="store_true", help="carry out runs only where there is an accelerator")
    add("--wait", type=float, default=60.0, metavar="SECONDS", help="for a worker of Dask (default: %(default)g)")
    add("--accept-code-change", action="store_true", help="go on with trainings that other code began")
    add("--fail-fast", action="store_true", help="stop at the first run that fails; by default the others go on")
    add("--trust-pickle", action="store_true", help="load models that hold pickles, which can run any code")
    add("--force", action="store_true", help="train anew what is finished")
    add("--dry-run", action="store_true", help="print the runs with parameters and cost, and stop")
    add("--status", action="store_true", help="say what is done, running, failed and to do, and stop")
    add("--list", action="store_true", help="print suites, models, data sets and metrics, and stop")
    add("--json", action="store_true", help="print JSON on standard output")
    return parser.parse_args(arguments, Options())


def _seeds(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        ends = [int(end) for end in part.split("-")] if re.fullmatch(r" *[0-9]{1,10}(-[0-9]{1,10})? *", part) else []
        if not ends or ends[-1] >= 2**32 or not 0 <= ends[-1] - ends[0] < MOST_SEEDS:
            raise argparse.ArgumentTypeError(
                f"{text!r}: write whole numbers from 0 to 2^32 - 1, or ranges of them such as 0-9, separated by commas"
            )
        found += range(ends[0], ends[-1] + 1)
    return list(dict.fromkeys(found))


def choose(options: Options, jobs: int) -> tuple[str, Resources]:
    """Return the name of the executor for so many jobs, and what it has; raises BadInput for what does not fit."""
    name, scheduler = options.executor, options.scheduler
    if scheduler and name not in (None, "dask"):
        raise BadInput(f"--executor {name} takes no --scheduler; leave out one of the two")
    if scheduler and ":" not in scheduler and options.jobs is None:
        raise BadInput(f"--scheduler {scheduler}: say with --jobs how many jobs to submit to the batch system")
    if not 0 < options.wait < float("inf"):
        raise BadInput(f"--wait {options.wait:g}: more than 0 seconds")
    most = options.jobs or (jobs if scheduler else default_workers(jobs))
    workers = max(1, min(most, jobs))
    if name is None:
        name = "dask" if scheduler else "in-process" if workers == 1 else "workers"
    if name == "in-process" and workers > 1 and options.jobs:
        raise BadInput("--executor in-process carries out one run at once; leave out --jobs")
    assert name in EXECUTORS
    return name, Resources(1 if name == "in-process" else workers, scheduler, options.gpu, options.wait)
