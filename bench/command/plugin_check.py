"""What an entry of MODELS, DATASETS or METRICS keeps to, one line for each thing that is missing."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args, get_type_hints

import torch
from pythae.models import BaseAE

from bench import plugins
from bench.data import DATASETS, image_shape
from bench.errors import BadInput
from bench.evaluation.arrays.registry import ARRAYS
from bench.metrics import METRICS
from models import MODELS, load_model
from models.capabilities import CAPABILITIES
from models.networks.kinds import network_types

SHAPE, LATENT, N = (1, 8, 8), 4, 6
NETWORK = {"channels": (8, 16), "strides": (2, 2), "hidden": (32,)}


def problems(plugin: str) -> list[str]:
    """Return what is wrong with the entries of a loaded plug-in; empty where all is well."""
    checks = {"MODELS": model_problems, "DATASETS": dataset_problems, "METRICS": metric_problems}
    found = []
    for registry, check in checks.items():
        for name in plugins.entries(registry, plugin):
            found += [f"{registry}[{name!r}]: {problem}" for problem in check(name)]
    return found


def _collect(check: Callable[[str], Iterator[str]]) -> Callable[[str], list[str]]:
    """Return a check whose lines end with the exception that stopped it, if one did."""

    def collected(name: str) -> list[str]:
        lines: list[str] = []
        try:
            lines.extend(check(name))
        except Exception as error:  # the author's code can raise anything
            lines.append(" ".join(f"{type(error).__name__}: {error}".split()))
        return lines

    collected.__doc__ = check.__doc__
    return collected


def build(name: str, **fields: object) -> BaseAE:
    """Return a small model of the registry for images [1, 8, 8]."""
    torch.manual_seed(0)
    kind = MODELS[name].resolve()
    hints = get_type_hints(kind.config_class)
    network = NETWORK if any("channels" in get_type_hints(of) for of in network_types(kind.config_class)) else {}
    settings = {"reconstruction_loss": get_args(hints["reconstruction_loss"])[0], "network": network, **fields}
    return kind(kind.config_class(input_dim=SHAPE, latent_dim=LATENT, **settings))


@_collect
def model_problems(name: str) -> Iterator[str]:
    """Yield what a model lacks: its names, strict configuration, capabilities, loss, gradients, storage."""
    kind = MODELS[name].resolve()
    if not (isinstance(kind, type) and issubclass(kind, BaseAE)):
        yield f"{MODELS[name].target} is no subclass of pythae's BaseAE"
        return
    config = getattr(kind, "config_class", None)
    if config is None or config.__name__ != f"{name}Config" or kind.__name__ != name:
        yield f"class {kind.__name__} and its config_class must be named {name} and {name}Config; see with_networks"
        return
    if missing := {"network", "reconstruction_loss"} - get_type_hints(config).keys():
        yield f"its configuration has no {' and no '.join(sorted(missing))}; see with_networks"
        return
    if MODELS[name].variant not in ("unidirectional", "bidirectional", "stock", "corrected"):
        yield f"the variant {MODELS[name].variant!r} is no column of the tables"
    has = set(getattr(kind, "capabilities", ()))
    if missing := {"encode", "reconstruct", "generate"} - has:
        yield f"its capabilities lack {', '.join(sorted(missing))}"
    if unknown := has - CAPABILITIES:
        yield f"its capabilities {', '.join(sorted(unknown))} are none of {', '.join(sorted(CAPABILITIES))}"
    try:
        build(name, no_such_key=1)
        yield "its configuration takes unknown keys; forbid them, as with_networks does"
    except (TypeError, ValueError):
        pass
    yield from _training_problems(build(name).train())
    yield from _storage_problems(build(name).eval())


def _images() -> torch.Tensor:
    return torch.rand(N, *SHAPE, generator=torch.Generator().manual_seed(0))


def _training_problems(model: BaseAE) -> Iterator[str]:
    inputs = {"data": _images(), "labels": torch.zeros(N, dtype=torch.long)}
    loss = model(inputs, epoch=1, dataset_size=100, uses_ddp=False).loss
    if loss.ndim or not torch.isfinite(loss):
        yield f"forward's loss is {loss.detach().tolist()}, not one finite number"
        return
    loss.backward()
    if unreached := [key for key, p in model.named_parameters() if p.requires_grad and p.grad is None]:
        yield f"the loss reaches no {', '.join(unreached)}"


@torch.no_grad()
def _storage_problems(model: BaseAE) -> Iterator[str]:
    codes = model.embed(_images())
    if codes.ndim != 2 or len(codes) != N:
        yield f"embed gives {list(codes.shape)} for {N} images; one code [N, L] each"
    if not torch.equal(codes, model.embed(_images())):
        yield "embed gives other codes the second time; return the mean, in evaluation mode"
    with TemporaryDirectory() as folder:
        model.save(folder)
        if pickles := [p.name for p in Path(folder).rglob("*.pkl")]:
            yield f"save writes {', '.join(pickles)}, which run code when loaded; build networks from the configuration"
        elif not torch.equal(codes, load_model(folder).embed(_images())):
            yield "a stored model gives other codes when it is loaded"


@_collect
def metric_problems(name: str) -> Iterator[str]:
    """Yield what a metric lacks: its function and arguments, inputs, needs, direction, text."""
    metric = METRICS[name]
    function = metric.function()
    try:
        inspect.signature(function).bind(*metric.inputs, **metric.options({"setting": {}, "rng": None}))
    except TypeError as error:
        yield f"{metric.target} must take ({', '.join(metric.inputs)}), and of setting and rng what it uses: {error}"
    if not isinstance(metric.version, int) or metric.version < 1:
        yield f"the version {metric.version!r} is no whole number from 1 on"
    if metric.direction not in ("lower", "higher", "none"):
        yield f"the direction {metric.direction!r} is none of lower, higher, none"
    for source in metric.inputs:
        if source not in ARRAYS:
            yield f"the input {source!r} is no array of bench.evaluation.arrays.registry.ARRAYS; --list names them"
    if unknown := set(metric.needs) - CAPABILITIES:
        yield f"its needs {', '.join(sorted(unknown))} are none of {', '.join(sorted(CAPABILITIES))}"
    if not (metric.label and metric.description and metric.inputs):
        yield "label, description and inputs must not be empty"
    if len({tuple(sorted(s.items())) for s in metric.settings}) != len(metric.settings) or not metric.settings:
        yield "its settings must be different from one another, and at least one"


@_collect
def dataset_problems(name: str) -> Iterator[str]:
    """Yield what a data set lacks before it is read: its loader, title, shape and settings."""
    entry = DATASETS[name]
    try:
        inspect.signature(entry.function()).bind(None, {})
    except TypeError as error:
        yield f"{entry.target} must take (places, settings): {error}"
    channels, height, width = image_shape(name)
    if channels not in (1, 3) or min(height, width) < 1:
        yield f"its shape {(channels, height, width)} is no (C, H, W) with 1 or 3 channels"
    if not entry.title:
        yield "its title is empty"
    try:
        image_shape(name, {"no such setting": "x"})
        yield "it takes unknown settings"
    except BadInput:
        pass
