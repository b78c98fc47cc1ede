"""Whatever a suite file holds, it is read or refused in one line before anything is trained."""

import json
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import examples, mutated

from bench.errors import BadInput
from bench.study import suite

SUITE = """
title = "A study"
dataset = "digits"
seeds = [0, 1]
rows = [{ row = "VAE", model = "VAE", variants = ["unidirectional", "bidirectional"], options = { beta = 1.0 } }]
note = "a note"
likelihood = "mse"
[data]
pixels = "binary"
[presets.small]
latent_dim = 4
epochs = 3
train_images = 200
network = { channels = [4], strides = [2], hidden = [8] }
options.VAE = { reconstruction_loss = "mse" }
grid = { batch_size = [10, 20] }
evaluation = { nll_samples = 2, nll_images = 50, tsne_seeds = [0], metrics = ["neg_elbo", "psnr"] }
"""
WHOLE = tomllib.loads(SUITE)


def toml(value: Any) -> str:
    """Write a value as TOML, as far as it can be: null, which TOML lacks, as an empty string."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return str(value).lower()
    return '""' if value is None else json.dumps(value)


def file_of(value: Any) -> str:
    """Write a table, or another value under an invented key, as a TOML file."""
    table = value if isinstance(value, dict) else {"odd": value}
    return "".join(f"{json.dumps(key)} = {toml(inner)}\n" for key, inner in table.items())


def attempt(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mine.toml")
        path.write_bytes(mutated(data, tomllib.loads(SUITE), file_of))
        try:
            loaded = suite.load(str(path), "small")
            runs = suite.expand(loaded, "mine", "small", shape=(1, 8, 8))
            json.dumps([run.to_dict() for run in runs], allow_nan=False)
            json.dumps(suite.description(loaded, "mine", "small"), allow_nan=False)
        except BadInput as error:
            assert "\n" not in str(error)


def test_the_suite_is_read_as_it_is_written_here(tmp_path: Path) -> None:
    assert tomllib.loads(file_of(WHOLE)) == WHOLE
    (tmp_path / "mine.toml").write_text(file_of(WHOLE))
    loaded = suite.load(str(tmp_path / "mine.toml"), "small")
    assert len(suite.expand(loaded, "mine", "small", shape=(1, 8, 8))) == 4


@pytest.mark.parametrize("number", [50, pytest.param(2000, marks=pytest.mark.slow)])
def test_a_mutated_suite_file_is_read_or_refused_in_one_line(number: int) -> None:
    given(st.data())(examples(number)(attempt))()
