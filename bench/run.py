"""The command line: `python -m bench.run`."""

import argparse
import json
import re
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from bench.errors import BadInput, unknown
from bench.executors import EXECUTORS
from bench.runs.work import Work
from bench.system.locks import Taken, hold

PRESETS = ("small", "paper", "code")  # those of bench.study.schema.Suite; each has a folder of its own


def main(arguments: list[str] | None = None) -> int:
    """Run a suite and return the exit code: 0 all done, 1 some run failed, 2 bad input, 130/143 interrupted."""
    try:
        options = _parser().parse_args(arguments)
        if options.plugin:
            from bench import plugins

            plugins.load(options.plugin)
        if options.check_plugin:
            return _check_plugins()
        if options.list:
            from bench.command import listing

            print(listing.listing(options.json))
            return 0
        if options.status:
            return _status(options)
        return _run(options)
    except (BadInput, Taken) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a disk that is full, or cannot be written
        if error.filename is None and error.errno is None:
            raise
        said = f"{error.filename or options.results}: {error.strerror or error}"
        print(f"bench: {said}; what is finished is kept, the same command goes on", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        command = shlex.join(["python", "-m", "bench.run", *(sys.argv[1:] if arguments is None else arguments)])
        print(f"\nbench: interrupted; finished runs are kept, go on with: {command}", file=sys.stderr)
        return 143 if stopped.args == (signal.SIGTERM,) else 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one line."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; see --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m bench.run",
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
    add("--seeds", metavar="N,…", help="seeds of the runs (default: the suite's)")
    add("--data-dir", type=Path, help="folder that holds the data sets (else $BENCH_DATA, the cache, a download)")
    add("--results", type=Path, default=Path("results"), help="folder for results (default: %(default)s)")
    add("--fid-weights", metavar="FILE", help="pytorch-fid's Inception weights, or 'download', for the FID columns")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting, such as epochs=2")
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
    return parser


def _check_plugins() -> int:
    from bench import plugins
    from bench.command import listing

    lines = listing.plugin_problems()
    print("\n".join(lines) if lines else f"{', '.join(plugins.loaded())}: every check passed")
    return 2 if lines else 0


def _status(options: argparse.Namespace) -> int:
    """Print what became of the runs of a suite."""
    from bench.storage import status
    from bench.study import suite

    presets = (options.preset,) if options.preset else PRESETS
    folders = {p: options.results / suite.results_name(options.suite, p, options.set) for p in presets}
    preset = next((p for p, folder in folders.items() if status.read(folder)), presets[0])
    folder, found = folders[preset], status.read(folders[preset])
    loaded = suite.load(options.suite, preset, _overrides(options)[1])
    if (
        found
        and (options.preset or options.set)
        and found["configuration"] != _description(loaded, folder.name, preset)["configuration"]
    ):
        found = None
    if found is None:
        runs = suite.count(loaded, preset, _seeds(options.seeds))
        print(
            json.dumps(None) if options.json else f"{folder}: nothing was begun with these settings; {runs} runs to do"
        )
        return 0
    print(json.dumps(found) if options.json else status.describe(folder, found))
    return 0


def _overrides(options: argparse.Namespace) -> tuple[Path | None, list[str]]:
    """Return the file of the Inception weights, if there is one, and the settings of --set and of that file."""
    from bench.data.places import terminal_bar
    from bench.evaluation.features.inception_weights import checksum, find_weights

    weights = find_weights(options.fid_weights, terminal_bar())
    return weights, options.set + ([f'evaluation.fid_weights="{checksum(weights)}"'] if weights else [])


def _seeds(text: str | None) -> list[int] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch("[0-9]{1,10}", part) and int(part) < 2**32 for part in parts):
        raise BadInput(f"--seeds {text!r}: write whole numbers from 0 to 2^32 - 1, separated by commas")
    return list(dict.fromkeys(map(int, parts)))


