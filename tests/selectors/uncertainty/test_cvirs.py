"""CVIRS: by its formulas, written down plainly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from llmal.errors import ConfigError
from llmal.selectors import Cvirs, RoundState
from llmal.task import Task

RNG = np.random.default_rng(0)
SPACE = Task("t", ["a", "b", "c", "d", "e"], kind="multi").space
P = RNG.random((30, 5))
LABELS = np.array([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 1], [1, 1, 0, 0, 0]])


def _state(p=P, labels=LABELS):
    return RoundState.from_arrays(
        probabilities=p, labelled=np.arange(len(labels)), labels=labels, space=SPACE
    )


def _entropy(counts):
    total = sum(counts)
    return -sum(n / total * math.log2(n / total) for n in counts if n)


def _distance(one, other):
    cells = [
        sum((x, y) == pair for x, y in zip(one, other, strict=True))
        for pair in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
    if cells[1] + cells[2] == len(one):
        return 1.0
    joint = _entropy(cells)
    alone = sum(_entropy([sum(v), len(v) - sum(v)]) for v in (one, other))
    return (2 * joint - alone) / joint if joint else 0.0


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_it_is_borda_count_times_mean_distance(threshold):
    state = _state()
    p = P[state.unlabelled]
    margins = abs(2 * p - 1)
    expected = []
    for row in range(len(p)):
        ahead = (margins > margins[row]).sum() / (5 * (len(p) - 1))
        answer = (p[row] > threshold).astype(int).tolist()
        apart = np.mean([_distance(answer, other) for other in LABELS.tolist()])
        expected.append(ahead * apart)
    found = Cvirs(threshold=threshold).utilities(state, RNG).values
    assert found == pytest.approx(expected)


def test_answers_that_are_opposite_are_as_far_apart_as_can_be():
    p = np.concatenate([P[:1], [[0.9, 0.9, 0.1, 0.1, 0.1], [0.1, 0.1, 0.9, 0.9, 0.9]]])
    state = _state(p, LABELS[:1])
    same, opposite = Cvirs().utilities(state, RNG).values
    assert same == 0
    assert opposite == pytest.approx(0.5)


def test_the_labels_are_alike():
    order = [3, 1, 4, 0, 2]
    found = Cvirs().utilities(_state(P[:, order], LABELS[:, order]), RNG).values
    assert found == pytest.approx(Cvirs().utilities(_state(), RNG).values)


def test_one_item():
    assert Cvirs().utilities(_state(P[:5]), RNG).values.shape == (1,)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_the_threshold_is_checked(value):
    with pytest.raises(ConfigError, match="cvirs: threshold is"):
        Cvirs(threshold=value)
