"""The command line: `python -m bench.run`."""

import json
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from bench.command.options import Options, choose, parse
from bench.command.streams import answer, prepare, say
from bench.errors import BadInput, unknown
from bench.runs.work import Work
from bench.study import PRESETS, PresetName
from bench.system.locks import Taken, hold

if TYPE_CHECKING:
    from bench.study.run import Run


def main(arguments: list[str] | None = None) -> int:
    """Run a suite and return the exit code: 0 all done, 1 some run failed, 2 bad input, 130/143 interrupted."""
    prepare()
    try:
        options = parse(arguments)
        if options.plugin:
            from bench import plugins

            plugins.load(options.plugin)
        if options.check_plugin:
            return _check_plugins()
        if options.list:
            from bench.command import listing

            answer(listing.listing(options.json))
            return 0
        if options.status:
            return _status(options)
        return _run(options)
    except (BadInput, Taken) as error:
        say(f"bench: {error}")
        return 2
    except OSError as error:  # a disk that is full, or cannot be written
        if error.filename is None and error.errno is None:
            raise
        said = f"{error.filename or options.results}: {error.strerror or error}"
        say(f"bench: {said}; what is finished is kept, the same command goes on")
        return 2
    except KeyboardInterrupt as stopped:
        command = shlex.join(["python", "-m", "bench.run", *(sys.argv[1:] if arguments is None else arguments)])
        say(f"\nbench: interrupted; finished runs are kept, go on with: {command}")
        return 143 if stopped.args == (signal.SIGTERM,) else 130


def _check_plugins() -> int:
    from bench import plugins
    from bench.command import listing

    lines = listing.plugin_problems()
    answer("\n".join(lines) if lines else f"{', '.join(plugins.loaded())}: every check passed")
    return 2 if lines else 0


def _status(options: Options) -> int:
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
        and found["configuration"] != suite.description(loaded, folder.name, preset)["configuration"]
    ):
        found = None
    if found is None:
        runs = suite.count(loaded, preset, options.seeds)
        answer(
            json.dumps(None) if options.json else f"{folder}: nothing was begun with these settings; {runs} runs to do"
        )
        return 0
    answer(json.dumps(found) if options.json else status.describe(folder, found))
    return 0


def _overrides(options: Options) -> tuple[Path | None, list[str]]:
    """Return the file of the Inception weights, if there is one, and the settings of --set and of that file."""
    from bench.data.places import terminal_bar
    from bench.evaluation.features.inception_weights import checksum, find_weights

    weights = find_weights(options.fid_weights, terminal_bar())
    return weights, [*options.set, *([f'evaluation.fid_weights="{checksum(weights)}"'] if weights else [])]


def _run(options: Options) -> int:
    from bench import data, plugins
    from bench.evaluation.features.networks import load_inception
    from bench.runs import remaining, tracking
    from bench.runs.cost import describe, plan_lines, refuse_impossible
    from bench.storage import leftovers, packed, status, store
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
    plan = suite.expand(loaded, options.suite, preset, seeds=options.seeds, shape=shape)
    refuse_impossible(plan, shape)
    runs = plan if options.models is None else suite.select(plan, options.models.split(","))
    folder = options.results / suite.results_name(options.suite, preset, options.set)
    if options.dry_run:
        lines = plan_lines(runs, shape, folder)
        answer(json.dumps([line._asdict() for line in lines]) if options.json else describe(lines, loaded, preset))
        return 0
    tracking.require(options.track)
    _, resources = choose(options, len(runs))
    todo = remaining.unfinished(folder, runs, options.force)
    if not options.force and not options.accept_code_change:
        remaining.refuse_other_code(folder, todo)
    description = suite.description(loaded, folder.name, preset)
    now = remaining.data_now(runs, todo, options.data_dir)  # what is missing is said before anything is written
    if todo and weights is not None:
        load_inception(weights, "cpu")
    kept = {*store.listed(folder, str(description["configuration"])), *(run.id for run in plan)}
    remaining.refuse_other_data(folder, kept - {run.id for run in todo if options.force}, now)
    store.prepare(folder)
    with hold(folder) as token:
        leftovers.remove(folder)
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
        statuses = _carry_out(options, work, runs, todo, shape, False if options.track else loaded.stack)
        others = remaining.finished_by_other_code(folder, plan)
        description |= {"other_code": others, "arguments": options.given()}
        store.write_suite(folder, description, plan)
        packed.pack(folder)
        import report

        try:
            written = report.write(folder)
        except report.NoResults as error:
            raise BadInput(str(error)) from None
    written.append(report.write_page(options.results)[0])
    for path in written:
        say(f"wrote {path}")
    if options.json:
        fields = ("row", "variant", "seed", "id")
        answer(json.dumps([{k: getattr(r, k) for k in fields} | {"status": statuses[r.id]} for r in runs]))
    failed = [run for run in runs if statuses[run.id] != "done"]
    say(f"{len(runs) - len(failed)} of {len(runs)} runs done; table: {folder / 'table.md'}")
    return 1 if failed else 0


def _default_preset() -> PresetName:
    import torch

    return "paper" if torch.cuda.is_available() else "small"


def _carry_out(
    options: Options,
    work: Work,
    runs: "list[Run]",
    todo: "list[Run]",
    shape: tuple[int, ...],
    stack: bool | None,
) -> dict[str, str]:
    """Carry out what is not finished, as one where the suite has runs stacked; say what is skipped."""
    from bench import executors
    from bench.command.progress import Display
    from bench.runs import groups
    from bench.storage import store

    folder = work.suite_folder
    skipped = f", {len(runs) - len(todo)} finished before and skipped" if len(todo) < len(runs) else ""
    banner = f"suite {runs[0].suite}, preset {runs[0].preset}: {len(todo)} runs{skipped}"
    statuses = {run.id: store.status(folder, run) for run in runs}
    if not todo:
        say(banner)
        return statuses
    if options.force:
        store.forget(folder, todo)
    for run in todo:
        if store.is_done(folder, run):  # and damaged
            store.withdraw(folder, run)
    jobs = groups.jobs(runs, todo, shape, stack)
    name, resources = choose(options, len(jobs))
    at_once = f"{resources.workers} {'jobs' if len(jobs) < len(todo) else 'runs'} at once"
    say(f"{banner}, {at_once}")
    display = Display(len(todo), resources.workers)

    def finished(run: "Run", status: str) -> None:
        display.finish(run, status)
        if options.fail_fast and status != "done":
            raise _Failed

    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        found = executors.resolve(name)(jobs, work, resources, display.update, finished)
    except _Failed:
        say("bench: --fail-fast: stopped at the first run that failed; the same command goes on")
        found = {run.id: store.status(folder, run) for run in todo}
    finally:
        signal.signal(signal.SIGTERM, previous)
        display.close()
    return statuses | found


class _Failed(Exception):
    """A run failed, and the suite is to stop at that."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number))


if __name__ == "__main__":
    sys.exit(main())
