"""The command line: `python -m bench.run`."""

import argparse
import json
import re
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from bench.errors import BadInput


def main(arguments: list[str] | None = None) -> int:
    """Run a suite and return the exit code: 0 all done, 1 some run failed, 2 bad input, 130/143 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        if options.list:
            return _list(options.json)
        return _run(options)
    except BadInput as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        command = shlex.join(["python", "-m", "bench.run", *(sys.argv[1:] if arguments is None else arguments)])
        print(f"\nbench: interrupted; finished runs are kept, go on with: {command}", file=sys.stderr)
        return 143 if stopped.args == (signal.SIGTERM,) else 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.run",
        description="Train and evaluate a suite of variational autoencoders and write its tables.",
    )
    add = parser.add_argument
    add("--suite", default="digits", help="name of a suite, or a TOML file of your own (default: %(default)s)")
    add("--preset", choices=("small", "paper"), help="sizes (default: paper on an accelerator, small otherwise)")
    add("--models", metavar="GLOB,…", help="only rows or models that match, such as 'VAE,beta*' or 'VAE/control'")
    add("--seeds", metavar="N,…", help="seeds of the runs (default: the suite's)")
    add("--data-dir", type=Path, help="folder that holds the data sets (else $BENCH_DATA, the cache, a download)")
    add("--results", type=Path, default=Path("results"), help="folder for results (default: %(default)s)")
    add("--fid-weights", metavar="FILE", help="pytorch-fid's Inception weights, or 'download', for the FID columns")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting, such as epochs=2")
    add("--jobs", type=int, help="runs at once (default: one a core, at most 8; one on an accelerator)")
    add("--force", action="store_true", help="train anew what is finished")
    add("--dry-run", action="store_true", help="print the runs with parameters and cost, and stop")
    add("--list", action="store_true", help="print suites, models, data sets and metrics, and stop")
    add("--json", action="store_true", help="print JSON on standard output")
    return parser


def _list(as_json: bool) -> int:
    from bench import data, suite
    from bench.metrics import METRICS
    from models import MODELS

    found = {
        "suites": suite.names(),
        "models": sorted(MODELS),
        "datasets": sorted(data.DATASETS),
        "metrics": sorted(METRICS),
    }
    if as_json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{kind}: {', '.join(names)}" for kind, names in found.items()))
    return 0


def _seeds(text: str | None) -> list[int] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch("[0-9]{1,10}", part) and int(part) < 2**32 for part in parts):
        raise BadInput(f"--seeds {text!r}: write whole numbers from 0 to 2^32 - 1, separated by commas")
    return list(dict.fromkeys(map(int, parts)))


def _run(options: argparse.Namespace) -> int:
    from bench import data, store, suite
    from bench.data.places import terminal_bar
    from bench.metrics.weights import checksum, find_weights
    from bench.plan import describe, plan_lines
    from bench.train import configure

    if options.jobs is not None and options.jobs < 1:
        raise BadInput(f"--jobs {options.jobs}: at least one run at a time")
    preset = options.preset or _default_preset()
    weights, overrides = find_weights(options.fid_weights, terminal_bar()), list(options.set)
    if weights is not None:
        overrides.append(f'evaluation.fid_weights="{checksum(weights)}"')
    loaded = suite.load(options.suite, preset, overrides)
    shape = data.image_shape(loaded.dataset, loaded.data)
    plan = suite.expand(loaded, options.suite, preset, seeds=_seeds(options.seeds), shape=shape)
    for run in plan:
        configure(run, shape)
    runs = plan if options.models is None else suite.select(plan, options.models.split(","))
    folder = options.results / plan[0].suite
    if options.dry_run:
        lines = plan_lines(runs, shape, folder)
        print(json.dumps(lines) if options.json else describe(lines, loaded, preset))
        return 0
    statuses = _carry_out(options, weights, runs, folder, shape)
    ids = store.write_suite(folder, _description(loaded, plan[0].suite, preset), plan)
    written = [store.write_measurements(folder, ids)]
    import report

    written += report.write(folder)
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
    options: argparse.Namespace, weights: Path | None, runs: list[Any], folder: Path, shape: tuple[int, ...]
) -> dict[str, str]:
    """Carry out what is not finished; say what is skipped."""
    from bench import data, executors, groups, store
    from bench.features import load_inception
    from bench.progress import Display

    todo = [run for run in runs if options.force or not store.is_done(folder, run)]
    skipped = f", {len(runs) - len(todo)} finished before and skipped" if len(todo) < len(runs) else ""
    banner = f"suite {runs[0].suite}, preset {runs[0].preset}: {len(todo)} runs{skipped}"
    statuses = {run.id: store.status(folder, run) for run in runs}
    if not todo:
        print(banner, file=sys.stderr)
        return statuses
    data.load(runs[0].dataset, data_dir=options.data_dir, settings=runs[0].data)  # what is missing is said at once
    if weights is not None:
        load_inception(weights, "cpu")
    store.prepare(folder)
    for run in todo if options.force else ():
        store.forget(folder, run)
    jobs = groups.jobs(runs, todo, shape)
    workers = min(options.jobs or executors.default_workers(len(jobs)), len(jobs))
    print(f"{banner}, {workers} {'jobs' if len(jobs) < len(todo) else 'runs'} at once", file=sys.stderr)
    display = Display(len(todo), workers)
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        found = executors.carry_out(jobs, folder, options.data_dir, weights, workers, display.update, display.finish)
    finally:
        signal.signal(signal.SIGTERM, previous)
        display.close()
    return statuses | found


def _terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number))


def _description(loaded: Any, name: str, preset: str) -> dict[str, Any]:
    """Return suite.json's contents but for the runs."""
    from bench import suite
    from bench.metrics import METRICS

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
        "metrics": {k: {"label": m.label, "unit": m.unit, "direction": m.direction} for k, m in METRICS.items()},
        "note": loaded.note,
    }


if __name__ == "__main__":
    sys.exit(main())
