"""Which free dimension is which class, and what cross-entropy, accuracy and error follow: known answers."""

import math
from itertools import permutations

import numpy as np
import pytest

from bench.metrics.canonical import (
    classification_error,
    optimal_assignment,
    paper_assignment,
    round_trip_classes,
    round_trip_distance,
    unseen_accuracy,
    unseen_cross_entropy,
    unseen_found,
)
from bench.metrics.types import Blank, Measured

FREE = np.arange(5, 10)
LABELS = np.tile(FREE, 40)


def readings(classes: list[int], sure: float = 0.9) -> np.ndarray:
    """What is read in the canonical images of dimensions 0-9, if 5-9 show `classes`."""
    shown = np.array([0, 1, 2, 3, 4, *classes])
    return np.where(np.arange(10) == shown[:, None], sure, (1 - sure) / 9)


def log_q(classes: np.ndarray, dimension_of: dict[int, int], p: float) -> np.ndarray:
    """ln q(y|x) [N, 10] that gives p to the dimension of each image's class and shares the rest."""
    right = np.array([dimension_of[c] for c in classes.tolist()])
    with np.errstate(divide="ignore"):
        return np.log(np.where(np.arange(10) == right[:, None], p, (1 - p) / 9))


def cross_entropy(log_probabilities: np.ndarray, read: np.ndarray, assignment: str = "paper") -> Measured:
    setting = {"assignment": assignment}
    return unseen_cross_entropy(log_probabilities, LABELS, FREE, read, setting=setting)


def accuracy(log_probabilities: np.ndarray, read: np.ndarray, assignment: str = "paper") -> float:
    setting = {"assignment": assignment}
    return unseen_accuracy(log_probabilities, LABELS, FREE, read, setting=setting).value


SAME = {c: c for c in range(10)}


# The rule


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_rows_without_a_clash_take_their_largest_entry(order: tuple[int, ...]) -> None:
    p = np.full((3, 3), 0.1)
    p[range(3), order] = 0.8
    assert paper_assignment(p).tolist() == list(order) == optimal_assignment(p).tolist()


def test_unique_claims_stand_and_the_rows_that_clash_choose_among_what_is_left() -> None:
    p = np.array(
        [
            [0.1, 0.8, 0.1, 0.0],  # claims 1 alone
            [0.7, 0.1, 0.2, 0.0],  # clash over 0; then 2 is larger than 3
            [0.9, 0.0, 0.0, 0.1],  # clash over 0; of the columns 0, 2, 3 it keeps 0 at first, as row 1 does
            [0.1, 0.2, 0.3, 0.4],  # claims 3 alone
        ]
    )
    # Rows 1 and 2 clash over 0 again on the columns 0 and 2: all clash, so that 0 goes to the larger entry, row 2.
    assert paper_assignment(p).tolist() == [1, 2, 0, 3]


def test_a_row_of_a_clash_may_lose_a_column_that_it_would_not_have_lost_to_the_optimum() -> None:
    p = np.array([[0.6, 0.3, 0.1], [0.5, 0.1, 0.4], [0.2, 0.7, 0.1]])
    assert paper_assignment(p).tolist() == [0, 2, 1]
    greedy = np.array([[0.50, 0.49, 0.01], [0.51, 0.02, 0.47], [0.01, 0.98, 0.01]])
    assert paper_assignment(greedy).tolist() == [2, 0, 1]  # row 1 scores higher on 0
    assert optimal_assignment(greedy).tolist() == [0, 2, 1]  # 0.50 + 0.47 + 0.98 is the largest sum


def test_total_clash_goes_to_the_top_scorer_of_the_first_contested_column_one_by_one() -> None:
    p = np.array([[0.6, 0.3, 0.1], [0.8, 0.15, 0.05], [0.7, 0.1, 0.2]])
    # All claim 0: row 1 wins. Then row 0 claims 1 and row 2 claims 2.
    assert paper_assignment(p).tolist() == [1, 0, 2]
    worse = np.array([[0.6, 0.3, 0.1], [0.8, 0.15, 0.05], [0.7, 0.2, 0.1]])
    # Rows 0 and 2 clash again over 1, where row 0 scores higher.
    assert paper_assignment(worse).tolist() == [1, 0, 2]


def test_two_contested_columns_are_settled_lowest_first() -> None:
    p = np.array([[0.1, 0.1, 0.5, 0.3], [0.1, 0.1, 0.6, 0.2], [0.4, 0.3, 0.2, 0.1], [0.5, 0.3, 0.1, 0.1]])
    # Columns 0 (rows 2, 3) and 2 (rows 0, 1): 0 goes to row 3; then row 2 claims 1 alone; then 2 goes to row 1.
    assert paper_assignment(p).tolist() == [3, 2, 1, 0]
    q = np.array(
        [[0.08, 0.71, 0.07, 0.14], [0.33, 0.3, 0.16, 0.21], [0.09, 0.82, 0.01, 0.08], [0.53, 0.23, 0.22, 0.02]]
    )
    # Columns 0 (rows 1, 3) and 1 (rows 0, 2): 0 goes to row 3; then all claim 1, which goes to row 2; then both claim
    # 3, which goes to row 1. With 1 settled first, row 0 would claim 3 alone while rows 1 and 3 clash: [3, 2, 1, 0].
    assert paper_assignment(q).tolist() == [2, 3, 1, 0]


