"""What the command line answers without carrying anything out: the registries' names, and what plug-ins lack."""

import json

from bench import data, plugins, suite
from bench.errors import BadInput
from bench.metrics import METRICS
from models import MODELS


def listing(as_json: bool) -> str:
    """Return the names of suites, models, data sets and metrics."""
    found = {
        "suites": suite.names(),
        "models": sorted(MODELS),
        "datasets": sorted(data.DATASETS),
        "metrics": sorted(METRICS),
    }
    return json.dumps(found) if as_json else "\n".join(f"{kind}: {', '.join(names)}" for kind, names in found.items())


def plugin_problems() -> list[str]:
    """Return what the entries of the loaded plug-ins lack, one line each; raises BadInput where none is loaded."""
    if not plugins.loaded():
        raise BadInput("--check-plugin: name the plug-in with --plugin MODULE")
    from bench import contract

    return [f"{plugin}: {line}" for plugin in plugins.loaded() for line in contract.problems(plugin)]