def _run(options: argparse.Namespace) -> int:
    from bench import data, plugins
    from bench.evaluation.features.networks import load_inception
    from bench.executors.resources import choose
    from bench.runs import remaining, tracking
    from bench.runs.cost import describe, plan_lines, refuse_impossible
    from bench.storage import packed, status, store
    from bench.study import suite
    from report.tables.columns import TABLES

    if options.jobs is not None and options.jobs < 1:
        raise BadInput(f"--jobs {options.jobs}: at least one run at a time")
    preset = options.preset or _default_preset()
    weights, overrides = _overrides(options)
    loaded = suite.load(options.suite, preset, overrides)
    if loaded.table not in TABLES:
        raise unknown("table", loaded.table, TABLES)
    shape = data.image_shape(loaded.dataset, loaded.data)
    plan = suite.expand(loaded, options.suite, preset, seeds=_seeds(options.seeds), shape=shape)
    refuse_impossible(plan, shape)
    runs = plan if options.models is None else suite.select(plan, options.models.split(","))
    folder = options.results / suite.results_name(options.suite, preset, options.set)
    if options.dry_run:
        lines = plan_lines(runs, shape, folder)
        print(json.dumps(lines) if options.json else describe(lines, loaded, preset))
        return 0
    tracking.require(options.track)
    _, resources = choose(options, len(runs))
    todo = remaining.unfinished(folder, runs, options.force)
    if not options.force and not options.accept_code_change:
        remaining.refuse_other_code(folder, todo)
    description = _description(loaded, folder.name, preset)
    now = remaining.data_now(runs, todo, options.data_dir)  # what is missing is said before anything is written
    if todo and weights is not None:
        load_inception(weights, "cpu")
    kept = {*store.listed(folder, description["configuration"]), *(run.id for run in plan)}
    remaining.refuse_other_data(folder, kept - {run.id for run in todo if options.force}, now)
    store.prepare(folder)
    with hold(folder) as token:
        status.write_plan(folder, description, plan, resources.workers)
        work = Work(
            folder,
            options.data_dir,
            weights,
            plugins.loaded(),
            token,
            tuple(dict.fromkeys(options.track)),
            options.trust_pickle,
        )
        statuses = _carry_out(options, work, runs, todo, shape, loaded.alone or bool(options.track))
        others = remaining.finished_by_other_code(folder, plan)
        description |= {"other_code": others, "arguments": _given(options)}
        store.write_suite(folder, description, plan)
        packed.pack(folder)
        import report

        try:
            written = report.write(folder)
        except report.NoResults as error:
            raise BadInput(str(error)) from None
    written.append(report.write_page(options.results)[0])
    for path in written:
        print(f"wrote {path}", file=sys.stderr)
    if options.json:
        fields = ("row", "variant", "seed", "id")
        print(json.dumps([{k: getattr(r, k) for k in fields} | {"status": statuses[r.id]} for r in runs]))
    failed = [run for run in runs if statuses[run.id] != "done"]
    print(f"{len(runs) - len(failed)} of {len(runs)} runs done; table: {folder / 'table.md'}", file=sys.stderr)
    return 1 if failed else 0


def _default_preset() -> str:
    import torch

    return "paper" if torch.cuda.is_available() else "small"


def _carry_out(
    options: argparse.Namespace, work: Work, runs: list[Any], todo: list[Any], shape: tuple[int, ...], alone: bool
) -> dict[str, str]:
    """Carry out what is not finished, each run by itself where `alone`; say what is skipped."""
    from bench import executors
    from bench.command.progress import Display
    from bench.executors.resources import choose
    from bench.runs import groups
    from bench.storage import store

    folder = work.suite_folder
    skipped = f", {len(runs) - len(todo)} finished before and skipped" if len(todo) < len(runs) else ""
    banner = f"suite {runs[0].suite}, preset {runs[0].preset}: {len(todo)} runs{skipped}"
    statuses = {run.id: store.status(folder, run) for run in runs}
    if not todo:
        print(banner, file=sys.stderr)
        return statuses
    if options.force:
        store.forget(folder, todo)
    for run in todo:
        if store.is_done(folder, run):  # and damaged
            store.withdraw(folder, run)
    jobs = [(run,) for run in todo] if alone else groups.jobs(runs, todo, shape)
    name, resources = choose(options, len(jobs))
    at_once = f"{resources.workers} {'jobs' if len(jobs) < len(todo) else 'runs'} at once"
    print(f"{banner}, {at_once}", file=sys.stderr)
    display = Display(len(todo), resources.workers)

    def finished(run: Any, status: str) -> None:
        display.finish(run, status)
        if options.fail_fast and status != "done":
            raise _Failed

    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        found = executors.resolve(name)(jobs, work, resources, display.update, finished)
    except _Failed:
        print("bench: --fail-fast: stopped at the first run that failed; the same command goes on", file=sys.stderr)
        found = {run.id: store.status(folder, run) for run in todo}
    finally:
        signal.signal(signal.SIGTERM, previous)
        display.close()
    return statuses | found


class _Failed(Exception):
    """A run failed, and the suite is to stop at that."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number))


def _given(options: argparse.Namespace) -> list[str]:
    """Return the arguments, besides preset, models and seeds, that what was measured depends on."""
    given = ["--suite", options.suite]
    given += [word for module in options.plugin for word in ("--plugin", module)]
    given += [word for setting in options.set for word in ("--set", setting)]
    return given + (["--fid-weights", options.fid_weights] if options.fid_weights else [])


def _description(loaded: Any, name: str, preset: str) -> dict[str, Any]:
    """Return suite.json's contents but for the runs; a plug-in's metric has a column of its own."""
    from bench import plugins
    from bench.metrics import METRICS
    from bench.study import suite

    settings = loaded.model_dump(mode="json", include={"dataset", "data", "likelihood", "rows", "extra_rows"})
    return {
        "configuration": suite.digest(settings | {"preset": loaded.presets[preset].model_dump(mode="json")}),
        "suite": name,
        "title": loaded.title,
        "dataset": loaded.dataset,
        "preset": preset,
        "table": loaded.table,
        "published": loaded.published.model_dump() if loaded.published else None,
        "rows": [row.row for row in loaded.rows],
        "metrics": {
            k: {"label": m.label, "unit": m.unit, "direction": m.direction}
            | ({"column": True} if k in plugins.entries("METRICS") else {})
            for k, m in METRICS.items()
        },
        "note": loaded.note,
    }


if __name__ == "__main__":
    sys.exit(main())
