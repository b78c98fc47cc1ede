"""Stored results: as a table (`bench.results`), checked (`check`), rebuilt (`report`), judged (`claims`)."""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.command.options import Parser
from bench.command.streams import answer
from bench.errors import BadInput
from bench.storage import packed, store, stored
from bench.system.files import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from report.store import Suite

COLUMNS = ("row", "variant", "seed", "metric", "setting", "value", "se", "n", "version", "status", "reason")


def results(where: str | Path, folder: str | Path = "runs") -> "pd.DataFrame":
    """Return stored measurements, a line a run, metric and setting: the columns `COLUMNS`.

    `where` is a folder of a suite's results, or a suite's name, which is looked for in `folder` and then among the
    results that the package carries. Raises BadInput where there are none.
    """
    import pandas as pd

    suite = _read(Path(where), Path(folder))
    lines = [
        (d.row, d.variant, d.seed, m["metric"], m.get("setting") or "", m["value"])
        + (m.get("se"), m.get("n"), m.get("version", 1), m["status"], m.get("reason"))
        for d in suite.digests
        for m in d.facts["measurements"]
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _read(where: Path, folder: Path) -> "Suite":
    """Return the suite of a folder, or of a name."""
    from report import NoResults
    from report.store import read_suite

    try:
        return read_suite(stored.find(where, folder))
    except NoResults as error:
        raise BadInput(str(error)) from None


def check_main(arguments: list[str]) -> int:
    """Say of a folder of results whether it is whole, and what it is of; return 0 where it is, else 1."""
    parser = Parser(prog="vae-bench check", description="Say whether results from elsewhere are whole, and of what.")
    parser.add_argument("folder", type=Path, help="a suite's folder of results")
    options = parser.parse_args(arguments, argparse.Namespace())
    lines, whole = check(options.folder)
    answer("\n".join(lines))
    return 0 if whole else 1


def check(folder: Path) -> tuple[list[str], bool]:
    """Return what is to be said of a folder of results, and whether nothing is damaged or missing."""
    from bench.metrics import METRICS

    suite = _read(folder, folder)
    problems = [*suite.problems, *_damage(folder)]
    facts = [digest.facts for digest in suite.digests]
    made: list[dict[str, Any]] = [dict(f["provenance"]) for f in facts]
    runs = Counter(digest.status for digest in suite.digests)
    lines = [f"{folder}: suite {suite.name}, preset {suite.facts['preset']}, {len(facts)} runs"]
    lines.append("  runs: " + ", ".join(f"{n} {status}" for status, n in sorted(runs.items())))
    for label, told in (
        ("code", [str(m.get("git") or "not known") for m in made]),
        ("code of the models", [str(m.get("code") or "not known") for m in made]),
        ("data", [f"{d.data.get('name')}, SHA-256 {str(d.data.get('sha256'))[:16]}" for d in suite.digests]),
        ("torch", [str((m.get("versions") or {}).get("torch")) for m in made]),
    ):
        lines.append(f"  {label}: " + "; ".join(f"{what} ({n} runs)" for what, n in Counter(told).most_common()))
    versions: dict[str, set[int]] = {}
    for m in (m for f in facts for m in f["measurements"] if m["status"] == "ok"):
        versions.setdefault(m["metric"], set()).add(m.get("version", 1))
    for name, found in sorted(versions.items()):
        now = METRICS[name].version if name in METRICS else None
        if found != {now}:
            was = " and ".join(map(str, sorted(found)))
            lines.append(f"  metric {name}: version {was}, " + (f"today {now}" if now else "not known here"))
    lines += [f"  {line}" for line in _tables(suite)]
    lines += [f"  problem: {problem}" for problem in problems]
    lines.append("  whole" if not problems else f"  not whole: {len(problems)} problems")
    return lines, not problems


def _damage(folder: Path) -> list[str]:
    """Return the files of runs that are not what their manifests say."""
    from bench.system import manifest

    found = []
    for place in sorted((folder / "runs").glob("*/manifest.json")):
        run = place.parent
        damaged = manifest.damage(run, folder / "digests" / run.name)
        found += [f"{run.name}: {name} is absent or not as it was written" for name in damaged]
    return found


def _tables(suite: "Suite") -> list[str]:
    """Return which suite's table the runs may stand in: the one whose runs, by their settings, they are."""
    from bench import data
    from bench.study import PRESETS, suite_files
    from bench.study.suite import expand, folder_name, load

    ids, seeds = {d.id for d in suite.digests}, sorted({d.seed for d in suite.digests})
    said = []
    for name in suite_files.names():
        for preset in PRESETS:
            known = suite_files.read(suite_files.find(name))
            mine = name == suite.digests[0].facts.get("suite") if suite.digests else False
            if preset not in known["presets"] or (folder_name(name, preset) != suite.name and not mine):
                continue
            loaded = load(name, preset)
            plan = expand(loaded, name, preset, seeds=seeds, shape=data.image_shape(loaded.dataset, loaded.data))
            there = {run.id for run in plan}
            rest = f", {len(ids - there)} are of other settings" if ids - there else ""
            if ids & there:
                said.append(f"table: {len(ids & there)} of {len(ids)} runs may stand in {name}, preset {preset}{rest}")
    return said or ["table: of no suite that comes with the project, or with other settings"]


def what_was_found(folder: Path) -> str:
    """Return the table as text, and what is resolved between its rows."""
    from bench.command.terminal import as_text
    from report.store import read_suite
    from report.tables.assemble import make_table

    table = make_table(read_suite(folder))
    headers = ["", *(f"{c.header} {arrow}" for c, arrow in zip(table.columns, table.arrows, strict=True))]
    text = as_text(headers, [[line.label, *(cell.display for cell in line.cells)] for line in table.lines])
    resolved = []
    for line in table.lines:
        better = [c.header for c, cell in zip(table.columns, line.cells, strict=True) if cell.best]
        if better:
            resolved.append(f"{line.label} is better than its pair in {', '.join(' '.join(b.split()) for b in better)}")
    return f"\n{text}\n\n" + ("\n".join(resolved) or "no difference between the rows of a pair is resolved")


def report_main(arguments: list[str]) -> int:
    """Rebuild what `python -m report` rebuilds, by default of runs/, with results of others that are named."""
    from report.__main__ import main

    parser = Parser(prog="vae-bench report", description=main.__doc__)
    parser.add_argument("others", nargs="*", help="others' results to add: folders, or suites that the package carries")
    parser.add_argument("--results", type=Path, default=Path("runs"), help="folder of suites (default: %(default)s)")
    parser.add_argument("--suite", help="tables and figures of this suite alone (default: all)")
    options, words = parser.parse_known_args(arguments, argparse.Namespace())
    words += ["--suite", options.suite] if options.suite else []
    for folder in (stored.find(other, options.results) for other in options.others):
        if folder.resolve() != (options.results / folder.name).resolve():
            take_over(folder, options.results / folder.name)
    return main(["--results", str(options.results), *words])


def take_over(folder: Path, target: Path) -> None:
    """Add the packed digests of another's results to those of a folder; rows, runs and anchors of its own stay."""
    about, before = stored.suite_facts(folder), stored.suite_facts(target)
    if about is None:
        raise BadInput(f"{folder} holds no results of a suite: no suite.json that can be read")
    if before is not None and before["dataset"] != about["dataset"]:
        raise BadInput(f"{folder} is of {about['dataset']}, {target} of {before['dataset']}")
    runs = {**about["runs"], **(before or {"runs": {}})["runs"]}
    stored.adopt(target, folder, list(runs.values()))
    there = packed.facts(target).keys() | {path.name for path in (target / "digests").glob("*")}
    rows = [*(before or {"rows": []})["rows"], *about["rows"]]
    kept = {key: run for key, run in runs.items() if run in there or before is not None and key in before["runs"]}
    store.write_json(
        target / "suite.json", {**about, **(before or {}), "rows": list(dict.fromkeys(rows)), "runs": kept}
    )
    if (folder / packed.ANCHORS).is_file() and not (target / packed.ANCHORS).is_file():
        write_whole(target / packed.ANCHORS, (folder / packed.ANCHORS).read_bytes())


def claims_main(arguments: list[str]) -> int:
    """Print the verdict on each statement, one line each, or what stands behind one; return 0."""
    from report.claims.document import detail, listed

    parser = Parser(prog="vae-bench claims", description="Say what stored results say of the papers' statements.")
    parser.add_argument("id", nargs="?", help="one statement: rows, intervals, seeds and commands (default: the list)")
    parser.add_argument("--results", type=Path, help="folder of suites (default: the committed results)")
    options = parser.parse_args(arguments, argparse.Namespace())
    folder = options.results or stored.committed()
    if folder is None or not folder.is_dir():
        raise BadInput(f"--results {folder}: no such folder")
    try:
        answer(detail(folder, options.id) if options.id else "\n".join(listed(folder)))
    except ValueError as error:
        raise BadInput(str(error)) from error
    return 0
