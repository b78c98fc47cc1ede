"""Entries from outside the package: a plug-in is a module with MODELS, DATASETS or METRICS of its own."""

import os
import re
import sys
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

from bench.data import DATASETS, DatasetEntry
from bench.errors import BadInput
from bench.metrics import METRICS
from bench.metrics.types import Metric
from models import MODELS, ModelEntry

REGISTRIES: dict[str, tuple[dict[str, Any], type]] = {
    "MODELS": (MODELS, ModelEntry),
    "DATASETS": (DATASETS, DatasetEntry),
    "METRICS": (METRICS, Metric),
}
_loaded: dict[str, dict[str, tuple[str, ...]]] = {}  # plug-in -> registry -> names


def load(names: Iterable[str]) -> None:
    """Import plug-ins, from the current directory or installed, and add their entries to the registries, once each.

    Every process that carries out runs does this before the first one. Raises BadInput for a module that cannot be
    imported, that has no registry, or with an entry of the wrong type or of a name that is taken.
    """
    for name in names:
        if name not in _loaded:
            _add(name, _imported(name))


def loaded() -> tuple[str, ...]:
    """Return the names of the plug-ins of this process, to be loaded in another."""
    return tuple(_loaded)


def entries(registry: str, plugin: str | None = None) -> tuple[str, ...]:
    """Return the names that plug-ins (or one of them) added to a registry."""
    chosen = _loaded.values() if plugin is None else [_loaded[plugin]]
    return tuple(name for added in chosen for name in added.get(registry, ()))


def _imported(name: str) -> ModuleType:
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", name):
        raise BadInput(f"--plugin {name!r}: give a module's name, such as my_plugin for the file my_plugin.py")
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return import_module(name)
    except Exception as error:  # a module can raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"plug-in {name!r} cannot be imported from {os.getcwd()} ({reason})") from error


def _add(name: str, module: ModuleType) -> None:
    """Add the entries of a module, all or none."""
    found = {key: getattr(module, key) for key in REGISTRIES if hasattr(module, key)}
    if not any(found.values()):
        raise BadInput(f"plug-in {name!r} adds nothing; define {', '.join(REGISTRIES)} (any of them) as dictionaries")
    for key, added in found.items():
        registry, kind = REGISTRIES[key]
        if not isinstance(added, dict):
            raise BadInput(f"plug-in {name!r}: {key} is no dictionary of names and {kind.__name__}s")
        for entry, value in added.items():
            if not isinstance(entry, str) or not isinstance(value, kind):
                raise BadInput(f"plug-in {name!r}: {key}[{entry!r}] is no {kind.__module__}.{kind.__name__}")
            if entry in registry:
                raise BadInput(f"plug-in {name!r}: the name {entry!r} of {key} is taken; choose another")
    for key, added in found.items():
        REGISTRIES[key][0].update(added)
    _loaded[name] = {key: tuple(added) for key, added in found.items()}
