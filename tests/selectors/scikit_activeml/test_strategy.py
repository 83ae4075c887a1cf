"""Strategies of scikit-activeml as selectors: what they get, and what comes out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pool = pytest.importorskip("skactiveml.pool")

from llmal.errors import ConfigError, SelectionError  # noqa: E402
from llmal.selectors import FromScikitActiveml, RoundState, Subsample, make  # noqa: E402

SIZE, LABELS, DIMENSIONS = 150, 3, 5
FITTING = [
    "RandomSampling",
    "UncertaintySampling",
    "Badge",
    "CoreSet",
    "TypiClust",
    "ProbCover",
    "ContrastiveAL",
    "QueryByCommittee",
    "GreedyBALD",
    "DiscriminativeAL",
    "DropQuery",
    "Clue",
    "Falcun",
    "MaxHerding",
]


def _predict(features):
    weights = np.random.default_rng(5).normal(size=(DIMENSIONS, LABELS))
    scores = np.exp(np.asarray(features) @ weights)
    return scores / scores.sum(axis=1, keepdims=True)


def _state(labelled=15, exclude=0, seed=0):
    """A round of SIZE items, of which those after the first `exclude` unlabelled may be picked."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(SIZE, DIMENSIONS)).astype("float32")
    probabilities = _predict(features)
    known = rng.choice(SIZE, size=labelled, replace=False)
    state = RoundState.from_arrays(
        embeddings=features,
        probabilities=probabilities,
        committee=rng.dirichlet(np.ones(LABELS), size=(4, SIZE)),
        predict=_predict,
        labelled=known,
        labels=probabilities.argmax(axis=1)[known],
    )
    return state.among(np.arange(exclude, SIZE - labelled)) if exclude else state


def _rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("strategy", FITTING)
def test_picks_are_unlabelled_and_the_same_for_the_same_seed(strategy):
    selector = FromScikitActiveml(strategy)
    for state in (_state(), _state(exclude=100)):
        picks = selector.select(state, 8, _rng(3))
        assert len(set(picks.indices.tolist())) == 8
        assert set(picks.indices.tolist()) <= set(state.unlabelled.tolist())
        assert np.isfinite(picks.scores).all()
        assert (np.diff(picks.scores) <= 0).all()
        again = selector.select(state, 8, _rng(3))
        assert again.indices.tolist() == picks.indices.tolist()


@pytest.mark.parametrize("strategy", ["RandomSampling", "Badge", "TypiClust", "DropQuery"])
def test_other_seeds_give_other_picks(strategy):
    selector, state = FromScikitActiveml(strategy), _state()
    sets = {tuple(sorted(selector.select(state, 8, _rng(s)).indices)) for s in range(6)}
    assert len(sets) > 1


@pytest.mark.parametrize(
    ("method", "ours"),
    [("margin_sampling", "margin"), ("least_confident", "least_confidence")],
)
def test_uncertainty_sampling_picks_as_ours_does(method, ours):
    state = _state()
    theirs = FromScikitActiveml("UncertaintySampling", {"method": method}).select(state, 20, _rng())
    own = make(ours).select(state, 20, _rng())
    assert theirs.indices.tolist() == own.indices.tolist()
    assert theirs.scores == pytest.approx(own.scores)


def test_it_gives_what_the_strategy_gives_when_asked_directly():
    state = _state()
    features = state.features
    y = np.full(SIZE, np.nan)
    y[state.labelled] = state.labels
    direct = pool.CoreSet(random_state=0).query(features, y, batch_size=10)
    picks = FromScikitActiveml("CoreSet").select(state, 10, _rng())
    # Farthest first draws nothing where there are labelled items and no ties.
    assert picks.indices.tolist() == direct.tolist()
    nearest = np.linalg.norm(features[:, None] - features[state.labelled][None], axis=2).min(axis=1)
    assert picks.scores[0] == pytest.approx(nearest[state.unlabelled].max(), rel=1e-5)


def test_the_committee_is_that_of_the_round():
    state = _state()
    picks = FromScikitActiveml("QueryByCommittee", {"method": "vote_entropy"}).select(
        state, 5, _rng()
    )
    votes = state.committee.argmax(axis=2)
    split = np.array([len(set(column)) for column in votes.T])
    rows = np.searchsorted(state.unlabelled, picks.indices)
    assert split.max() == 3
    assert (split[rows] == 3).all()


def test_only_what_a_strategy_asks_for_is_required():
    required = {
        name: set(FromScikitActiveml(name).requires)
        for name in ("TypiClust", "Badge", "QueryByCommittee", "DiscriminativeAL")
    }
    assert required == {
        "TypiClust": {"features"},
        "Badge": {"features", "labels", "predict"},
        "QueryByCommittee": {"features", "labels", "committee"},
        "DiscriminativeAL": {"features", "labels"},
    }
    assert FromScikitActiveml("Badge", learner="logistic").requires == {"features", "labels"}
    assert FromScikitActiveml("Quire", {"classes": [0, 1]}).requires == {"features", "labels"}


@pytest.mark.parametrize("strategy", ["RandomSampling", "TypiClust", "CoreSet", "ProbCover"])
def test_strategies_without_a_learner_start_from_nothing(strategy):
    assert len(FromScikitActiveml(strategy).select(_state(labelled=0), 6, _rng())) == 6


