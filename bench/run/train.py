"""The command `run`: a suite trained, measured and written as tables; what it would cost, and what became of it."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from bench.command.options import Options, choose
from bench.command.streams import answer, say
from bench.errors import BadInput, unknown
from bench.runs.work import Work
from bench.study import PRESETS, PresetName
from bench.system.locks import hold

if TYPE_CHECKING:
    from bench.storage.status import Found
    from bench.study.run import Run
    from bench.study.schema import Suite

TABLES_APART = 600  # seconds: a table of the seeds so far is written at most as often


def carry_out(options: Options) -> int:
    """Do what the options of `run` ask for and return the exit code: 0 all done, 1 some run failed, 2 plug-ins lack."""
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


def _check_plugins() -> int:
    from bench import plugins
    from bench.command import listing

    lines = listing.plugin_problems()
    answer("\n".join(lines) if lines else f"{', '.join(plugins.loaded())}: every check passed")
    return 2 if lines else 0


def _status(options: Options) -> int:
    """Print what became of the runs of a suite, in the folder of results or among those that the package carries."""
    from bench.storage import status
    from bench.storage.stored import places
    from bench.study import suite

    presets = (options.preset,) if options.preset else PRESETS
    names = {preset: suite.results_name(options.suite, preset, options.set) for preset in presets}
    folders = [(preset, place / names[preset]) for place in places(options.results) for preset in presets]
    preset, folder = next(((p, folder) for p, folder in folders if status.read(folder)), folders[0])
    found = status.read(folder)
    loaded = suite.load(options.suite, preset, _overrides(options)[1], options.add_row)
    if found and (options.preset or options.set) and not _of_these_settings(found, folder, loaded, options, preset):
        found, folder = None, options.results / names[preset]
    if found is None:
        runs = suite.count(loaded, preset, options.seeds)
        answer(
            json.dumps(None) if options.json else f"{folder}: nothing was begun with these settings; {runs} runs to do"
        )
        return 0
    answer(json.dumps(found) if options.json else status.describe(folder, found))
    return 0


def _of_these_settings(found: "Found", folder: Path, loaded: "Suite", options: Options, preset: PresetName) -> bool:
    """Whether what was found is of the suite as the options change it."""
    from bench import data
    from bench.storage import store
    from bench.study import suite

    if found["configuration"]:
        return found["configuration"] == suite.description(loaded, folder.name, preset)["configuration"]
    shape = data.image_shape(loaded.dataset, loaded.data)
    return bool(store.finished_elsewhere(folder, suite.expand(loaded, options.suite, preset, shape=shape)))


def _overrides(options: Options) -> tuple[Path | None, list[str]]:
    """Return the file of the Inception weights, if there is one, and the settings of --set and of weights' files."""
    from bench.data.places import terminal_bar
    from bench.evaluation.features.inception_weights import checksum, find_weights

    weights, own = find_weights(options.fid_weights, terminal_bar()), options.feature_network
    found = [f'evaluation.fid_weights="{checksum(weights)}"'] if weights else []
    if own is not None:
        if not own.is_file():
            raise BadInput(f"--feature-network {own}: no such file")
        found += [f"evaluation.feature_network={json.dumps(f'{own.stem} {checksum(own)}')}"]
    return weights, [*options.set, *found]


