"""docs/power.md is what its two tables say, and the study draws what it says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from report.claims.power import FAMILIES, PROCEDURES, SEEDS, decided, p_values, read, spreads, study, to_markdown

ROOT = Path(__file__).parents[3]


def test_the_page_is_made_of_the_stored_tables() -> None:
    assert to_markdown(*read(ROOT / "docs")) == (ROOT / "docs" / "power.md").read_text(encoding="utf-8")


def test_fewer_draws_give_about_the_stored_study() -> None:
    stored, _ = read(ROOT / "docs")
    keys = ["statements", "seeds", "procedure"]
    assert len(stored) == len(FAMILIES) * len(SEEDS) * len(PROCEDURES)
    both = stored.merge(study(draws=200, seed=1), on=keys)
    assert len(both) == len(stored)
    np.testing.assert_allclose(both["effect_x"], both["effect_y"], rtol=0.25, atol=0.26)


def test_spreads_are_those_of_the_committed_runs() -> None:
    _, stored = read(ROOT / "docs")
    pd.testing.assert_frame_equal(spreads(ROOT / "results").reset_index(drop=True), stored, check_dtype=False)


def test_one_statement_without_a_difference_is_decided_as_often_as_the_level() -> None:
    _, p = p_values(np.zeros(1), 5, 20_000, np.random.default_rng(0))
    for procedure in PROCEDURES:
        assert decided(p, procedure).mean() == pytest.approx(0.05, abs=0.006)


def test_holm_stops_at_the_first_that_is_not_small_enough() -> None:
    p = np.array([[0.04, 0.001, 0.02], [0.04, 0.001, 0.03], [0.04, 0.02, 0.03]])
    assert decided(p, "Holm").tolist() == [[True, True, True], [False, True, False], [False, False, False]]
