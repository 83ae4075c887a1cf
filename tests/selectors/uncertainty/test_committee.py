"""Disagreement worked out by hand, and beside the implementations of others."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.errors import ConfigError, SelectionError
from llmal.selectors import Bald, QueryByCommittee, RoundState, VariationRatio

# Two members and four items: agreed and sure, agreed in doubt, sure of opposites, and mildly apart.
MEMBERS = [
    [[1.0, 0.0], [0.5, 0.5], [1.0, 0.0], [0.6, 0.4]],
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.4, 0.6]],
]
LN2 = 0.693147
# ln 2 + 0.6 ln 0.6 + 0.4 ln 0.4
MILD = 0.020136


def _state(committee, dtype="float64"):
    return RoundState.from_arrays(
        committee=np.array(committee, dtype=dtype), labelled=[], labels=[]
    )


def _values(selector, committee, dtype="float64"):
    return selector.utilities(_state(committee, dtype), np.random.default_rng(0)).values


def _random(members=7, items=300, labels=5, concentration=0.4):
    rng = np.random.default_rng(3)
    return rng.dirichlet(np.full(labels, concentration), size=(members, items))


def _hard_votes(*items, labels=4):
    """A committee whose members are sure; each item is given as the members' votes."""
    return np.eye(labels)[np.array(items).T]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (Bald(), [0, 0, LN2, MILD]),
        (QueryByCommittee(), [0, 0, LN2, MILD]),
        (QueryByCommittee("vote_entropy"), [0, 0, LN2, LN2]),
        (VariationRatio(), [0, 0, 0.5, 0.5]),
    ],
)
def test_known_disagreement(selector, expected, dtype):
    assert _values(selector, MEMBERS, dtype) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bald_is_the_entropy_of_the_mean_less_the_mean_entropy(dtype):
    committee = _random()

    def entropy(p):
        return -(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1)

    expected = entropy(committee.mean(axis=0)) - entropy(committee).mean(axis=0)
    assert _values(Bald(), committee, dtype) == pytest.approx(expected, abs=2e-6)


def test_small_disagreement_keeps_its_digits_in_float32():
    # Members at 0.5 ± δ differ by 2δ² nats: 2e-6 here, where entropies are good to 1e-7.
    apart = 1e-3
    committee = [[[0.5 + apart, 0.5 - apart]], [[0.5 - apart, 0.5 + apart]]]
    assert _values(Bald(), committee, "float32") == pytest.approx([2 * apart**2], rel=0.05)


def test_disagreement_is_never_below_zero():
    one = _random(members=1, items=2000)
    assert _values(Bald(), np.repeat(one, 9, axis=0), "float32").min() >= 0


def test_votes_count_whatever_the_labels():
    committee = _hard_votes([0, 0, 0, 1], [0, 1, 2, 3], [3, 3, 3, 3], [2, 2, 1, 1])
    assert _values(VariationRatio(), committee).tolist() == [0.25, 0.75, 0, 0.5]
    three_to_one = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert _values(QueryByCommittee("vote_entropy"), committee) == pytest.approx(
        [three_to_one, np.log(4), 0, np.log(2)]
    )


def test_equal_votes_for_other_labels_are_exactly_equal():
    votes = [0] * 5 + [1] * 3 + [2] * 2 + [3] * 3
    items = [
        [permuted[v] for v in votes] for permuted in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2])
    ]
    values = _values(QueryByCommittee("vote_entropy"), _hard_votes(*items))
    assert values[0] == values[1] == values[2] > 0


@pytest.mark.parametrize(
    "selector", [Bald(), QueryByCommittee(), QueryByCommittee("vote_entropy"), VariationRatio()]
)
def test_copies_are_equal_wherever_they_stand_among_many(selector):
    # More rows than one chunk holds.
    committee = np.tile(_random(members=3, items=7, labels=3), (1, 40_001, 1))
    values = _values(selector, committee, "float32").reshape(-1, 7)
    assert (values == values[0]).all()


@pytest.mark.parametrize("selector", [Bald(), QueryByCommittee(), VariationRatio()])
def test_one_member_is_no_committee(selector):
    with pytest.raises(SelectionError, match=rf"^{selector.name}: a committee of one .* two"):
        selector.select(_state(MEMBERS[:1]), 1, np.random.default_rng(0))


def test_an_unknown_disagreement():
    with pytest.raises(ConfigError, match="no disagreement 'votes'; use kl or vote_entropy"):
        QueryByCommittee("votes")


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        (Bald(), "a label tells 0.693 nats"),
        (QueryByCommittee(), "members diverge from their mean by 0.693 nats"),
        (QueryByCommittee("vote_entropy"), "entropy of the votes 0.693 nats"),
        (VariationRatio(), "1 of 2 members agree"),
    ],
)
def test_reasons_that_people_can_read(selector, reason):
    few = np.array(MEMBERS)[:, :3]
    picked = selector.select(_state(few), 1, np.random.default_rng(0))
    assert picked.indices.tolist() == [2]
    assert picked.why == [reason]


def test_query_by_committee_as_scikit_activeml():
    pool = pytest.importorskip("skactiveml.pool")
    committee = _random(concentration=1.0)
    votes = committee.argmax(axis=2).T
    # Theirs clips in place.
    theirs = pool.average_kl_divergence(committee.copy())
    assert _values(QueryByCommittee(), committee) == pytest.approx(theirs, abs=1e-6)
    theirs = pool.vote_entropy(votes, np.arange(5))
    assert _values(QueryByCommittee("vote_entropy"), committee) == pytest.approx(theirs)


def test_variation_ratio_as_scikit_activeml():
    committees = pytest.importorskip("skactiveml.pool._query_by_committee")
    committee = _random()
    theirs = committees.variation_ratios(committee.argmax(axis=2).T)
    assert _values(VariationRatio(), committee) == pytest.approx(theirs)


def test_bald_as_scikit_activeml_and_the_same_picks():
    pool = pytest.importorskip("skactiveml.pool")
    committee = _random(concentration=1.0)
    theirs = pool.batch_bald(committee.copy(), batch_size=1)[0]
    assert _values(Bald(), committee) == pytest.approx(theirs, abs=1e-6)
    picks = Bald().select(_state(committee), 20, np.random.default_rng(0)).indices
    assert picks.tolist() == np.argsort(-theirs)[:20].tolist()
