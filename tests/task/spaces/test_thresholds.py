"""Thresholds of labels: given, and chosen for F1."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from llmal.errors import ConfigError
from llmal.task import Task
from llmal.task.spaces.thresholds import (
    check_thresholds,
    expected_f1_threshold,
    f1_thresholds,
)

TASK = Task("t", ["a", "b", "c"], kind="multi")


def test_chosen_thresholds_reach_the_best_f1_that_there_is():
    rng = np.random.default_rng(1)
    for _ in range(12):
        probabilities = rng.integers(0, 8, (25, 3)) / 8
        truth = (rng.random((25, 3)) < probabilities * 0.6).astype(int)
        found = f1_thresholds(probabilities, truth, shared_items=0)
        for column in range(3):
            if truth[:, column].min() == truth[:, column].max():
                assert found[column] == 0.5
                continue
            own = probabilities[:, column]
            best = max(
                f1_score(truth[:, column], own >= cut, zero_division=0) for cut in np.unique(own)
            )
            given = f1_score(truth[:, column], own > found[column], zero_division=0)
            assert given == pytest.approx(best)


def test_of_thresholds_that_are_as_good_the_one_nearest_to_one_half():
    probabilities = np.array([[0.1], [0.2], [0.9], [0.95]])
    truth = np.array([[0], [0], [1], [1]])
    assert f1_thresholds(probabilities, truth, shared_items=0)[0] == pytest.approx(0.55)


def test_a_label_that_few_items_have_is_decided_as_all_are():
    rng = np.random.default_rng(2)
    probabilities = rng.random((400, 3)) * [1.0, 0.5, 0.1]
    truth = (rng.random((400, 3)) < probabilities).astype(int)
    truth[:, 2] = 0
    own = f1_thresholds(probabilities, truth, shared_items=0)
    (shared,) = f1_thresholds(probabilities.reshape(-1, 1), truth.reshape(-1, 1), shared_items=0)
    found = f1_thresholds(probabilities, truth)
    assert found[2] == pytest.approx(shared)
    for column in (0, 1):
        low, high = sorted([own[column], shared])
        assert low < found[column] < high
    # The more items have it, the nearer to its own.
    odds = np.log(np.stack([own, found]) / (1 - np.stack([own, found])))
    towards = (odds[1] - np.log(shared / (1 - shared))) / (odds[0] - np.log(shared / (1 - shared)))
    counts = truth.sum(axis=0)
    assert towards[:2] == pytest.approx(counts[:2] / (counts[:2] + 100))


def test_the_expected_threshold_is_best_where_probabilities_are_true():
    rng = np.random.default_rng(4)
    probabilities = rng.beta(0.4, 3, (4000, 3))
    truth = rng.random(probabilities.shape) < probabilities
    found = expected_f1_threshold(probabilities)
    scores = {
        cut: f1_score(truth.ravel(), probabilities.ravel() > cut)
        for cut in [found, *np.linspace(0.05, 0.95, 19)]
    }
    assert scores[found] >= max(scores.values()) - 0.005
    # Half of the F1 that it reaches.
    assert found == pytest.approx(scores[found] / 2, abs=0.02)


def test_thresholds_stay_finite_where_probabilities_are_certain():
    probabilities = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    found = f1_thresholds(probabilities, np.array([[1, 0], [0, 1], [0, 0]]))
    assert ((found > 0) & (found < 1)).all()


def test_numbers_for_all_or_by_label():
    assert check_thresholds(TASK, 0.5) is None
    assert check_thresholds(TASK, 0.3).tolist() == [0.3] * 3
    assert check_thresholds(TASK, {"b": 0.9}).tolist() == [0.5, 0.9, 0.5]
    assert check_thresholds(TASK, "f1") == "f1"
    assert check_thresholds(TASK, "auto") == "auto"
    assert check_thresholds(Task("s", ["a", "b"]), 0.5) is None
    assert check_thresholds(Task("s", ["a", "b"]), "auto") is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (1.5, "the threshold of label 'a' is 1.5"),
        (True, "the threshold of label 'a' is True"),
        ({"d": 0.5}, "there is a threshold for 'd', which is no label of task 't'"),
        ({"a": "high"}, "the threshold of label 'a' is 'high'"),
        ("best", "thresholds is 'best'"),
    ],
)
def test_what_is_no_threshold_is_said(given, said):
    with pytest.raises(ConfigError, match=said):
        check_thresholds(TASK, given)


@pytest.mark.parametrize("given", [0.3, "f1", {"a": 0.2}])
def test_a_task_of_one_label_an_item_has_none(given):
    with pytest.raises(ConfigError, match="the option thresholds works with several labels"):
        check_thresholds(Task("s", ["a", "b"]), given)
