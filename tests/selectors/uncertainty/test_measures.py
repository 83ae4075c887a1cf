"""Scores worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.selectors import Entropy, LeastConfidence, Margin, RoundState

ROWS = [
    [0.70, 0.20, 0.10],  # least doubt, widest margin
    [0.45, 0.44, 0.11],  # narrowest margin
    [0.40, 0.30, 0.30],  # least confident, highest entropy
    [1.00, 0.00, 0.00],
]


def _select(selector, rows=ROWS, dtype="float64", k=None):
    state = RoundState.from_arrays(
        probabilities=np.array(rows, dtype=dtype), labelled=[], labels=[]
    )
    return selector.select(state, k=k or len(rows), rng=np.random.default_rng(0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("selector", "order", "scores"),
    [
        (LeastConfidence(), [2, 1, 0, 3], [0.6, 0.55, 0.3, 0.0]),
        (Margin(), [1, 2, 0, 3], [0.99, 0.9, 0.5, 0.0]),
        # 0.4 ln 2.5 + 0.6 ln(10/3) = 1.08890; and so on
        (Entropy(), [2, 1, 0, 3], [1.08890, 0.96336, 0.80182, 0.0]),
    ],
)
def test_known_scores(selector, order, scores, dtype):
    selection = _select(selector, dtype=dtype)
    assert selection.indices.tolist() == order
    assert selection.scores == pytest.approx(scores, abs=1e-5)


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        (LeastConfidence(), "best label at 0.400"),
        (Margin(), "margin 0.010"),
        (Entropy(), "entropy 1.089 of 1.099 nats"),
    ],
)
def test_reasons_that_people_can_read(selector, reason):
    assert _select(selector, k=1).why == [reason]


@pytest.mark.parametrize("best", [0, 1, 2, 3])
@pytest.mark.parametrize("second", [0, 1, 2, 3])
def test_margin_finds_the_best_two_labels_wherever_they_stand(best, second):
    if best == second:
        return
    row = np.full(4, 0.05)
    row[best], row[second] = 0.6, 0.3
    assert _select(Margin(), [row]).scores == pytest.approx([0.7])


@pytest.mark.parametrize("selector", [LeastConfidence(), Margin(), Entropy()])
def test_two_labels_are_ranked_alike_by_all_three(selector):
    first = np.random.default_rng(3).permutation(np.linspace(0.5, 1, 50))
    selection = _select(selector, np.stack([first, 1 - first], axis=1))
    assert selection.indices.tolist() == np.argsort(first).tolist()


@pytest.mark.parametrize("selector", [LeastConfidence(), Margin(), Entropy()])
def test_many_rows_are_scored_in_chunks_as_in_one_piece(selector):
    rows = np.random.default_rng(5).dirichlet(np.ones(14), size=200_000)
    best = _select(selector, rows, k=3)
    ranked = np.sort(rows, axis=1)
    plain = {
        "least_confidence": 1 - ranked[:, -1],
        "margin": 1 - (ranked[:, -1] - ranked[:, -2]),
        "entropy": -(rows * np.log(rows)).sum(axis=1),
    }[selector.name]
    assert best.indices.tolist() == np.argsort(-plain)[:3].tolist()
    assert best.scores == pytest.approx(plain[best.indices])


@pytest.mark.parametrize("selector", [LeastConfidence(), Margin(), Entropy()])
def test_a_tie_at_the_last_place_is_drawn(selector):
    rows = [[0.5, 0.5], *[[0.8, 0.2]] * 30, [0.9, 0.1]]
    state = RoundState.from_arrays(probabilities=np.array(rows), labelled=[], labels=[])
    picks = [selector.select(state, k=2, rng=np.random.default_rng(s)).indices for s in range(40)]
    assert {int(first) for first, _ in picks} == {0}
    seconds = {int(second) for _, second in picks}
    assert seconds <= set(range(1, 31))
    assert len(seconds) > 12
