from __future__ import annotations

import math

import numpy as np
import pytest

from llmal.calibration import (
    accuracy,
    auroc_of_correctness,
    brier,
    classwise_calibration_error,
    expected_calibration_error,
    macro_f1,
    negative_log_likelihood,
    reliability,
    selective_accuracy,
    wilson_interval,
)
from llmal.errors import DataError

THREE = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.5, 0.25, 0.25], [0.0, 0.2, 0.8]])
TRUTH = np.array([0, 2, 0, 2])


def test_ece_of_two_bins_worked_by_hand():
    confidences = [0.5, 0.6, 0.8, 0.9]
    correct = [True, False, True, True]
    # Bins {0.5, 0.6}: |0.55 - 0.5|; {0.8, 0.9}: |0.85 - 1|; each holds half of the items.
    expected = 0.5 * 0.05 + 0.5 * 0.15
    assert expected_calibration_error(confidences, correct, bins=2) == pytest.approx(expected)


def test_ece_of_a_matrix_uses_the_most_probable_label():
    # Confidences 0.7, 0.6, 0.5, 0.8; right, wrong, right, right; one bin: |0.65 - 0.75|.
    assert expected_calibration_error(THREE, TRUTH, bins=1) == pytest.approx(0.10)
    by_hand = (abs(0.5 - 1) + abs(0.6 - 0) + abs(0.7 - 1) + abs(0.8 - 1)) / 4
    assert expected_calibration_error(THREE, TRUTH, bins=10) == pytest.approx(by_hand)


def test_ece_is_zero_for_a_perfectly_calibrated_constant():
    assert expected_calibration_error([0.75] * 4, [1, 1, 1, 0]) == pytest.approx(0.0)


def test_bins_hold_equal_numbers_without_ties():
    counts = [one.count for one in reliability(np.linspace(0, 1, 100), np.ones(100), bins=10)]
    assert counts == [10] * 10
    assert [one.count for one in reliability(np.arange(7) / 7, np.ones(7), bins=3)] == [2, 3, 2]


def test_equal_confidences_are_never_split():
    confidences = [0.9] * 6 + [0.2, 0.3, 0.3, 0.4]
    correct = [1, 1, 1, 0, 0, 0, 0, 1, 1, 0]
    bins = reliability(confidences, correct, bins=5)
    assert [(one.low, one.high, one.count) for one in bins] == [
        (0.2, 0.2, 1),
        (0.3, 0.4, 3),
        (0.9, 0.9, 6),
    ]
    assert [one.accuracy for one in bins] == pytest.approx([0, 2 / 3, 0.5])
    assert bins[1].confidence == pytest.approx(1 / 3)


def test_bins_do_not_depend_on_the_order_of_items():
    rng = np.random.default_rng(0)
    confidences = rng.integers(0, 12, 200) / 12
    correct = rng.random(200) < confidences
    shuffle = rng.permutation(200)
    first = reliability(confidences, correct, bins=7)
    second = reliability(confidences[shuffle], correct[shuffle], bins=7)
    assert [(a.count, a.low, a.high, a.accuracy) for a in first] == [
        (b.count, b.low, b.high, b.accuracy) for b in second
    ]
    assert sum(one.count for one in first) == 200


def test_brier_worked_by_hand():
    rows = [0.09 + 0.04 + 0.01, 0.01 + 0.36 + 0.49, 0.25 + 0.0625 + 0.0625, 0 + 0.04 + 0.04]
    assert brier(THREE, TRUTH) == pytest.approx(sum(rows) / 4)
    assert brier([0.8, 0.6], [True, False]) == pytest.approx((0.04 + 0.36) / 2)


def test_two_way_brier_is_half_of_that_of_two_labels():
    confidences = np.array([0.9, 0.6, 0.7])
    two = np.column_stack([confidences, 1 - confidences])
    assert brier(two, np.array([0, 1, 0])) == pytest.approx(2 * brier(confidences, [1, 0, 1]))


def test_negative_log_likelihood_worked_by_hand_and_floored():
    by_hand = -(math.log(0.7) + math.log(0.3) + math.log(0.5) + math.log(0.8)) / 4
    assert negative_log_likelihood(THREE, TRUTH) == pytest.approx(by_hand)
    assert negative_log_likelihood([[1.0, 0.0]], [1], floor=1e-3) == pytest.approx(math.log(1000))


def test_accuracy_and_macro_f1_of_names():
    given, truth = ["a", "a", "b", "b"], ["a", "b", "b", "b"]
    assert accuracy(given, truth) == 0.75
    # a: precision 1/2, recall 1, F1 2/3; b: precision 1, recall 2/3, F1 4/5.
    assert macro_f1(given, truth) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert macro_f1(given, truth, labels=["a", "b", "c"]) == pytest.approx((2 / 3 + 4 / 5) / 3)


