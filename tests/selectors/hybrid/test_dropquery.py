"""DropQuery: who is a candidate, which are picked, and what fills the rest."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.errors import ConfigError
from llmal.selectors import DropQuery, RoundState


def _state(features, predict, labelled=()):
    return RoundState.from_arrays(
        features=np.asarray(features, dtype="float32"),
        labelled=labelled,
        labels=[0] * len(labelled),
        predict=predict,
    )


def _above(threshold):
    """The second label where the first feature is above the threshold."""

    def predict(features):
        chance = np.where(features[:, 0] > threshold, 0.9, 0.1)
        return np.column_stack([1 - chance, chance])

    return predict


def _select(selector, state, k, seed=0):
    return selector.select(state, k, np.random.default_rng(seed))


def _two_kinds(rng, each=50):
    """Items that lose their label with their first feature, in three groups, then others."""
    places = rng.normal(0, 0.1, size=(3 * each, 2)) + np.repeat([[0, 0], [9, 0], [0, 9]], each, 0)
    hanging = np.column_stack([np.ones(3 * each), places])
    firm = np.column_stack([np.zeros(200), rng.normal(0, 30, size=(200, 2))])
    return np.concatenate([hanging, firm])


def test_the_pick_of_a_cluster_is_the_candidate_nearest_to_its_centre():
    features = _two_kinds(np.random.default_rng(0))
    state = _state(features, _above(0.5))
    picks = _select(DropQuery(passes=101), state, 3)
    groups = sorted(picks.indices // 50)
    assert groups == [0, 1, 2]
    for pick in picks.indices:
        group = np.arange(50) + pick // 50 * 50
        apart = np.linalg.norm(features[group] - features[group].mean(axis=0), axis=1)
        assert pick == group[apart.argmin()]
    assert picks.scores == pytest.approx([1 + 1 / 3] * 3)
    assert "cluster of 50 candidates" in picks.why[0]


def test_the_largest_cluster_comes_first():
    features = _two_kinds(np.random.default_rng(0))
    state = _state(features, _above(0.5), labelled=range(100, 130))
    picks = _select(DropQuery(passes=101), state, 3)
    assert picks.indices[2] // 50 == 2
    assert picks.scores == pytest.approx([1 + 50 / 120, 1 + 50 / 120, 1 + 20 / 120])


def test_for_want_of_candidates_those_that_changed_most_often():
    rng = np.random.default_rng(0)
    features = np.concatenate([np.ones((4, 1)), np.zeros((30, 1))])
    picks = _select(DropQuery(passes=9), _state(features, _above(0.5)), 10)
    assert sorted(picks.indices[:4]) == [0, 1, 2, 3]
    assert (picks.scores[:4] > 0).all()
    assert (picks.scores[4:] == 0).all()
    assert "changed in 0 of 9 passes; of no cluster, for want of candidates" in picks.why[9]
    firsts = {_select(DropQuery(passes=9), _state(features, _above(0.5)), 10, s).indices[5]
              for s in rng.integers(1000, size=30)}  # fmt: skip
    assert len(firsts) > 5


def test_candidates_of_one_place_give_one_cluster_and_the_rest_is_filled():
    features = np.concatenate([np.ones((20, 2)), np.zeros((30, 2))])
    picks = _select(DropQuery(passes=51), _state(features, _above(0.5)), 8)
    assert (picks.indices < 20).all()
    assert picks.scores[0] == 2
    assert (picks.scores[1:] < 1).all()
    assert (picks.scores[1:] > 0.5).all()


@pytest.mark.parametrize("dropout", [0.2, 0.75])
def test_features_are_dropped_with_the_probability_given(dropout):
    state = _state(np.ones((1, 1)), _above(0.5))
    changed = _select(DropQuery(passes=4000, dropout=dropout), state, 1).scores[0]
    assert abs(changed - dropout) < 0.03


def test_features_that_stay_are_scaled_or_not():
    state = _state(np.ones((40, 1)), _above(1.5))
    # 1 / (1 - 0.75) is above the threshold: the label changes where the feature stays.
    changed = _select(DropQuery(passes=400), state, 40).scores.mean()
    assert abs(changed - 0.25) < 0.02
    assert not _select(DropQuery(passes=400, rescale=False), state, 40).scores.any()


def test_like_scikit_activeml_over_seeds():
    peer = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier").SklearnClassifier
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 12)).astype("float32")
    truth = (features @ rng.normal(size=(12, 3))).argmax(axis=1)
    labelled = np.arange(40)
    targets = np.full(500, np.nan)
    targets[labelled] = truth[labelled]
    learner = classifier(LogisticRegression(), classes=range(3)).fit(features, targets)
    state = _state(features, learner.predict_proba, labelled)
    rest = features[40:]

    def cost(picks):
        apart = ((rest[:, None] - features[picks]) ** 2).sum(axis=2)
        return apart.min(axis=1).mean()

    def doubt(picks):
        best = np.sort(learner.predict_proba(features[picks]), axis=1)
        return (best[:, -1] - best[:, -2]).mean()

    ours, theirs = [], []
    for seed in range(15):
        picks = _select(DropQuery(rescale=False), state, 10, seed).indices
        ours.append((cost(picks), doubt(picks)))
        theirs_picks = peer.DropQuery(n_dropout_samples=3, random_state=seed).query(
            features, targets, learner, fit_clf=False, batch_size=10
        )
        theirs.append((cost(theirs_picks), doubt(theirs_picks)))
    mine, others = np.array(ours), np.array(theirs)
    error = np.sqrt((mine.var(axis=0) + others.var(axis=0)) / 14)
    assert (np.abs(mine.mean(axis=0) - others.mean(axis=0)) < 3.5 * error).all()
    drawn = rng.choice(np.arange(40, 500), size=(15, 10))
    assert doubt(drawn.ravel()) > mine[:, 1].mean() + 4 * error[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"passes": 0}, "passes is 0; at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0; it must lie between 0 and 1"),
        ({"dropout": 0.0}, "dropout is 0.0; it must lie between 0 and 1"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ConfigError, match=message):
        DropQuery(**options)
