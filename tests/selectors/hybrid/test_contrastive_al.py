"""CAL: by hand, against plain loops, and against other people's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from llmal.errors import ConfigError
from llmal.selectors import ContrastiveAL, RoundState


def _round(size=300, known=25, labels=5, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(labels, 2.0), size=size)
    labelled = rng.choice(size, known, replace=False)
    features = rng.normal(size=(size, 7)).astype("float32")
    return features, probabilities, labelled


def _state(features, probabilities, labelled):
    return RoundState.from_arrays(
        features=np.asarray(features, dtype="float32"),
        probabilities=np.asarray(probabilities),
        labelled=labelled,
        labels=[0] * len(labelled),
    )


def _utilities(selector, state):
    return selector.utilities(state, np.random.default_rng(0)).values


def test_by_hand():
    features = [[0, 0], [10, 0], [1, 0], [9, 0]]
    probabilities = [[0.5, 0.5], [0.9, 0.1], [0.25, 0.75], [0.9, 0.1]]
    state = _state(features, probabilities, [0, 1])
    values = _utilities(ContrastiveAL(neighbours=1), state)
    assert values == pytest.approx([0.5 * math.log(2) + 0.5 * math.log(2 / 3), 0])
    of_second = 0.9 * math.log(0.9 / 0.25) + 0.1 * math.log(0.1 / 0.75)
    both = _utilities(ContrastiveAL(neighbours=2), state)
    assert both[0] == pytest.approx((values[0] + of_second) / 2)
    # More neighbours than labelled items: all of them.
    assert _utilities(ContrastiveAL(), state).tolist() == both.tolist()


@pytest.mark.parametrize("normalise", [False, True])
def test_against_plain_loops(normalise):
    features, probabilities, labelled = _round()
    state = _state(features, probabilities, labelled)
    rows = features.astype(float)
    if normalise:
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = []
    for item in state.unlabelled:
        near = sorted(labelled, key=lambda other: np.linalg.norm(rows[item] - rows[other]))[:10]
        p = probabilities[item]
        terms = [(probabilities[one] * np.log(probabilities[one] / p)).sum() for one in near]
        expected.append(np.mean(terms))
    values = _utilities(ContrastiveAL(normalise=normalise), state)
    assert values == pytest.approx(np.array(expected), rel=1e-3, abs=1e-6)


def test_cosine_and_distance_have_other_neighbours():
    features = [[1, 0.1], [5, 5], [6, 1]]
    probabilities = [[0.9, 0.1], [0.3, 0.7], [0.3, 0.7]]
    state = _state(features, probabilities, [0, 1])
    assert _utilities(ContrastiveAL(neighbours=1), state)[0] == pytest.approx(0)
    assert _utilities(ContrastiveAL(neighbours=1, normalise=True), state)[0] > 0.5


def test_far_from_the_origin_the_neighbours_are_still_the_nearest():
    features = np.array([[0.0, 0.0], [0.2, 0.0], [0.15, 0.0], [0.05, 0.0]]) + 3000
    probabilities = [[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]]
    values = _utilities(ContrastiveAL(neighbours=1), _state(features, probabilities, [0, 1]))
    assert values == pytest.approx([0.8 * math.log(9)] * 2)


def test_impossible_labels_are_far_and_not_infinitely():
    state = _state([[0], [1], [2]], [[1.0, 0], [0.0, 1], [1.0, 0]], [0])
    values = _utilities(ContrastiveAL(), state)
    assert values == pytest.approx([-math.log(1e-7), 0], rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_picks_of_scikit_activeml(seed):
    peer = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier").SklearnClassifier
    from sklearn.linear_model import LogisticRegression

    features, _, labelled = _round(600, 40, seed=seed)
    labels = (features[labelled] @ np.random.default_rng(9).normal(size=(7, 4))).argmax(axis=1)
    targets = np.full(600, np.nan)
    targets[labelled] = labels
    learner = classifier(LogisticRegression(), classes=range(4)).fit(features, targets)
    theirs = peer.ContrastiveAL(nearest_neighbors_dict={"n_neighbors": 10}, random_state=0).query(
        features, targets, learner, fit_clf=False, batch_size=50
    )
    state = _state(features, learner.predict_proba(features), labelled)
    ours = ContrastiveAL().select(state, 50, np.random.default_rng(0))
    assert ours.indices.tolist() == theirs.tolist()


def test_the_picks_of_small_text_among_labelled_neighbours():
    strategies = pytest.importorskip("small_text.query_strategies.strategies")
    from sklearn.neighbors import NearestNeighbors

    features, probabilities, _ = _round(400)
    labelled, unlabelled = np.arange(30), np.arange(30, 400)
    rows = features / np.linalg.norm(features, axis=1, keepdims=True)
    # Its neighbours come from what the search was fitted on: here the labelled, who stand first.
    theirs = strategies.ContrastiveActiveLearning(k=10)._contrastive_active_learning(
        range(400), rows, probabilities, unlabelled, NearestNeighbors().fit(rows[labelled]), 40
    )
    state = _state(features, probabilities, labelled)
    ours = ContrastiveAL(normalise=True).select(state, 40, np.random.default_rng(0))
    assert sorted(ours.indices) == sorted(unlabelled[theirs])


def test_no_neighbours_are_refused():
    with pytest.raises(ConfigError, match="neighbours is 0; at least 1"):
        ContrastiveAL(neighbours=0)
