"""Label cardinality inconsistency: by the formula, and beside small-text."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from llmal.errors import ConfigError, SelectionError
from llmal.selectors import LabelCardinality, RoundState
from llmal.task import Task

RNG = np.random.default_rng(0)
SPACE = Task("t", ["a", "b", "c", "d"], kind="multi").space
P = RNG.random((40, 4)) ** 2
LABELS = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]])


def _state(p=P, labels=LABELS):
    return RoundState.from_arrays(
        probabilities=p, labelled=np.arange(len(labels)), labels=labels, space=SPACE
    )


def _values(state=None, **options):
    return LabelCardinality(**options).utilities(state or _state(), RNG).values


@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_it_is_the_distance_from_the_usual_number_of_labels(threshold):
    assert _values(threshold=threshold) == pytest.approx(abs((P[3:] > threshold).sum(axis=1) - 1.0))


def test_with_a_weight_the_separation_counts():
    p = np.array([[0.9, 0.8, 0.3, 0.1], [0.4, 0.3, 0.2, 0.1], [0.9, 0.8, 0.7, 0.6]])
    state = _state(np.concatenate([P[:3], p]))
    apart = np.array([0.8 - 0.3, 0.5 - 0.4, 0.6 - 0.5])
    count = abs(np.array([2, 0, 4]) - 1)
    for weight in (0.3, 0.5, 1.0):
        expected = apart**-weight * (1 + count) ** (1 - weight)
        assert _values(state, uncertainty_weight=weight) == pytest.approx(expected)


def test_items_at_the_threshold_are_not_infinitely_uncertain():
    p = np.array([[0.5, 0.5 + 1e-9, 0.1, 0.1]])
    values = _values(_state(np.concatenate([P[:3], p])), uncertainty_weight=1.0)
    assert values == pytest.approx([100.0])


def test_small_text_gives_the_same():
    peers = pytest.importorskip("small_text.query_strategies.multi_label")
    y = csr_matrix(LABELS)
    theirs = peers._label_cardinality_inconsistency(P[3:], y, prediction_threshold=0.4)
    assert _values(threshold=0.4) == pytest.approx(theirs)
    # Its separation is the lead of the best label over the second: the same where the best alone is
    # predicted.
    one = ((P > 0.5).sum(axis=1) == 1)[3:]
    assert one.sum() > 5
    weighed = peers._uncertainty_weighted_label_cardinality_inconsistency(P[3:], y)
    assert _values(uncertainty_weight=0.5)[one] == pytest.approx(weighed[one])


@pytest.mark.parametrize("option", ["uncertainty_weight", "threshold"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_options_are_checked(option, value):
    with pytest.raises(ConfigError, match=f"label_cardinality: {option} is"):
        LabelCardinality(**{option: value})


def test_nothing_labelled_is_said():
    with pytest.raises(SelectionError, match="label_cardinality needs labels"):
        LabelCardinality().select(_state(labels=LABELS[:0]), 2, RNG)