def test_a_learner_of_ones_own_is_fitted_on_the_labelled():
    from sklearn.naive_bayes import GaussianNB

    state = _state(labelled=30)
    fitted = GaussianNB().fit(state.features[state.labelled].astype(float), state.labels)
    probabilities = fitted.predict_proba(state.features[state.unlabelled].astype(float))
    options = {"method": "least_confident"}
    selector = FromScikitActiveml("UncertaintySampling", options, learner=GaussianNB())
    picks = selector.select(state, 5, _rng())
    order = np.argsort(probabilities.max(axis=1))[:5]
    assert picks.indices.tolist() == state.unlabelled[order].tolist()
    assert picks.scores == pytest.approx(1 - probabilities.max(axis=1)[order], abs=1e-5)


def test_the_logistic_learner_picks_between_the_labels():
    # Two labels on a line, at -1 and 1: the item nearest to the middle is the least sure.
    places = np.array([[-1.0], [1.0], [-0.7], [0.05], [0.8], [2.0]], dtype="float32")
    state = RoundState.from_arrays(embeddings=places, labelled=[0, 1], labels=[0, 1])
    selector = make("scikit_activeml", strategy="UncertaintySampling", learner="logistic")
    assert selector.select(state, 2, _rng()).indices.tolist() == [3, 2]


def test_an_object_is_neither_changed_nor_bound_to_its_own_seed():
    strategy = pool.RandomSampling(random_state=7)
    selector, state = FromScikitActiveml(strategy), _state()
    sets = {tuple(selector.select(state, 5, _rng(seed)).indices) for seed in range(4)}
    assert len(sets) == 4
    assert strategy.random_state == 7
    assert not hasattr(strategy, "random_state_")


def test_a_wrapper_of_theirs_hands_on_what_is_inside():
    strategy = pool.SubSamplingWrapper(pool.UncertaintySampling(), max_candidates=20)
    selector, state = FromScikitActiveml(strategy), _state()
    assert selector.requires == {"features", "labels", "predict"}
    picks = selector.select(state, 5, _rng(1))
    assert picks.indices.tolist() == selector.select(state, 5, _rng(1)).indices.tolist()
    best = make("margin").select(state, 5, _rng()).indices
    assert set(picks.indices.tolist()) != set(best.tolist())


def test_ours_can_go_around_it():
    selector = make("subsample", items=30, selector={"name": "scikit_activeml", "strategy": "Clue"})
    assert selector == Subsample(FromScikitActiveml("Clue"), items=30)
    assert len(selector.select(_state(), 5, _rng())) == 5


def test_items_picked_twice_are_replaced_at_random(caplog):
    # Their BADGE runs out of distinct gradients among copies.
    state = RoundState.from_arrays(
        embeddings=np.repeat(_rng().normal(size=(5, DIMENSIONS)), 24, axis=0),
        predict=_predict,
        labelled=[0],
        labels=[0],
    )
    picks = FromScikitActiveml("Badge").select(state, 60, _rng())
    assert len(set(picks.indices.tolist())) == 60
    assert "Badge of scikit-activeml picked" in caplog.text
    assert picks.why[-1] == "drawn at random: Badge picked an item twice"
    assert (np.diff(picks.scores) <= 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategy": "Badger"}, "no strategy 'Badger' in skactiveml.pool; did you mean 'Badge'?"),
        ({"strategy": "k_greedy_center"}, "no strategy 'k_greedy_center'"),
        ({"strategy": "Badge", "options": {"depth": 3}}, "Badge: .*'depth'; check its options"),
        ({"strategy": "Quire"}, "Quire: .*'classes'"),
        ({"strategy": "GreedySamplingTarget"}, "GreedySamplingTarget is for regression"),
        ({"strategy": "MonteCarloEER"}, "trains a learner for each candidate.*learner: logistic"),
        ({"strategy": "GreedyBALD", "learner": "logistic"}, "asks for a committee; use learner"),
        ({"strategy": "SubSamplingWrapper"}, "SubSamplingWrapper has no strategy to wrap"),
        ({"strategy": "Badge", "learner": "neural"}, "there is no learner 'neural'"),
        ({"strategy": 3}, "3 is no strategy of scikit-activeml"),
        ({"strategy": pool.Badge(), "options": {"x": 1}}, "options go with the name"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(arguments, message):
    with pytest.raises(ConfigError, match=message):
        FromScikitActiveml(**arguments)


def test_what_is_no_strategy_for_one_annotator_is_refused():
    from skactiveml.pool.multiannotator import IntervalEstimationThreshold

    with pytest.raises(ConfigError, match="is no pool strategy for one annotator"):
        FromScikitActiveml(IntervalEstimationThreshold())


def test_a_learner_of_the_wrong_kind_is_a_sentence():
    with pytest.raises(SelectionError, match="FourDs of scikit-activeml refuses the round: `clf`"):
        FromScikitActiveml("FourDs").select(_state(), 3, _rng())


def test_without_scikit_activeml_there_is_a_sentence_with_the_remedy():
    # A fresh process in which the package cannot be found, as where it is not installed.
    program = (
        "import sys; sys.modules['skactiveml'] = None\n"
        "from llmal.errors import ConfigError\n"
        "from llmal.selectors import make\n"
        "try: make('scikit_activeml', strategy='Badge')\n"
        "except ConfigError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "which is not installed; pip install 'llmal[scikit-activeml]'" in said
