"""What tuning chose and gained, of outcomes made by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from fake_results import ok, write_digest, write_suite

from report.build import write
from report.choice import recommended
from report.store import NoResults, Suite, read_suite
from report.tables.tuning import budget, tuned, write_tuning

POINTS = [[0.004, 2.0], [0.001, 0.5], [0.02, 3.0]]
TUNING = {
    "beta-VAE/stock": {
        "criterion": "psnr[reconstruction=mean]",
        "keys": ["learning_rate", "beta"],
        "points": POINTS,
        "values": [20.0, 21.5, None],
        "chosen": 1,
    },
    "VAE/stock": {"criterion": "nll", "keys": ["learning_rate"], "points": [[1], [2]], "values": [9, 9.5], "chosen": 0},
}


def suite_of(folder: Path, tuning: dict[str, Any], psnr: float = 20.0) -> Suite:
    for row in ("beta-VAE", "VAE"):
        for seed in (0, 1):
            write_digest(folder, row, "stock", seed, [ok("psnr", "reconstruction=mean", psnr + seed + len(row))])
    write_suite(folder, ["beta-VAE", "VAE"], table="all")
    about = json.loads((folder / "suite.json").read_text())
    (folder / "suite.json").write_text(json.dumps(about | {"tuning": tuning}))
    return read_suite(folder)


def test_a_gain_is_better_than_the_rows_own_in_the_criterions_direction(tmp_path: Path) -> None:
    first, second = tuned(suite_of(tmp_path, TUNING))
    assert (first.row, first.configurations, first.failed, first.gain) == ("beta-VAE", 3, 1, 1.5)
    assert first.chosen == {"learning_rate": 0.001, "beta": 0.5} and first.changed
    assert (second.row, second.gain, second.changed) == ("VAE", 0.0, False)
    lower = TUNING["VAE/stock"] | {"values": [None, 9.5], "chosen": 1}
    (one,) = tuned(suite_of(tmp_path, {"VAE/stock": lower}))
    assert (one.own, one.value, one.gain) == (None, 9.5, None)
    less = TUNING["VAE/stock"] | {"values": [12, 9.5], "chosen": 1}
    assert [line.gain for line in tuned(suite_of(tmp_path, {"VAE/stock": less}))] == [2.5]


def test_the_tables_say_what_was_chosen(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, TUNING)
    assert budget(suite) == "the best of 2 or 3 configurations a model on validation images"
    table, text = write_tuning(suite)
    assert table.read_text().splitlines()[1].endswith(",3,1,20.0,21.5,1.5,0.001,0.5")
    assert "learning\\_rate 0.001, beta 0.5 | 20.00 | 21.50 | 1.500 | 1 of 3 |" in text.read_text()
    assert "| its own | 9.000 | 9.000 | 0.00 | 0 of 2 |" in text.read_text()
    assert {"tuning.csv", "tuning.md"} <= {path.name for path in write(suite.folder)}
    assert "the best of 2 or 3 configurations" in (suite.folder / "table.md").read_text()


def test_a_suite_without_a_search_has_no_such_table(tmp_path: Path) -> None:
    assert write_tuning(suite_of(tmp_path, {})) == []


@pytest.mark.parametrize("broken", [{"chosen": 2}, {"values": [1]}, {"points": [[1], [2, 3]]}, {"chosen": -1}])
def test_outcomes_that_do_not_fit_are_refused(tmp_path: Path, broken: dict[str, Any]) -> None:
    with pytest.raises(NoResults, match="tuning"):
        suite_of(tmp_path, {"VAE/stock": TUNING["VAE/stock"] | broken})


def test_tuned_suites_answer_first(tmp_path: Path) -> None:
    plain, of_tuned = suite_of(tmp_path / "plain", {}, psnr=40), suite_of(tmp_path / "tuned", TUNING)
    assert {suite.folder.name for suite, _ in recommended([plain, of_tuned])} == {"tuned"}
    assert {suite.folder.name for suite, _ in recommended([plain])} == {"plain"}
