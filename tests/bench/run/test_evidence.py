"""The list of all that is to be run: every entry can be, what is finished is counted, the rest is carried out."""

import json
from pathlib import Path

import pytest

from bench.errors import BadInput
from bench.run import evidence as command
from bench.run import vae_bench
from bench.study import evidence

TINY = """
[[runs]]
suite = "digits"
models = "VAE/unidirectional"
seeds = "0-1"
set = ["epochs=1", "train_images=64", "evaluation.metrics=[\\"neg_elbo\\"]", "evaluation.tsne_images=0"]
hours = 3.0
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "list.toml").write_text(TINY)
    entries = evidence.read(tmp_path / "list.toml")
    monkeypatch.setattr(evidence, "read", lambda: entries)
    return tmp_path / "results"


def test_every_entry_of_the_list_has_runs_and_the_first_part_has_its_hours(tmp_path: Path) -> None:
    lines = [command.state(entry, tmp_path) for entry in evidence.read()]
    assert all(line.done == 0 < line.total and line.left == line.entry.hours for line in lines)
    assert len({line.entry.command for line in lines}) == len(lines)
    assert 30 < sum(line.left for line in lines if line.entry.part == 1) < 40
    first = {statement for line in lines if line.entry.part == 1 for statement in line.statements}
    assert {"bvae-nll", "svae-toy-score", "lbae-generation", "untapped-found"} <= first


def test_what_is_missing_is_carried_out_and_then_nothing_is(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evidence", "--results", str(tiny), "--jobs", "1"]
    assert vae_bench([*words, "--dry-run"]) == 0
    assert "part 1: 3.0 of 3.0 hours" in capsys.readouterr().out
    assert vae_bench(words) == 0
    assert "0 of 2 done, 3.0 hours expected" in capsys.readouterr().err
    assert vae_bench([*words, "--json"]) == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["done"], line["runs"], line["hours_left"]) == (2, 2, 0.0)
    assert vae_bench(words) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('suite = "digits"\nhours = 1', "seeds"),
        ('search = "mnist"\nsuite = "digits"\nseeds = "0"\nhours = 1', "search"),
        ('suite = "digits"\nseeds = "0"\nhours = 0', "hours"),
        ('suite = "digits"\nseed = "0"\nhours = 1', "seed"),
    ],
)
def test_a_list_that_cannot_be_is_one_line(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "list.toml").write_text(f"[[runs]]\n{text}\n")
    with pytest.raises(BadInput, match=named) as error:
        evidence.read(tmp_path / "list.toml")
    assert "\n" not in str(error.value)
