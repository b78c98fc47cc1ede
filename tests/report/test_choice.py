"""Which model is best for what: the best row by mean, its runner-up of another row, and when that is decided."""

import json
from pathlib import Path

import pytest
from fake_results import ok, write_digest, write_suite

from report.choice import USES, answers, over_families, sentence
from report.store import read_suite


def suite_of(folder: Path, values: dict[tuple[str, str], list[float]], table: str = "all"):
    """Return a suite whose rows have these PSNRs, one a seed."""
    for (row, variant), numbers in values.items():
        for seed, value in enumerate(numbers):
            write_digest(folder, row, variant, seed, [ok("psnr", "reconstruction=mean", value)])
    write_suite(folder, list(dict.fromkeys(row for row, _ in values)), table=table)
    return read_suite(folder)


def test_the_runner_up_is_of_another_row_and_the_interval_is_paired(tmp_path: Path) -> None:
    values = {("a", "unidirectional"): [20.0, 21.0, 22.0], ("a", "stock"): [19.9, 20.9, 21.9]}
    values |= {("b", "unidirectional"): [18.0, 19.1, 19.9], ("M2", "unidirectional"): [30.0, 30.0, 30.0]}
    (answer,) = answers(suite_of(tmp_path, values))
    assert (answer.best, answer.runner_up, answer.seeds) == ("a", "b", 3)
    assert answer.use == next(use for use in USES if use.metric == "psnr")
    assert answer.behind is not None and answer.behind.half_width is not None
    assert answer.behind.mean == pytest.approx(-2.0)
    assert answer.behind.half_width == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-5)
    assert answer.decided and sentence(answer).startswith("a (21.00 dB), ahead of b (19.00 dB) by 2.00 ± 0.25 dB, 3 ")


def test_an_interval_that_reaches_zero_decides_nothing(tmp_path: Path) -> None:
    values = {("a", "unidirectional"): [20.0, 18.0], ("b", "unidirectional"): [18.0, 19.0]}
    (answer,) = answers(suite_of(tmp_path, values))
    assert not answer.decided and sentence(answer).startswith(
        "not decided between a (19.00 dB) and b (18.50 dB): apart by 0.50 "
    )


def test_one_seed_decides_nothing(tmp_path: Path) -> None:
    (answer,) = answers(suite_of(tmp_path, {("a", "stock"): [20.0], ("b", "stock"): [10.0]}))
    assert not answer.decided and sentence(answer).endswith("one seed")


def test_the_time_of_runs_that_train_as_one_decides_no_speed(tmp_path: Path) -> None:
    for row, seconds, together in (("a", 1.0, 3), ("b", 2.0, 1), ("c", 3.0, 1)):
        write_digest(tmp_path, row, "stock", 0, [ok("seconds_per_epoch", "", seconds)])
        (path,) = (tmp_path / "digests").glob(f"{row}-*/digest.json")
        facts = json.loads(path.read_text())
        facts["provenance"]["together"] = together
        path.write_text(json.dumps(facts))
    write_suite(tmp_path, ["a", "b", "c"], table="all")
    (answer,) = answers(read_suite(tmp_path))
    assert (answer.use.name, answer.best, answer.runner_up) == ("speed", "b, stock", "c, stock")


def test_only_suites_over_families_answer(tmp_path: Path) -> None:
    one = suite_of(tmp_path / "one", {("a", "stock"): [20.0], ("b", "stock"): [10.0]})
    two = suite_of(tmp_path / "two", {("a", "stock"): [20.0], ("b", "stock"): [10.0]}, table="bvae")
    assert over_families([one, two]) == [one]