def _run(options: Options) -> int:
    from bench.run import again
    from bench.study import suite

    if options.jobs is not None and options.jobs < 1:
        raise BadInput(f"--jobs {options.jobs}: at least one run at a time")
    weights, overrides = _overrides(options)
    if not options.dry_run:
        choose(options, 1)  # what does not fit is said
        settled = again.settle(options, overrides, lambda known: suite.results_name(options.suite, known, options.set))
        if settled is not None:
            return settled

    import report
    from bench import data, plugins
    from bench.run.stored import what_was_found
    from bench.run.tuning import Tuning
    from bench.runs import remaining
    from bench.runs.cost import describe, plan_lines, refuse_impossible
    from bench.storage import leftovers, status, store
    from bench.storage.stored import adopt
    from report.tables.columns import TABLES

    preset = options.preset or _default_preset()
    loaded = suite.load(options.suite, preset, overrides, options.add_row)
    if loaded.table not in TABLES:
        raise unknown("table", loaded.table, TABLES)
    shape = data.image_shape(loaded.dataset, loaded.data)
    plan = suite.expand(loaded, options.suite, preset, seeds=options.seeds, shape=shape)
    built = refuse_impossible(plan, shape)
    folder = options.results / suite.results_name(options.suite, preset, options.set)
    tuning = Tuning(loaded, preset, plan, options.results / "search" / f"{folder.name}.csv")
    runs = _selected(options, plan)
    suite.refuse_hidden(loaded, preset, runs, options.set)
    if tuning.tasks:
        if not options.dry_run:
            store.prepare(folder)
            with hold(folder), _stoppable():
                tuning.carry_out(
                    runs, folder / "runs" / "search", options.data_dir, choose(options, len(plan))[1].workers
                )
        plan = tuning.applied(plan)
        runs = _selected(options, plan)
    if options.dry_run:
        lines = plan_lines(runs, shape, folder, built)
        answer(json.dumps([line._asdict() for line in lines]) if options.json else describe(lines, loaded, preset))
        return 0
    if options.track:
        from bench.runs import tracking

        tracking.require(options.track)
    _, resources = choose(options, len(runs))
    reused = {} if options.force else _reusable(options, preset, folder, plan)
    todo = [run for run in remaining.unfinished(folder, runs, options.force) if run.id not in reused]
    if not options.force and not options.accept_code_change:
        remaining.refuse_other_code(folder, todo)
    description = suite.description(loaded, folder.name, preset)
    description |= {"tuning": tuning.description()} if tuning.tasks else {}
    now = remaining.data_now(runs, todo, options.data_dir)  # what is missing is said before anything is written
    if todo and weights is not None:
        from bench.evaluation.features.networks import load_inception

        load_inception(weights, "cpu")
    if todo and options.feature_network is not None:
        from bench.evaluation.features.own import OwnNetwork

        OwnNetwork(options.feature_network)
    expand = partial(suite.expand, loaded, options.suite, preset, shape=shape)
    belonging = _belonging(folder, plan, lambda seeds: tuning.applied(expand(seeds=seeds)))
    kept = {run.id for run in belonging} - {run.id for run in todo if options.force}
    remaining.refuse_other_data(folder, kept, now)
    store.prepare(folder)
    with hold(folder) as token:
        leftovers.remove(folder)
        for source in dict.fromkeys(reused.values()):
            adopt(folder, source, [run for run, place in reused.items() if place == source])
        status.write_plan(folder, description, belonging, resources.workers)
        work = Work(
            folder,
            options.data_dir,
            weights,
            plugins.loaded(),
            token,
            tuple(dict.fromkeys(options.track)),
            options.trust_pickle,
            options.feature_network,
        )
        description |= {"arguments": options.given()}
        stack = False if options.track else loaded.stack
        statuses = _carry_out(
            options, work, runs, todo, shape, stack, partial(_written, folder, description, belonging)
        )
        if any((folder / "runs" / run.id).is_dir() for run in runs):  # and not elsewhere
            _keep_anchors(work, runs[0], loaded.table)
        description |= {"other_code": remaining.finished_by_other_code(folder, belonging)}
        try:
            written = _written(folder, description, belonging)
        except report.NoResults as error:
            raise BadInput(str(error)) from None
    page = report.write_page(options.results, claims=False)[0]
    for path in (*written, page):
        say(f"wrote {path}")
    found = what_was_found(folder)
    say(found)
    if options.json:
        fields = ("row", "variant", "seed", "id")
        answer(json.dumps([{k: getattr(r, k) for k in fields} | {"status": statuses[r.id]} for r in runs]))
    failed = [run for run in runs if statuses[run.id] != "done"]
    done = f"{len(runs) - len(failed)} of {len(runs)} runs done"
    if not (failed or description["other_code"] or tuning.tasks):  # what a tuning chose lies elsewhere
        again.keep(options, overrides, folder, runs, now, [_banner(runs, 0), found, done])
    say(f"{done}; table: {folder / 'table.md'}; page: {page}")
    return 1 if failed else 0


def _selected(options: Options, plan: "list[Run]") -> "list[Run]":
    """Return the runs of a plan that the options name: those of added rows, or those that match, else all."""
    from bench.study import suite

    if options.models is not None:
        return suite.select(plan, options.models.split(","))
    added = {suite.row_of(name)["row"] for name in options.add_row}
    return [run for run in plan if run.row in added] or plan


def _written(folder: Path, description: "Mapping[str, object]", belonging: "list[Run]") -> list[Path]:
    """Write suite.json, the packed digests and the tables of what is finished; return the tables' paths."""
    import report
    from bench.storage import packed, store

    store.write_suite(folder, description, belonging)
    packed.pack(folder)
    return report.write(folder)