@pytest.mark.parametrize("seed", range(20))
def test_both_rules_give_each_column_once_and_the_optimum_is_the_best_of_all_orders(seed: int) -> None:
    p = np.random.default_rng(seed).dirichlet(np.full(5, 0.3), size=5)
    paper, best = paper_assignment(p), optimal_assignment(p)
    assert sorted(paper) == sorted(best) == list(range(5))
    total = max(sum(p[i, order[i]] for i in range(5)) for order in permutations(range(5)))
    assert math.isclose(p[range(5), best].sum(), total)
    assert p[range(5), paper].sum() <= total + 1e-12


def test_equal_entries_are_a_total_clash_that_still_ends() -> None:
    assert sorted(paper_assignment(np.full((5, 5), 0.2))) == list(range(5))


# The numbers


@pytest.mark.parametrize("assignment", ["paper", "optimal"])
@pytest.mark.parametrize("order", [[5, 6, 7, 8, 9], [8, 6, 5, 9, 7]])
def test_perfect_model_in_any_order_of_its_dimensions_has_no_cross_entropy(order: list[int], assignment: str) -> None:
    dimension_of = {c: 5 + order.index(c) for c in FREE.tolist()}
    q = log_q(LABELS, dimension_of, 1.0)
    found = cross_entropy(q, readings(order), assignment)
    assert (found.value, found.se, found.n) == (0.0, 0.0, 200)
    assert accuracy(q, readings(order), assignment) == 100.0


def test_model_that_knows_nothing_is_at_ln_10() -> None:
    assert math.isclose(cross_entropy(np.full((200, 10), -math.log(10)), readings([8, 6, 5, 9, 7])).value, math.log(10))


def test_sure_model_that_is_always_wrong_is_at_the_clip() -> None:
    wrong = {c: 5 + (c - 4) % 5 for c in FREE.tolist()}
    q = log_q(LABELS, wrong, 1.0)
    assert math.isclose(cross_entropy(q, readings([5, 6, 7, 8, 9])).value, -math.log(1e-6))
    assert accuracy(q, readings([5, 6, 7, 8, 9])) == 0.0


@pytest.mark.parametrize("p", [1e-9, 1e-6, 1e-3, 0.4])
def test_cross_entropy_is_minus_the_logarithm_of_the_clipped_probability(p: float) -> None:
    found = cross_entropy(log_q(LABELS, SAME, p), readings([5, 6, 7, 8, 9])).value
    assert math.isclose(found, -math.log(max(p, 1e-6)), rel_tol=1e-12)


def test_only_images_of_classes_without_labels_count() -> None:
    labels = np.concatenate([LABELS, np.zeros(300, int)])
    q = log_q(np.concatenate([LABELS, np.full(300, 9)]), SAME, 1.0)
    setting = {"assignment": "paper"}
    found = unseen_cross_entropy(q, labels, FREE, readings([5, 6, 7, 8, 9]), setting=setting)
    assert (found.value, found.n) == (0.0, 200)


@pytest.mark.parametrize(
    ("classes", "found"),
    [([5, 6, 7, 8, 9], 5), ([8, 6, 5, 9, 7], 5), ([8, 8, 5, 7, 6], 4), ([8, 8, 8, 8, 8], 1), ([0, 1, 2, 3, 4], 0)],
)
def test_classes_found_are_the_different_ones_without_labels(classes: list[int], found: int) -> None:
    """[8, 8, 5, 7, 6] is M2 in Figure 2 of Untapped, [8, 6, 5, 9, 7] the other model."""
    assert unseen_found(FREE, readings(classes)).value == found


def test_error_is_the_share_of_wrong_predictions() -> None:
    labels = np.arange(1000) % 10
    predicted = np.where(np.arange(1000) < 25, (labels + 1) % 10, labels)
    found = classification_error(predicted, labels, np.array([], int))
    assert math.isclose(found.value, 2.5) and found.n == 1000
    assert found.se is not None and math.isclose(found.se, 100 * math.sqrt(0.025 * 0.975 / 999))


def test_what_a_split_cannot_answer_is_blank() -> None:
    none = np.array([], int)
    with pytest.raises(Blank, match="some classes have no labels"):
        classification_error(LABELS, LABELS, FREE)
    with pytest.raises(Blank, match="every class has labels"):
        unseen_found(none, readings([5, 6, 7, 8, 9]))
    with pytest.raises(Blank, match="no test image"):
        unseen_accuracy(np.zeros((4, 10)), np.zeros(4, int), FREE, np.eye(10), setting={"assignment": "paper"})


def test_round_trip_is_a_share_in_percent_and_a_mean_distance() -> None:
    trip = np.array([[1, 0.0], [1, 0.5], [0, 1.0], [1, 0.1]])
    assert round_trip_classes(trip).value == 75.0
    assert math.isclose(round_trip_distance(trip).value, 0.4)
