"""What the command line answers without carrying anything out: the registries' names, and what plug-ins lack."""

import json

from bench import data, plugins
from bench.errors import BadInput
from bench.evaluation.arrays.registry import ARRAYS
from bench.metrics import METRICS
from bench.study import suite_files
from models import MODELS, NO_TWIN


def listing(as_json: bool) -> str:
    """Return what there is: the names for a program, or for a reader suites by title and models by variant."""
    if as_json:
        kinds = {"suites": suite_files.names(), "models": MODELS, "datasets": data.DATASETS, "metrics": METRICS}
        return json.dumps({kind: sorted(found) for kind, found in kinds.items()})
    titles = suite_files.titles()
    width = max(map(len, titles))
    lines = ["suites:", *(f"  {name:{width}}  {title}" for name, title in titles.items())]
    variants: dict[str, list[str]] = {}
    for name, entry in MODELS.items():
        variants.setdefault(entry.variant, []).append(name)
    lines += [f"models, {variant}: {', '.join(sorted(found))}" for variant, found in variants.items()]
    lines += [f"models, not bidirectional: {name}: {reason}" for name, reason in NO_TWIN.items()]
    lines += [f"datasets: {', '.join(sorted(data.DATASETS))}", f"metrics: {', '.join(sorted(METRICS))}"]
    return "\n".join([*lines, "arrays that metrics take:", *arrays()])


def arrays() -> list[str]:
    """Return a line for each array: its name, what it holds, and what it needs of a model."""
    width, lines = max(map(len, ARRAYS)), []
    for name, array in ARRAYS.items():
        needs = f" (needs {', '.join(sorted(array.needs))})" if array.needs else ""
        lines.append(f"  {name:{width}}  {array.holds}{needs}")
    return lines


def plugin_problems() -> list[str]:
    """Return what the entries of the loaded plug-ins lack, one line each; raises BadInput where none is loaded."""
    if not plugins.loaded():
        raise BadInput("--check-plugin: name the plug-in with --plugin MODULE")
    from bench.command import plugin_check

    return [f"{plugin}: {line}" for plugin in plugins.loaded() for line in plugin_check.problems(plugin)]
