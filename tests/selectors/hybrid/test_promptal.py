"""PromptAL's query step."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.errors import ConfigError
from llmal.selectors import RoundState, make


def _arrays(n=200, labels=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 5)).astype("float32"), rng.dirichlet([3, 1, 0.5][:labels], size=n)


def _picks(features, probabilities, labelled, k, seed=0, **options):
    where = np.array(labelled, dtype=int)
    state = RoundState.from_arrays(
        features=np.asarray(features, dtype="float32"),
        probabilities=probabilities,
        labelled=where,
        labels=0 * where,
    )
    return make("promptal", **options).select(state, k, np.random.default_rng(seed))


def _entropy(p):
    return -(p * np.log(p)).sum(axis=1)


def _calibrated(p, per_label=100):
    support = np.unique(np.argsort(-p, axis=0)[:per_label])
    divided = p / p[support].mean(axis=0)
    return divided / divided.sum(axis=1, keepdims=True)


def _distance(features, rows, labelled, near):
    apart = np.linalg.norm(features[rows][:, None] - features[labelled][None], axis=2)
    return np.sort(apart, axis=1)[:, :near].mean(axis=1)


def test_one_cluster_gives_the_item_of_the_highest_score():
    features, p = _arrays()
    labelled = np.arange(15)
    rows = np.arange(15, 200)
    far = _distance(features, rows, labelled, 10)
    far = (far - far.min()) / (far.max() - far.min())
    score = 0.7 * _entropy(_calibrated(p[rows], 20)) + 0.3 * far
    selection = _picks(features, p, labelled, 1, weight=0.7, per_label=20)
    assert selection.indices[0] == rows[score.argmax()]
    np.testing.assert_allclose(selection.scores[0], score.max(), rtol=1e-5)


def test_each_of_two_far_clusters_gives_its_best():
    features, p = _arrays(100)
    features[50:] += 100
    labelled = np.array([0, 1, 2, 50])
    selection = _picks(features, p, labelled, 2)
    rows = np.setdiff1d(np.arange(100), labelled)
    far = _distance(features, rows, labelled, 4)
    for half in (rows < 50, rows >= 50):
        far[half] = (far[half] - far[half].min()) / np.ptp(far[half])
    score = 0.9 * _entropy(_calibrated(p[rows])) + 0.1 * far
    best = [rows[half][score[half].argmax()] for half in (rows < 50, rows >= 50)]
    assert set(selection.indices.tolist()) == set(best)
    best_scores = np.sort(score[np.isin(rows, best)])[::-1]
    np.testing.assert_allclose(selection.scores, best_scores, rtol=1e-5)
    assert "best of a cluster of 47 items; entropy" in " ".join(selection.why)


def test_with_nothing_labelled_only_the_entropy_counts():
    features, p = _arrays()
    selection = _picks(features, p, [], 1)
    entropy = _entropy(_calibrated(p))
    assert selection.indices[0] == entropy.argmax()
    np.testing.assert_allclose(selection.scores[0], 0.9 * entropy.max())


def test_clusters_of_a_single_item_have_no_distance():
    features, p = _arrays(12)
    selection = _picks(features, p, [0, 1], 10)
    entropy = 0.9 * _entropy(_calibrated(p[2:]))
    np.testing.assert_allclose(selection.scores, np.sort(entropy)[::-1])


def test_without_weight_the_farthest_from_the_labelled_is_picked():
    selection = _picks([[0], [1], [5], [3]], np.full((4, 2), 0.5), [0], 1, weight=0)
    assert selection.indices.tolist() == [2]
    assert selection.scores.tolist() == [1]


def test_the_entropy_as_a_share_of_its_maximum():
    features, p = _arrays()
    nats = _picks(features, p, [], 8)
    share = _picks(features, p, [], 8, normalise_entropy=True)
    assert share.indices.tolist() == nats.indices.tolist()
    np.testing.assert_allclose(share.scores, nats.scores / np.log(3))
    assert "of its maximum" in share.why[0]


def test_without_calibration_the_entropy_is_that_of_the_learner():
    features, p = _arrays()
    selection = _picks(features, p, [], 1, calibrated=False)
    assert selection.indices[0] == _entropy(p).argmax() != _entropy(_calibrated(p)).argmax()
    np.testing.assert_allclose(selection.scores[0], 0.9 * _entropy(p).max())


def test_a_probability_of_zero_is_no_obstacle():
    features = _arrays(40)[0]
    p = np.tile([[1.0, 0.0], [0.5, 0.5]], (20, 1))
    selection = _picks(features, p, [], 5)
    assert np.isfinite(selection.scores).all()
    assert (selection.indices % 2 == 1).all()


def test_fewer_distinct_features_than_picks_are_filled_by_score():
    features = np.repeat([[0.0], [10.0], [20.0]], 10, axis=0)
    p = _arrays(30)[1]
    selection = _picks(features, p, [], 6)
    entropy = 0.9 * _entropy(_calibrated(p))
    best = [int(entropy[start : start + 10].argmax()) + start for start in (0, 10, 20)]
    rest = np.setdiff1d(np.arange(30), best)
    filled = rest[np.argsort(-entropy[rest])[:3]].tolist()
    assert set(selection.indices.tolist()) == {*best, *filled}
    assert sum("fewer distinct features" in why for why in selection.why) == 3


@pytest.mark.parametrize("options", [{"weight": 1.1}, {"neighbours": 0}, {"per_label": 0}])
def test_options_out_of_range(options):
    with pytest.raises(ConfigError, match=f"promptal: {next(iter(options))} is"):
        make("promptal", **options)