def test_auroc_counts_pairs():
    # Right 0.9, 0.6; wrong 0.6, 0.3: pairs 1, 1, one half, 1 of four.
    assert auroc_of_correctness([0.9, 0.6, 0.6, 0.3], [1, 1, 0, 0]) == pytest.approx(3.5 / 4)
    assert math.isnan(auroc_of_correctness([0.9, 0.6], [1, 1]))
    assert math.isnan(auroc_of_correctness([0.9, 0.6], [0, 0]))


def test_wilson_interval_matches_published_values():
    # Newcombe (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_wilson_interval_at_the_ends():
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(5, 5)[1] == 1.0
    narrow, wide = wilson_interval(50, 100, 0.5), wilson_interval(50, 100, 0.99)
    assert wide[0] < narrow[0] < 0.5 < narrow[1] < wide[1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: reliability([], []), "at least one"),
        (lambda: reliability([0.5], [True], bins=0), "0 bins"),
        (lambda: reliability([0.5, 1.5], [True, True]), "from 0 to 1"),
        (lambda: reliability([0.5, np.nan], [True, True]), "from 0 to 1"),
        (lambda: reliability([0.5, 0.6], [True]), "2 confidences"),
        (lambda: reliability([0.5], [3]), "true or false"),
        (lambda: brier(THREE * 2, TRUTH), "sum to one"),
        (lambda: brier(THREE, ["a", "b", "c", "d"]), "not columns"),
        (lambda: brier(THREE, [0, 1, 2, 3]), "outside the 3 columns"),
        (lambda: negative_log_likelihood([0.5], [0]), "not a table"),
        (lambda: accuracy(["a"], ["a", "b"]), "cannot be compared"),
        (lambda: wilson_interval(3, 2), "3 successes in 2"),
        (lambda: wilson_interval(1, 2, 1.0), "level"),
    ],
)
def test_bad_input_is_said_in_a_sentence(call, words):
    with pytest.raises(DataError, match=words):
        call()


def test_classwise_ece_is_the_mean_over_the_labels_worked_by_hand():
    # One bin a label: the mean probability beside the share of items with that label.
    means, shares = THREE.mean(axis=0), np.array([2, 0, 2]) / 4
    expected = np.abs(means - shares).mean()
    assert classwise_calibration_error(THREE, TRUTH, bins=1) == pytest.approx(expected)
    assert classwise_calibration_error(np.eye(3)[TRUTH], TRUTH) == 0


def test_classwise_ece_sees_what_ece_cannot():
    # The best label is calibrated, yet what is left is always on the wrong one of the other two.
    p = np.tile([0.6, 0.4, 0.0], (10, 1))
    labels = np.array([0] * 6 + [2] * 4)
    assert expected_calibration_error(p, labels) == pytest.approx(0)
    assert classwise_calibration_error(p, labels) == pytest.approx((0.4 + 0.4) / 3)


def test_selective_accuracy_worked_by_hand():
    curve = selective_accuracy([0.9, 0.5, 0.7, 0.7, 0.2], [True, True, True, False, False])
    np.testing.assert_allclose(curve.threshold, [0.9, 0.7, 0.5, 0.2])
    np.testing.assert_allclose(curve.coverage, [0.2, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(curve.accuracy, [1, 2 / 3, 3 / 4, 3 / 5])
    # Of the two at 0.7 one is right: half a hit each, whichever is taken first.
    assert curve.area == pytest.approx(np.mean([1, 1.5 / 2, 2 / 3, 3 / 4, 3 / 5]))


def test_selective_accuracy_does_not_hang_on_the_order_of_ties():
    confidences, correct = [0.8, 0.8, 0.8, 0.3], [True, False, False, True]
    one = selective_accuracy(confidences, correct)
    other = selective_accuracy(confidences, [False, False, True, True])
    assert one.area == pytest.approx(other.area)
    assert one.coverage.tolist() == [0.75, 1.0]


def test_sorting_right_from_wrong_makes_the_area_larger():
    correct = np.arange(100) < 60
    sure = selective_accuracy(np.linspace(1, 0, 100), correct)
    unsure = selective_accuracy(np.linspace(0, 1, 100), correct)
    level = selective_accuracy(np.full(100, 0.5), correct)
    assert unsure.area < level.area < sure.area
    assert level.area == pytest.approx(0.6)
    assert sure.accuracy[-1] == unsure.accuracy[-1] == level.accuracy[-1] == pytest.approx(0.6)


def test_new_measures_refuse_what_they_cannot_use():
    with pytest.raises(DataError):
        selective_accuracy([], [])
    with pytest.raises(DataError):
        selective_accuracy([1.5], [True])
    with pytest.raises(DataError):
        classwise_calibration_error([0.5, 0.5], [1, 0])