def _keep_anchors(work: Work, run: "Run", table: str) -> None:
    """Measure training images and noise for the foot of the table; what prevents it is said."""
    from bench.run import anchors

    try:
        anchors.keep(work, run.to_dict(), table)
    except Exception as error:  # the runs are worth more than what their distances are read by
        say(f"bench: anchors are not measured ({type(error).__name__}: {' '.join(str(error).split())})")


def _reusable(options: Options, preset: PresetName, folder: Path, plan: "list[Run]") -> dict[str, Path]:
    """Return where runs lie that need no training again, by id: of a suite that is added to, or is extended."""
    from bench.storage import packed, store
    from bench.storage.stored import places
    from bench.study import suite, suite_files

    base = suite_files.base_of(options.suite) or (options.suite if options.add_row else None)
    if base is None:
        return {}
    name, here = suite.results_name(base, preset), packed.facts(folder)
    found: dict[str, Path] = {}
    for place in places(options.results):
        source = place / name
        ends = store.packed_ends(source, plan) if source != folder else {}
        found |= {run: source for run in ends if run not in found and run not in here}
    there = {run.id for run in plan if (folder / "runs" / run.id).exists()}
    return {run: source for run, source in found.items() if run not in there}


def _belonging(folder: Path, plan: "list[Run]", expand: "Callable[..., list[Run]]") -> "list[Run]":
    """Return the runs that a suite's table is of: the plan, and those of other seeds that suite.json lists."""
    from bench.storage import store

    listed = store.listed(folder)
    seeds = {int(seed) for key in listed if (seed := key.rpartition("/")[2]).isdecimal()}
    known = {*listed.values(), *(run.id for run in plan)}
    return [run for run in expand(seeds=sorted(seeds | {run.seed for run in plan})) if run.id in known]


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
    write: Callable[[], object],
) -> dict[str, str]:
    """Carry out what is not finished, as one where the suite has runs stacked; say what is skipped."""
    from bench import executors
    from bench.command.progress import Display
    from bench.runs import groups
    from bench.storage import store

    folder = work.suite_folder
    banner = _banner(runs, len(todo))
    elsewhere = {} if options.force else store.finished_elsewhere(folder, runs)
    statuses = {run.id: store.status(folder, run) for run in runs} | elsewhere
    if not todo:
        say(banner)
        return statuses
    if options.force:
        store.forget(folder, todo)
    for run in todo:
        if store.is_done(folder, run):  # and damaged
            store.withdraw(folder, run)
    jobs = groups.jobs([run for run in runs if run.id not in elsewhere], todo, shape, stack)
    name, resources = choose(options, len(jobs))
    at_once = f"{resources.workers} {'jobs' if len(jobs) < len(todo) else 'runs'} at once"
    say(f"{banner}, {at_once}")
    wanted = {run.id for run in todo}
    display = Display([[run for run in job if run.id in wanted] for job in jobs], len(todo), resources.workers)

    waited = {seed: {run.id for run in todo if run.seed == seed} for seed in dict.fromkeys(run.seed for run in todo)}
    written = time.monotonic()

    def finished(run: "Run", status: str) -> None:
        nonlocal written
        display.finish(run, status)
        waited[run.seed].discard(run.id)
        if not waited[run.seed] and display.done < display.total and time.monotonic() - written > TABLES_APART:
            with suppress(Exception):  # a table of the seeds so far; the last one tells what is wrong
                write()
            written = time.monotonic()
        if options.fail_fast and status != "done":
            raise _Failed

    try:
        with _stoppable():
            found = executors.resolve(name)(jobs, work, resources, display.update, finished)
    except _Failed:
        say("bench: --fail-fast: stopped at the first run that failed; the same command goes on")
        found = {run.id: store.status(folder, run) for run in todo}
    finally:
        display.close()
    return statuses | found


def _banner(runs: "list[Run]", todo: int) -> str:
    skipped = f", {len(runs) - todo} finished before and skipped" if todo < len(runs) else ""
    return f"suite {runs[0].suite}, preset {runs[0].preset}: {todo} runs{skipped}"


class _Failed(Exception):
    """A run failed, and the suite is to stop at that."""


@contextmanager
def _stoppable() -> Iterator[None]:
    """Have SIGTERM end what runs as Ctrl-C does, with the workers."""
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number))
