"""What a job needs besides its runs: the work that all jobs of a call share, and who hears of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.study.run import Run

Job = Sequence["Run"]  # one, or several that train together
Hear = Callable[["Run", str], None]  # (run, text)


@dataclass(frozen=True)
class Work:
    """What all jobs of a call share; it travels to every process that carries out runs.

    `plugins` are loaded there before the first run; `token` is that of the lock on the folder (bench/system/locks.py):
    a process that finds another in its place stops. `track` names the trackers (bench/runs/tracking.py) that hear of
    runs. `trust_pickle` says that stored models may be loaded which hold pickles, as those of a plug-in can.
    """

    suite_folder: Path
    data_dir: Path | None = None
    fid_weights: Path | None = None
    plugins: tuple[str, ...] = ()
    token: str | None = None
    track: tuple[str, ...] = ()
    trust_pickle: bool = False
    feature_network: Path | None = None


@dataclass(frozen=True)
class Listener:
    """Who hears what a run is doing, and with which status each one ends."""

    progress: Hear
    finished: Hear
