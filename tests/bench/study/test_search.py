"""A search for settings: what is chosen of given losses, and a search carried out, broken off and gone on with."""

from pathlib import Path

import pytest

from bench.command import search as command
from bench.errors import BadInput
from bench.study import search
from bench.study.search import Outcome, Search

TINY = """
suite = "digits"
preset = "small"
runs = ["VAE/unidirectional", "VAE/bidirectional"]
screen = [0]
seeds = [0, 1]
finalists = 1
[grid]
epochs = [1]
train_images = [64]
learning_rate = [1e-3, 1e6]
"""


def declared(**fields: object) -> Search:
    base = {"suite": "digits", "preset": "small", "runs": ["a", "b"], "seeds": [0, 1], "finalists": 2}
    return Search.model_validate(base | {"grid": {"learning_rate": [1, 2, 3]}} | fields)


def outcomes(losses: dict[tuple[int, str, int], float | None]) -> list[Outcome]:
    return [Outcome((rate,), run, seed, loss) for (rate, run, seed), loss in losses.items()]


def test_the_choice_is_the_finalist_of_least_mean_over_runs_and_seeds() -> None:
    losses: dict[tuple[int, str, int], float | None] = {
        (1, "a", 0): 1, (1, "b", 0): 4, (2, "a", 0): 3, (2, "b", 0): 3, (3, "a", 0): 2, (3, "b", 0): 9,
    }  # fmt: skip
    found = declared()
    assert found.best(outcomes(losses), [0], 2) == [(1,), (2,)]
    assert found.choice(outcomes(losses)) is None  # the finalists' second seed is missing
    losses |= {(1, "a", 1): 9, (1, "b", 1): 9, (2, "a", 1): 1, (2, "b", 1): 1}
    assert found.choice(outcomes(losses)) == (2,)
    losses[2, "b", 1] = None  # diverged
    assert found.choice(outcomes(losses)) == (1,)
    del losses[3, "b", 0]  # the screen is not complete
    assert found.choice(outcomes(losses)) is None


@pytest.mark.parametrize("name", search.names())
def test_every_declared_search_expands(name: str) -> None:
    found = search.load(name)
    for point in found.points():
        runs = found.expand(point, found.seeds, (1, 32, 32))
        assert len(runs) == len(found.runs) * len(found.seeds) == len({run.id for run in runs})


def test_a_search_is_carried_out_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(search, "DECLARED", tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    arguments = ["tiny", "--results", str(tmp_path), "--work", str(tmp_path / "work")]
    assert command.main(arguments) == 0
    first = capsys.readouterr().out
    assert first.endswith("chosen: epochs=1 train_images=64 learning_rate=0.001\n")
    table = tmp_path / "tiny.csv"
    lines = table.read_text().splitlines()
    assert len(lines) == 1 + 4 + 2
    table.write_text("\n".join(lines[:-1]) + "\n")
    assert command.main(arguments) == 0  # trained already: only its line is written again
    assert sorted(table.read_text().splitlines()) == sorted(lines)


def test_a_search_of_another_name_or_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.main(["mnits"]) == command.main(["mnist", "--jobs", "0"]) == command.main(["mnist", "--job"]) == 2
    monkeypatch.setattr(search, "DECLARED", tmp_path)
    (tmp_path / "odd.toml").write_text(TINY.replace("finalists", "finalist"))
    with pytest.raises(BadInput, match="finalist"):
        search.load("odd")
