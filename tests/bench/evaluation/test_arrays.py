"""Claims about ARRAYS: each entry has its function, is used, needs what it is made from, and is what metrics take."""

import ast
import inspect
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_evaluation import build_model, evaluation

from bench.command.listing import listing
from bench.evaluation.arrays import registry
from bench.evaluation.arrays.evaluation import keys_of
from bench.evaluation.arrays.registry import ARRAYS, function_of
from bench.evaluation.evaluate import measure, needs, unmeasured
from bench.metrics import METRICS
from bench.metrics.types import Blank, Measured
from models.capabilities import CAPABILITIES

ROOT = Path(__file__).parents[3]
SETTING = {  # a value of every key that an array may depend on
    "reconstruction": "mean",
    "sampler": "normal",
    "features": "classifier",
    "network": "classifier",
    "inversion": "paper",
    "protocol": "figure",
    "split": "test",
    "threshold": "0.1",
    "images": "1",
    "term": "kl",
    "mode": "CM",
}
HELPERS = {"encoded", "encoded_by_name", "enlarged", "edited"}


def parameters(name: str) -> set[str]:
    return set(inspect.signature(function_of(name)).parameters) - {"evaluation"}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_is_made_of_arrays_and_keys_and_needs_what_they_need(name: str) -> None:
    array = ARRAYS[name]
    assert array.holds and array.needs <= CAPABILITIES
    assert parameters(name) <= ARRAYS.keys() | SETTING.keys()
    for taken in parameters(name) & ARRAYS.keys():
        assert ARRAYS[taken].needs <= array.needs


def test_no_key_of_a_setting_has_the_name_of_an_array() -> None:
    assert not SETTING.keys() & ARRAYS.keys()
    assert frozenset().union(*map(keys_of, ARRAYS)) == SETTING.keys()


def test_every_function_of_their_files_is_an_array_or_a_helper() -> None:
    found = set()
    for file in {array.file for array in ARRAYS.values()}:
        module = import_module(f"bench.evaluation.arrays.{file}")
        own = inspect.getmembers(module, lambda x, m=module: inspect.isfunction(x) and x.__module__ == m.__name__)
        found |= {name for name, _ in own if not name.startswith("_")}
    assert found == ARRAYS.keys() | HELPERS


def test_metrics_take_arrays_and_every_array_is_taken_by_something() -> None:
    inputs = {name for metric in METRICS.values() for name in metric.inputs}
    assert inputs <= ARRAYS.keys()
    taken = inputs.union(*map(parameters, ARRAYS))
    for path in (ROOT / "bench").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):  # get("name"), already("name"), ...
            if isinstance(node, ast.Call):
                taken |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    assert ARRAYS.keys() <= taken


def test_an_array_depends_on_the_keys_of_what_it_is_made_from() -> None:
    assert keys_of("inverted_bits") == {"inversion"}
    assert keys_of("walk_images") == {"protocol"}
    assert keys_of("prd_curve") == keys_of("sample_features") == {"sampler", "features"}
    assert keys_of("reference_covariance") == {"features"}
    assert keys_of("kl_nats") == keys_of("nll_nats") == keys_of("drawn_reconstructions") == frozenset()


def test_an_array_that_is_made_of_others_shares_them(monkeypatch: pytest.MonkeyPatch) -> None:
    given, calls = evaluation(build_model()), []

    def counted(name: str) -> Callable[..., Any]:
        calls.append(name)
        return function_of(name)

    monkeypatch.setattr("bench.evaluation.arrays.evaluation.function_of", counted)
    first = given.get("kl_nats", SETTING)
    np.testing.assert_array_equal(first + given.get("reconstruction_nats"), sum(given.get("bound_terms").values()))
    assert given.get("kl_nats") is first
    assert calls.count("bound_terms") == calls.count("test_images") == calls.count("kl_nats") == 1


def test_a_model_with_what_an_array_needs_has_it_or_a_reason() -> None:
    given = evaluation(build_model())
    for name, array in ARRAYS.items():
        if array.needs <= given.view.capabilities and array.file not in ("annealing", "scores"):  # which take long
            try:
                assert given.get(name, SETTING) is not None
            except Blank as blank:
                assert str(blank)


def test_the_listing_says_what_every_array_holds() -> None:
    lines = listing(as_json=False).splitlines()
    for name, array in ARRAYS.items():
        (line,) = [line for line in lines if line.split()[:1] == [name] and array.holds in line]
        assert all(need in line for need in array.needs)


def test_needs_of_a_metric_are_those_of_its_arrays_and_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert needs(METRICS["nll"]) == {"posterior", "likelihood", "prior"}
    assert needs(METRICS["psnr"]) == {"reconstruct"}
    assert needs(METRICS["active_units"]) == {"encode", "posterior"}
    assert needs(METRICS["parameters"]) == frozenset()
    monkeypatch.setitem(ARRAYS, "parameters", replace(ARRAYS["parameters"], needs=frozenset({"metric"})))
    assert needs(METRICS["parameters"]) == {"metric"}
    assert registry.ARRAYS is ARRAYS


def test_a_function_is_given_the_options_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def neither(means: np.ndarray) -> Measured:
        return Measured(1.0)

    def both(means: np.ndarray, *, setting: dict[str, str], rng: np.random.Generator) -> Measured:
        seen.update(setting=setting, drawn=rng.random())
        return Measured(2.0)

    values = []
    for function in (neither, both):
        monkeypatch.setattr("bench.metrics.units.active_units", function)
        values += [m.value for m in measure(evaluation(build_model())) if m.metric == "active_units"]
    assert values == [1.0, 2.0]
    drawn = seen["drawn"]
    measure(evaluation(build_model()))
    assert seen == {"setting": {}, "drawn": drawn}  # of a generator seeded by the cell's name and the run's seed


def test_a_measurement_has_the_version_of_its_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    given = evaluation(build_model())
    assert all(m.version == METRICS[m.metric].version for m in measure(given))
    for name in ("active_units", "bit_sum_tv"):  # one that is had, one that is blank
        monkeypatch.setitem(METRICS, name, replace(METRICS[name], version=9))
    found = measure(given)
    assert {m.metric for m in found if m.version == 9} == {"active_units"} | {"bit_sum_tv"} & {m.metric for m in found}
    assert {m.version for m in unmeasured(given.settings, "failed", "why") if m.metric == "active_units"} == {9}
