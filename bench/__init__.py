"""The harness: suites, data, training, evaluation and the command line.

`bench.evaluate` measures a model that comes from elsewhere, `bench.results` gives stored measurements as a table;
importing `bench` loads neither torch nor pandas.

Floors: errors, system, likelihood, data, training, samplers, metrics, plugins, study, storage, evaluation, runs,
executors, command, perf, run.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType


class _Beside(MetaPathFinder):
    """Finds `models` and `report` beside this package, whatever lies under these names where the user is."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where one of the two is; None for any other module."""
        if fullname not in ("models", "report"):
            return None
        return PathFinder.find_spec(fullname, [str(Path(__file__).resolve().parents[1])])


sys.meta_path.insert(0, _Beside())
_LAZY = {"evaluate": "bench.run.evaluating", "results": "bench.run.stored"}


def __getattr__(name: str) -> object:
    """Return one of the functions of `_LAZY`, its module imported now."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
