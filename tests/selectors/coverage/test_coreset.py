"""CoreSet: farthest-first traversal of the learner's features."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.selectors import RoundState, make


def _state(features, labelled=()):
    where = np.array(labelled, dtype=int)
    return RoundState.from_arrays(
        features=np.asarray(features, dtype="float32"), labelled=where, labels=0 * where
    )


def _picks(state, k, seed=0):
    return make("coreset").select(state, k, np.random.default_rng(seed))


def _clustered(n, d, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(12, d)) * 4
    return (centres[rng.integers(12, size=n)] + rng.normal(size=(n, d))).astype("float32")


def _brute(features, centres, k):
    """Farthest-first, every distance measured."""
    rows = np.asarray(features, dtype=float)
    least = np.full(len(rows), np.inf)
    for centre in centres:
        least = np.minimum(least, np.linalg.norm(rows - rows[centre], axis=1))
    least[list(centres)] = -np.inf
    picks, distances = [], []
    for _ in range(k):
        pick = int(least.argmax())
        picks.append(pick)
        distances.append(least[pick])
        least = np.minimum(least, np.linalg.norm(rows - rows[pick], axis=1))
        least[[*centres, *picks]] = -np.inf
    return picks, distances


def test_on_a_line_the_ends_come_first():
    state = _state([[0], [1], [2], [4], [11]], labelled=[0])
    selection = _picks(state, 4)
    assert selection.indices.tolist() == [4, 3, 2, 1]
    np.testing.assert_allclose(selection.scores, [11, 4, 2, 1], rtol=1e-6)
    assert selection.why[0] == "11.000 from the nearest labelled or picked item"


def test_without_labels_the_first_is_drawn_and_the_next_is_farthest_from_it():
    state = _state([[0], [1], [10]])
    firsts = set()
    for seed in range(20):
        selection = _picks(state, 2, seed)
        first, second = selection.indices.tolist()
        firsts.add(first)
        assert second == {0: 2, 1: 2, 2: 0}[first]
        reach = {0: 10, 1: 9, 2: 10}[first]
        np.testing.assert_allclose(selection.scores, [reach, reach], rtol=1e-6)
        assert "drawn at random" in selection.why[0]
    assert firsts == {0, 1, 2}


def test_a_single_pick_without_labels_says_how_far_it_reaches():
    selection = _picks(_state([[0], [10]]), 1)
    np.testing.assert_allclose(selection.scores, [10], rtol=1e-6)


@pytest.mark.parametrize("n_labelled", [1, 30, 300])
def test_more_items_than_are_kept_up_to_date(n_labelled):
    """Items beyond the largest bounds, and centres beyond the first, are not forgotten."""
    features = _clustered(20_000, 6)
    labelled = np.random.default_rng(1).permutation(20_000)[:n_labelled]
    selection = _picks(_state(features, labelled), 40)
    picks, distances = _brute(features, labelled.tolist(), 40)
    assert selection.indices.tolist() == picks
    np.testing.assert_allclose(selection.scores, distances, rtol=1e-5)


def test_far_from_the_origin_the_picks_are_the_same():
    features = np.round(_clustered(400, 5) * 64) / 64  # still exact when moved by 1000
    here = _picks(_state(features, [3]), 15)
    there = _picks(_state(features + 1000, [3]), 15)
    assert here.indices.tolist() == there.indices.tolist()


def test_copies_of_the_labelled_come_last():
    features = np.repeat([[0.0, 0.0], [3.0, 0.0], [0.0, 5.0]], 4, axis=0)
    selection = _picks(_state(features, [0]), 11)
    assert (selection.indices[:2] // 4).tolist() == [2, 1]
    np.testing.assert_allclose(selection.scores, [5, 3] + [0] * 9, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_picks_are_those_of_scikit_activeml(seed):
    pool = pytest.importorskip("skactiveml.pool")
    features = _clustered(1_500, 20, seed)
    labelled = np.random.default_rng(seed).permutation(1_500)[:25]
    labels = np.full(1_500, np.nan)
    labels[labelled] = 0
    theirs = pool.CoreSet(random_state=0).query(features, labels, batch_size=30)
    assert _picks(_state(features, labelled), 30).indices.tolist() == theirs.tolist()


def test_the_picks_are_those_of_small_text_with_the_unlabelled_first():
    coresets = pytest.importorskip("small_text.query_strategies.coresets")
    features = _clustered(600, 20)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    unlabelled, labelled = np.arange(560), np.arange(560, 600)
    theirs = coresets.greedy_coreset(
        features, unlabelled, labelled, 20, distance_metric="euclidean", normalized=True
    )
    assert _picks(_state(features, labelled), 20).indices.tolist() == theirs.tolist()
