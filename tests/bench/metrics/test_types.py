"""What a metric may return, and that anything else costs its own cell alone."""

import json
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest
import torch
from toy_evaluation import build_model, evaluation

from bench.evaluation.evaluate import measure
from bench.metrics import METRICS, Metric
from bench.metrics.types import Measured

NUMBERS = (1.5, np.float32(1.5), np.float16(1.5), np.array(1.5), torch.tensor(1.5), torch.tensor(1.5).bfloat16())


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: type(number).__name__)
def test_numbers_of_libraries_become_plain_ones(number: float) -> None:
    for n in (3, np.int64(3), np.uint8(3), torch.tensor(3)):
        assert json.loads(json.dumps(asdict(Measured(number, number, n)))) == {"value": 1.5, "se": 1.5, "n": 3}  # type: ignore[arg-type]


FAULTY: dict[str, Callable[..., object]] = {
    "a NaN": lambda images: Measured(float("nan")),
    "a NaN error": lambda images: Measured(1.0, float("nan")),
    "an infinite error": lambda images: Measured(1.0, np.float32("inf")),  # type: ignore[arg-type]
    "part of a number of samples": lambda images: Measured(1.0, n=1.5),  # type: ignore[arg-type]
    "text": lambda images: Measured("1"),  # type: ignore[arg-type]
    "many numbers": lambda images: Measured(images),
    "a tensor of many": lambda images: Measured(1.0, torch.ones(2)),  # type: ignore[arg-type]
    "a bare number": lambda images: 1.0,
    "nothing": lambda images: None,
}


@pytest.mark.parametrize("name", FAULTY)
def test_what_is_no_measurement_costs_its_own_cell(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.metrics.types.faulty", FAULTY[name], raising=False)
    mine = Metric("Mine", "", "lower", "bench.metrics.types:faulty", ("test_images",), "of a plug-in")
    monkeypatch.setitem(METRICS, "mine", mine)
    cells = {cell.metric: cell for cell in measure(evaluation(build_model(), metrics=("mine", "parameters")))}
    assert cells["mine"].status == "failed" and cells["mine"].value is None
    assert cells["parameters"].status == "ok"
    json.dumps([asdict(cell) for cell in cells.values()], allow_nan=False)
