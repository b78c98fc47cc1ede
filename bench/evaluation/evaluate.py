"""From the arrays of a trained model to measurements: every wanted metric, blank with a reason where it has none."""

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from bench.evaluation.arrays.evaluation import Evaluation, setting_text
from bench.evaluation.arrays.registry import ARRAYS
from bench.metrics import METRICS, Metric
from bench.metrics.types import Blank, Measured
from bench.samplers import SAMPLERS
from bench.study.schema import Evaluation as Settings
from bench.system.memory import keep_freed_memory, out_of_memory


@dataclass(frozen=True)
class Measurement:
    """One number of one run by a version of a metric; `status` is "ok", or "blank" with the reason why it has none."""

    metric: str
    setting: str
    value: float | None
    se: float | None = None
    n: int | None = None
    status: str = "ok"
    reason: str | None = None
    version: int = 1


def wanted(settings: Settings) -> list[tuple[str, Metric, Mapping[str, str]]]:
    """Return the metrics of the registry in all their settings; of extras, probes, samplers, names those asked for."""
    asked = {"probe": settings.probes, "sampler": settings.samplers}
    extras = (None, *settings.extras, *(["own"] if settings.feature_network else []))
    metrics = [(name, m) for name, m in METRICS.items() if m.extra in extras]
    metrics = [(name, m) for name, m in metrics if name in (settings.metrics or METRICS)]
    cells = [(name, metric, setting) for name, metric in metrics for setting in metric.settings]
    return [cell for cell in cells if all(value in asked.get(axis, (value,)) for axis, value in cell[2].items())]


def measure(evaluation: Evaluation) -> list[Measurement]:
    """Return every wanted metric, in the registry's order; blank with a reason where it cannot be had."""
    keep_freed_memory()
    return [_measure(evaluation, *cell) for cell in wanted(evaluation.settings)]


def unmeasured(settings: Settings, status: str, reason: str) -> list[Measurement]:
    """Return the same cells for a run that gave no model, without values."""
    return [_empty(name, metric, setting, status, reason) for name, metric, setting in wanted(settings)]


def unasked(settings: Settings) -> list[Measurement]:
    """Return the cells of the registry that the settings do not ask for, blank, with what would."""
    asked = {(name, setting_text(setting)) for name, _, setting in wanted(settings)}
    found = []
    for name, metric in METRICS.items():
        extra = "" if metric.extra in (None, *settings.extras) else f"the extra {metric.extra!r} of evaluation.extras"
        for setting in metric.settings:
            if (name, setting_text(setting)) not in asked:
                axes = [f"{setting[key]!r} of evaluation.{key}s" for key in ("sampler", "probe") if key in setting]
                what = extra or (axes[0] if axes else "the name in evaluation.metrics")
                found.append(_empty(name, metric, setting, "blank", f"not asked for: {what}"))
    return found


def needs(metric: Metric) -> frozenset[str]:
    """Return the capabilities that a model must have for a metric: its own and those of its arrays."""
    return metric.needs.union(*(ARRAYS[name].needs for name in metric.inputs))


def _obstacle(metric: Metric, setting: Mapping[str, str], capabilities: frozenset[str]) -> str | None:
    """Return why a model with these capabilities has no such number, or None where it may have one."""
    if missing := sorted(needs(metric) - capabilities):
        return f"the model has no {missing[0]}"
    return SAMPLERS[setting["sampler"]].obstacle(capabilities) if "sampler" in setting else None


def _empty(name: str, metric: Metric, setting: Mapping[str, str], status: str, reason: str) -> Measurement:
    return Measurement(name, setting_text(setting), None, status=status, reason=reason, version=metric.version)


def _measure(evaluation: Evaluation, name: str, metric: Metric, setting: Mapping[str, str]) -> Measurement:
    text = setting_text(setting)
    try:
        if reason := evaluation.settings.blank.get(name) or _obstacle(metric, setting, evaluation.view.capabilities):
            raise Blank(reason)
        arrays = [evaluation.get(array, setting) for array in metric.inputs]
        rng = np.random.default_rng(crc32(f"{name}:{text}:{evaluation.seed}".encode()))
        found = metric.function()(*arrays, **metric.options({"setting": setting, "rng": rng}))
        if not isinstance(found, Measured):
            raise TypeError(f"the metric gave {type(found).__name__}, not Measured")
    except Blank as blank:
        return _empty(name, metric, setting, "blank", str(blank))
    except (Exception, SystemExit) as error:  # one cell that cannot be computed leaves the others
        if out_of_memory(error):  # which is no property of the model
            raise
        return _empty(name, metric, setting, "failed", f"{type(error).__name__}: {error}")
    return Measurement(name, text, found.value, found.se, found.n, version=metric.version)
