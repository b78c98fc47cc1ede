"""The cost of a model, counted without values, is that of a step on images."""

import subprocess
import sys

import pytest
import torch

from bench.data import image_shape
from bench.runs.train import build
from bench.study.suite import expand, load
from bench.training.flops import cost
from bench.training.operations import OperationCounter

N = 6  # images
NO_COMPILER = """
import sys
from bench.run import main
assert main(["--suite", "digits", "--dry-run"]) == 0
assert "torch._dynamo" not in sys.modules
import torch
assert torch.compiler.disable(len) is not len and hasattr(torch._dynamo, "reset")
"""


@pytest.mark.parametrize("row", ["FactorVAE/corrected", "beta-TCVAE/corrected", "VAE/unidirectional", "AAE/stock"])
def test_a_step_is_counted_as_on_images(row: str) -> None:
    shape = image_shape("digits")
    loaded = load("all-digits-tuned", "small", ['network={ kind = "perceptron", hidden = [32] }', "controls=[]"])
    runs = expand(loaded, "all-digits-tuned", "small", seeds=[0], shape=shape)
    (run,) = (run for run in runs if f"{run.row}/{run.variant}" == row)
    found, model = cost(lambda: build(run, shape), shape), build(run, shape)
    images = {"data": torch.rand(N, *shape), "labels": torch.zeros(N, dtype=torch.long)}
    with OperationCounter() as counter:
        model(images, epoch=1, dataset_size=N).loss.backward()
    assert found.training() == pytest.approx(counter.flops / N)
    assert found.called() > 0


def test_a_dry_run_leaves_torchs_compiler_alone_and_as_it_is() -> None:
    done = subprocess.run([sys.executable, "-c", NO_COMPILER], capture_output=True, text=True)
    assert not done.returncode, done.stderr
