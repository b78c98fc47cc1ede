"""Where data may lie: the folder asked for, $BENCH_DATA, the user's cache; and the one line for what is nowhere."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from bench.errors import BadInput

Progress = Callable[[str, int, int | None], None]  # (label, done so far, total if known)


def cache_folder() -> Path:
    """Return the user's cache folder, `$XDG_CACHE_HOME/vae-bench` or `~/.cache/vae-bench`.

    A user without a home has one in the folder of temporary files.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vae-bench"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"vae-bench-{os.getuid()}"


def terminal_bar() -> Progress:
    """Return a callback that draws one bar per label on stderr, and nothing where stderr is no terminal."""
    bars: dict[str, tqdm] = {}

    def show(label: str, done: int, total: int | None) -> None:
        if label not in bars:
            bars[label] = tqdm(desc=label, total=total, unit_scale=True, file=sys.stderr, disable=None)
        bars[label].update(done - bars[label].n)
        if done == total:
            bars.pop(label).close()

    return show


@dataclass(frozen=True)
class Places:
    """Where to look for files, whether they may be downloaded, and who hears of progress."""

    data_dir: Path | None
    download: bool
    progress: Progress

    def own(self) -> Path | None:
        """Return the folder or archive that the user named: `data_dir`, else `$BENCH_DATA`; BadInput if absent."""
        variable = os.environ.get("BENCH_DATA")
        named = self.data_dir or (Path(variable) if variable else None)
        if named is not None and not (named.is_dir() or named.is_file()):
            what = "is no folder and no file" if named.exists() else "does not exist"
            raise BadInput(f"data folder {named} {what}; check --data-dir or $BENCH_DATA")
        return named

    def roots(self) -> Iterator[Path]:
        """Yield the folders to search, in order; BadInput if the one that the user named is absent or a file."""
        named = self.own()
        if named is not None and not named.is_dir():
            raise BadInput(f"{named} is a file; name the folder that holds it with --data-dir or $BENCH_DATA")
        variable = os.environ.get("BENCH_DATA")
        yield from dict.fromkeys(p for p in (named, Path(variable) if variable else None, cache_folder()) if p)

    def find(self, folders: Iterable[str], names: Iterable[str]) -> Path | None:
        """Return the first root/folder/name that is a file or a folder, roots before folders before names."""
        wanted = [Path(folder, name) for folder in folders for name in names]
        found = (root / path for root in self.roots() for path in wanted)
        return next((path for path in found if path.is_file() or path.is_dir()), None)

    def missing(self, title: str, files: Iterable[str], folders: Iterable[str], remedy: str) -> BadInput:
        """Return the error for files that are in no root: what was looked for, where, and how to point elsewhere."""
        looked = ", ".join(str(root / folder) for root in self.roots() for folder in folders)
        return BadInput(
            f"{title}: {', '.join(files)} not found in {looked}; "
            f"point --data-dir or $BENCH_DATA at the folder that holds them; {remedy}"
        )
