"""Known factors and what forests read of them in codes: perfect, turned, duplicated, worthless; and traversals."""

from dataclasses import replace

import numpy as np
import pytest
from toy_evaluation import build_model, evaluation

from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.arrays.factors import factor_forests, test_factors
from bench.evaluation.evaluate import measure
from bench.evaluation.pictures.traversals import traversals
from bench.metrics.disentanglement import completeness, disentanglement, informativeness
from bench.metrics.types import Blank

test_factors.__test__ = False  # an array's name, no test
RNG = np.random.default_rng(0)
MEANS = np.stack([np.linspace(0, 1, 22), np.linspace(-9, 9, 22), np.zeros(22)], axis=1).astype(np.float32)
FACTORS = RNG.integers(4, size=(1_200, 2))


def with_factors() -> Evaluation:
    given = evaluation(build_model(), extras=("factors",))
    n = len(given.data.test)
    factors = {"kind": given.data.test.labels, "amount": np.array([2.5, -1.0, 9.0])[np.arange(n) // 9 % 3]}
    given.data = replace(given.data, factors=factors)
    return given


def dci(codes: np.ndarray) -> tuple[float, float, float]:
    found = factor_forests(evaluation(build_model()), codes.astype(np.float32), FACTORS)
    assert found["importances"].shape == (codes.shape[1], 2) and found["right"].shape == (600, 2)
    read = informativeness(found["right"]).value
    return disentanglement(found["importances"]).value, completeness(found["importances"]).value, read


def test_forests_score_a_perfect_code_fully() -> None:
    assert dci(FACTORS[:, ::-1] * np.array([-3.0, 0.1])) == pytest.approx((1, 1, 100))


def test_forests_read_a_turned_code_from_both_variables() -> None:
    d, c, read = dci(np.column_stack([FACTORS.sum(1), FACTORS[:, 0] - FACTORS[:, 1]]))
    assert d < 0.05 and c < 0.05 and read > 99


def test_forests_share_a_duplicated_variable_among_its_copies() -> None:
    d, c, read = dci(FACTORS[:, [0, 0, 1]])
    assert (d, read) == pytest.approx((1, 100))
    assert 0.5 * (1 - np.log(2) / np.log(3)) + 0.5 <= c < 0.8  # least where both copies are equally important


def test_forests_read_nothing_in_a_worthless_code() -> None:
    d, c, read = dci(RNG.normal(size=(1_200, 3)))
    assert d < 0.05 and c < 0.05 and read == pytest.approx(25, abs=5)


def test_values_are_numbered_and_amounts_are_told_from_categories() -> None:
    given = with_factors()
    found = given.get("test_factors")
    assert found.shape == (22, 2)  # the first test images
    assert np.array_equal(found[:, 0], given.data.test.labels[:22])
    assert found[:, 1].tolist() == [*[1] * 9, *[0] * 9, *[2] * 4]
    assert given.get("ordered_factors").tolist() == [False, True]


def test_scores_are_had_of_known_factors_alone() -> None:
    assert {m.status for m in measure(with_factors()) if m.metric in ("mig", "sap", "dci_informativeness")} == {"ok"}
    blank = [m for m in measure(evaluation(build_model(), extras=("factors",))) if m.metric == "mig"]
    assert [m.reason for m in blank] == ["the factors of the data set's images are not known"]
    with pytest.raises(Blank, match="not known"):
        evaluation(build_model()).get("ordered_factors")


def test_a_traversal_changes_one_variable_between_its_quantiles(monkeypatch: pytest.MonkeyPatch) -> None:
    given = with_factors()
    seen: list[np.ndarray] = []

    def decoded(function: object, codes: np.ndarray) -> np.ndarray:
        seen.append(codes)
        return np.zeros((len(codes), 1, 8, 8))

    monkeypatch.setitem(given._made, ("test_mean", ""), MEANS)
    monkeypatch.setattr(given, "run", decoded)
    images = traversals(given)
    codes = seen[0].reshape(3, 8, 3)
    assert images is not None and images.shape == (3, 8, 1, 8, 8)
    for row, variable in enumerate((1, 0, 2)):  # those that vary most first
        others = [v for v in range(3) if v != variable]
        assert np.array_equal(codes[row][:, others], np.tile(MEANS[0, others], (8, 1)))
        assert codes[row][[0, -1], variable] == pytest.approx(np.quantile(MEANS[:, variable], (0.02, 0.98)))
        assert np.allclose(np.diff(codes[row][:, variable], 2), 0, atol=1e-6)
