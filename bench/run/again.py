"""A call of which everything was finished by the last one like it: known without planning, which builds networks."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import data
from bench.command.options import Options
from bench.command.streams import answer, say
from bench.errors import BadInput
from bench.study import PRESETS, suite_files
from bench.system.files import write_whole
from bench.system.manifest import checksum

if TYPE_CHECKING:
    from bench.study.run import Run

STAMP = Path("runs", "finished.json")
_ASKED = ("suite", "preset", "models", "seeds", "add_row", "data_dir")  # what a plan depends on
_DEVICES = ("nvidia[0-9]*", "kfd", "dxg")  # files of /dev by which an accelerator is seen
_CODE = ("bench", "models", "report")


def settle(options: Options, overrides: Sequence[str], name: Callable[[Any], str]) -> int | None:
    """Say again what the last call like this one said, and return 0; None where there was none, or where its folder,
    its data or the code are not as it left them.

    `overrides` are the settings that the options come to; `name` gives the name of a preset's folder of results.
    """
    if options.force or options.plugin or options.track:
        return None
    presets = (options.preset,) if options.preset else PRESETS
    for folder in (options.results / name(preset) for preset in presets):
        with suppress(OSError, ValueError, KeyError, TypeError, BadInput):
            before = json.loads((folder / STAMP).read_bytes())
            if before["call"] == _call(options, overrides) and before["contents"] == _contents(folder):
                return _again(options, folder, before) if _same_data(options, before["data"]) else None
    return None


def keep(
    options: Options,
    overrides: Sequence[str],
    folder: Path,
    runs: Iterable["Run"],
    now: Mapping[str, str],
    said: list[str],
) -> None:
    """Keep what a call said that left nothing to do, but for where table and page lie.

    `now` is the SHA-256 of each data set by `data_key`.
    """
    from bench.storage.data_version import data_key

    runs = list(runs)
    sets = {data_key(run.dataset, run.data): [run.dataset, dict(run.data)] for run in runs}
    if options.plugin or sets.keys() != now.keys():
        return
    fields = ("row", "variant", "seed", "id")
    stamp = {
        "call": _call(options, overrides),
        "contents": _contents(folder),
        "data": [[*sets[key], known] for key, known in now.items()],
        "said": said,
        "runs": [{key: getattr(run, key) for key in fields} | {"status": "done"} for run in runs],
    }
    with suppress(OSError):
        write_whole(folder / STAMP, json.dumps(stamp).encode(), durable=False)


def _again(options: Options, folder: Path, before: Mapping[str, Any]) -> int:
    import report

    page = report.write_page(options.results, claims=False)[0]
    *lines, done = before["said"]
    for line in lines:
        say(line)
    if options.json:
        answer(json.dumps(before["runs"]))
    say(f"{done}; table: {folder / 'table.md'}; page: {page}")
    return 0


def _same_data(options: Options, known: Iterable[tuple[str, Mapping[str, str], str]]) -> bool:
    """Whether each data set is here, of the images that the runs were made of. Raises BadInput where one is not."""
    return all(
        data.load(name, data_dir=options.data_dir, settings=settings, download=False).sha256 == sha256
        for name, settings, sha256 in known
    )


def _call(options: Options, overrides: Sequence[str]) -> str:
    """Return a hash of what a plan depends on: options, the suite's file, the code, and whether there is an
    accelerator, which chooses the preset."""
    asked = [str(getattr(options, key)) for key in _ASKED]
    devices = sorted(path.name for pattern in _DEVICES for path in Path("/dev").glob(pattern))
    suite = checksum(suite_files.find(options.suite))
    return hashlib.sha256(repr((asked, devices, suite, list(overrides), _code())).encode()).hexdigest()


@cache
def _code() -> str:
    """Return a hash of the project's sources and suites."""
    root = Path(__file__).resolve().parents[2]
    files = (path for part in _CODE for ending in ("py", "toml") for path in (root / part).rglob(f"*.{ending}"))
    return hashlib.sha256(repr([(str(path), checksum(path)) for path in sorted(files)]).encode()).hexdigest()


def _contents(folder: Path) -> str:
    """Return a hash of all that lies in a folder of results, but for the stamp."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / STAMP:
            found.update(f"{path.relative_to(folder)!r} {checksum(path)}\n".encode())
    return found.hexdigest()
