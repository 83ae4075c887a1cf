"""What a learner makes of labelled items."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.errors import ConfigError, DataError
from llmal.generators import LearnerAnswers
from llmal.task import Task

TASK = Task("abc", ["a", "b", "c"])
ITEMS = [Item(f"i{n}", f"text {n}", gold=gold) for n, gold in enumerate("aabc")]
ANSWERS = np.array([[0.5, 0.25, 0.25], [0.2, 0.7, 0.1], [0.1, 0.9, 0.0], [0.6, 0.3, 0.1]])


def test_what_is_confused_is_counted_by_truth_and_answer():
    confusion = LearnerAnswers(ITEMS, ANSWERS).confusion(TASK)
    assert confusion.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("loss", -np.log([0.5, 0.2, 0.9, 0.1])),
        ("least-confidence", [0.5, 0.3, 0.1, 0.4]),
        ("margin", [0.75, 0.5, 0.2, 0.7]),
    ],
)
def test_difficulty_by_hand(measure, expected):
    given = LearnerAnswers(ITEMS, ANSWERS).difficulty(TASK, measure)
    assert given == pytest.approx(np.asarray(expected))


def test_entropy_is_in_nats():
    given = LearnerAnswers(ITEMS, ANSWERS).difficulty(TASK, "entropy")
    assert given[0] == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(4))


def test_an_impossible_label_is_as_hard_as_can_be_and_finite():
    given = LearnerAnswers(ITEMS[:1], np.array([[0.0, 1.0, 0.0]])).difficulty(TASK, "loss")
    assert 700 < given[0] < np.inf


def test_shapes_and_labels_that_do_not_fit_are_said():
    with pytest.raises(DataError, match="4 items"):
        LearnerAnswers(ITEMS, ANSWERS[:2])
    with pytest.raises(DataError, match="not all from 0 to 1"):
        LearnerAnswers(ITEMS, ANSWERS * 2)
    with pytest.raises(DataError, match="knows 2 labels"):
        LearnerAnswers(ITEMS, ANSWERS[:, :2]).confusion(TASK)
    with pytest.raises(ConfigError, match="no measure 'doubt'"):
        LearnerAnswers(ITEMS, ANSWERS).difficulty(TASK, "doubt")
