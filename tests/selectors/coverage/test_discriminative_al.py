"""DAL: where its picks lie, and the same picks as plain refits and as other people's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from llmal.errors import ConfigError
from llmal.selectors import DiscriminativeAL, RoundState


def _blobs(centres, each=100, seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.normal(centre, 0.3, size=(each, len(centre))) for centre in centres]
    ).astype("float32")


def _state(features, labelled):
    return RoundState.from_arrays(features=features, labelled=labelled, labels=[0] * len(labelled))


def _select(selector, state, k, seed=0):
    return selector.select(state, k, np.random.default_rng(seed))


def _plain(features, labelled, sizes):
    """Refits after each share of the picks."""
    known = np.zeros(len(features), dtype=bool)
    known[labelled] = True
    picks, chances = [], []
    for size in sizes:
        fitted = LogisticRegression(class_weight="balanced", max_iter=1000).fit(features, ~known)
        chance = np.where(known, -1, fitted.predict_proba(features)[:, 1])
        best = np.argsort(-chance)[:size]
        known[best] = True
        picks += best.tolist()
        chances.append(chance[best])
    return picks, chances


def test_the_picks_lie_where_no_item_is_labelled():
    features = _blobs([(0, 0), (5, 0)])
    picks = _select(DiscriminativeAL(batches=1), _state(features, range(8)), 20)
    assert (picks.indices >= 100).all()


def test_sub_queries_go_to_more_than_one_corner():
    features = _blobs([(0, 0), (6, 0), (0, 5.5)])
    state = _state(features, range(10))

    def blobs(batches):
        picks = _select(DiscriminativeAL(batches=batches), state, 40).indices
        return np.bincount(picks // 100, minlength=3)

    assert blobs(20)[1:].min() > max(5, blobs(1)[1:].min())


@pytest.mark.parametrize(("batches", "sizes"), [(1, [12]), (3, [4, 4, 4]), (5, [3, 3, 2, 2, 2])])
def test_against_plain_refits(batches, sizes):
    features = np.random.default_rng(3).normal(size=(400, 6)).astype("float32")
    labelled = np.arange(0, 60, 3)
    picks = _select(
        DiscriminativeAL(batches=batches, per_labelled=None), _state(features, labelled), 12
    )
    expected, chances = _plain(features, labelled, sizes)
    assert picks.indices.tolist() == expected
    turns = [one - turn for turn, one in enumerate(chances)]
    assert picks.scores == pytest.approx(np.concatenate(turns), abs=1e-5)
    assert picks.why[0] == (
        f"unlabelled with probability {chances[0][0]:.3f} (sub-query 1 of {batches})"
    )


@pytest.mark.parametrize(("greedy", "batches"), [(True, 1), (False, 8)])
@pytest.mark.parametrize("seed", range(3))
def test_the_picks_of_scikit_activeml(seed, greedy, batches):
    peer = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier").SklearnClassifier
    features = np.random.default_rng(seed).normal(size=(300, 10)).astype("float32")
    labelled = np.random.default_rng(seed).choice(300, 15, replace=False)
    targets = np.full(300, np.nan)
    targets[labelled] = 0
    theirs = peer.DiscriminativeAL(greedy_selection=greedy, random_state=0).query(
        features,
        targets,
        classifier(LogisticRegression(class_weight="balanced", max_iter=1000)),
        batch_size=8,
    )
    ours = _select(
        DiscriminativeAL(batches=batches, per_labelled=None), _state(features, labelled), 8
    )
    assert ours.indices.tolist() == theirs.tolist()


def test_it_is_fitted_on_a_part_of_a_large_pool_and_scores_all():
    features = _blobs([(0, 0), (5, 0)], each=2000)
    state = _state(features, range(0, 2000, 100))
    few = _select(DiscriminativeAL(batches=1), state, 50)
    every = _select(DiscriminativeAL(batches=1, per_labelled=None), state, 50)
    # Those of the other blob are what no part of the pool hides.
    assert (few.indices >= 2000).all()
    assert (every.indices >= 2000).all()
    assert few.scores.tolist() != every.scores.tolist()


def test_a_part_of_the_pool_may_be_smaller_than_the_picks():
    state = _state(_blobs([(0, 0), (5, 0)], each=30), [0, 1])
    picks = _select(DiscriminativeAL(per_labelled=1), state, 58)
    assert sorted(picks.indices) == list(range(2, 60))


@pytest.mark.parametrize("option", ["batches", "per_labelled"])
def test_options_out_of_range(option):
    with pytest.raises(ConfigError, match=f"{option} is 0; at least 1"):
        DiscriminativeAL(**{option: 0})
