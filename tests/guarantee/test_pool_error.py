"""The exact rule, by hand and against all small pools."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from llmal.errors import ConfigError, DataError
from llmal.guarantee import certify, critical_counts
from llmal.guarantee.nested_looks import (
    bonferroni_counts,
    fewest_audited,
    probability_of_union,
)


def nested_audits(rest, looks):
    """All audits with these looks, as orders of draw; the order within a look does not matter."""

    def grow(drawn, sizes):
        if not sizes:
            yield drawn
            return
        left = [place for place in range(rest) if place not in drawn]
        for more in combinations(left, sizes[0] - len(drawn)):
            yield from grow(drawn + list(more), sizes[1:])

    yield from grow([], list(looks))


def test_counts_worked_out_by_hand():
    # 10 items, 0 may be wrong: one wrong item is missed by 9 of 10 audited with probability 0.1.
    assert critical_counts(10, 0, [9], 0.1) == (0,)
    assert critical_counts(10, 0, [9], 0.0999) == (-1,)
    # 6 items, 1 may be wrong, 3 audited: two wrong items are both missed in C(4,3)/C(6,3) = 0.2,
    # and of three, at most one is audited in (1 + 9)/20 = 0.5.
    assert critical_counts(6, 1, [3], 0.2) == (0,)
    assert critical_counts(6, 1, [3], 0.19) == (-1,)
    assert critical_counts(6, 1, [3], 0.5) == (1,)


def test_counts_of_two_looks_worked_out_by_hand():
    # 6 items, 1 may be wrong, looks at 3 and 4. Both of two wrong items are missed at 3 with
    # probability 4/20, at 4 with 1/15. Of three wrong items, at most one is audited at 4 with
    # probability 3/15. What is left after the common level goes to the last look first.
    assert critical_counts(6, 1, [3, 4], 0.2) == (-1, 1)
    assert critical_counts(6, 1, [3, 4], 0.19) == (-1, 0)
    assert critical_counts(6, 1, [3, 4], 0.06) == (-1, -1)


def test_the_rule_of_one_look_on_a_pool_of_ten():
    # 0 of 10 may be wrong at alpha 0.1: nine audited, the walk ends above the first error, but not
    # before an item that was not audited.
    audited = [0, 1, 2, 3, 4, 5, 6, 7, 9]
    stays = certify(range(10), audited, [0] * 9, epsilon=0, alpha=0.1)
    assert stays.holds
    assert stays.to_people.tolist() == []
    goes = certify(range(10), audited, [0, 0, 0, 1, 0, 0, 0, 0, 0], epsilon=0, alpha=0.1)
    assert goes.holds
    assert goes.accepted.tolist() == audited
    assert goes.to_people.tolist() == [8]
    assert goes.details["prefix"] == 8


@pytest.mark.parametrize("rest", range(1, 13))
def test_fewest_audited_is_the_first_that_certifies(rest):
    for allowed in range(rest):
        needed = fewest_audited(rest, allowed, 0.2)
        assert critical_counts(rest, allowed, [needed], 0.2)[0] >= 0
        assert needed == 1 or critical_counts(rest, allowed, [needed - 1], 0.2) == (-1,)


def test_fifty_nine_are_needed_of_a_large_pool():
    assert fewest_audited(1_000_000, 50_000, 0.05) == 59


def broken_by(rest, allowed, looks, counts, patterns):
    """How many of all audits break the promise, for each pattern of wrong items."""
    broken, audits = np.zeros(len(patterns), np.int64), 0
    upto = np.cumsum(patterns, axis=1)
    for drawn in nested_audits(rest, looks):
        audits += 1
        prefix = np.zeros(len(patterns), np.int64)
        for size, count in zip(looks, counts, strict=True):
            if count >= 0:
                audited = np.zeros(rest, bool)
                audited[drawn[:size]] = True
                passed = np.cumsum(patterns & audited, axis=1) <= count
                prefix = np.maximum(prefix, passed.sum(axis=1))
        corrected = np.zeros(rest, bool)
        corrected[drawn] = True
        left = upto - np.cumsum(patterns & corrected, axis=1)
        left = np.column_stack([np.zeros(len(patterns), np.int64), left])
        broken += left[np.arange(len(patterns)), prefix] > allowed
    return broken, audits


@pytest.mark.parametrize(
    ("rest", "allowed", "looks", "alpha"),
    [
        (8, 0, (5, 7), 0.3),
        (8, 1, (2, 4, 6), 0.3),
        (9, 2, (2, 4, 5), 0.4),
        (9, 1, (3, 6), 0.15),
        *((10, allowed, (size,), 0.2) for allowed in range(4) for size in (3, 5, 7, 9)),
        *((12, allowed, (6,), 0.1) for allowed in range(4)),
        pytest.param(10, 1, (3, 5, 7), 0.2, marks=pytest.mark.slow),
        pytest.param(12, 1, (5, 7), 0.2, marks=pytest.mark.slow),
        pytest.param(12, 3, (5, 7), 0.3, marks=pytest.mark.slow),
    ],
)
def test_every_pattern_of_wrong_items_and_every_audit(rest, allowed, looks, alpha):
    patterns = np.array(list(product([False, True], repeat=rest)))
    for counting in (critical_counts, bonferroni_counts)[: len(looks)]:
        counts = counting(rest, allowed, looks, alpha)
        broken, audits = broken_by(rest, allowed, looks, counts, patterns)
        assert broken.max() <= alpha * audits + 1e-9


def test_one_more_allowed_error_breaks_the_promise():
    counts = critical_counts(9, 2, (2, 4, 5), 0.4)
    raised = (*counts[:-1], counts[-1] + 1)
    patterns = np.array(list(product([False, True], repeat=9)))
    broken, audits = broken_by(9, 2, (2, 4, 5), raised, patterns)
    assert broken.max() > 0.4 * audits


@pytest.mark.parametrize(
    ("rest", "allowed", "looks", "counts"),
    [(8, 1, (2, 3, 5), (0, 0, 2)), (8, 2, (2, 4, 5), (0, 1, 1)), (7, 0, (1, 3, 5), (-1, 0, 1))],
)
def test_the_probability_of_the_union_is_that_of_all_audits(rest, allowed, looks, counts):
    audits = list(nested_audits(rest, looks))
    erred = sum(
        any(
            count >= 0 and sum(place <= allowed + count for place in drawn[:size]) <= count
            for size, count in zip(looks, counts, strict=True)
        )
        for drawn in audits
    )
    exact = probability_of_union(rest, allowed, looks, counts)
    assert exact == pytest.approx(erred / len(audits), abs=1e-12)


@pytest.mark.parametrize(
    ("rest", "items", "epsilon", "looks", "alpha"),
    [
        (6, 6, 0.2, (3,), 0.25),
        (6, 6, 0.2, (2, 3, 5), 0.4),
        (6, 12, 0.17, (2, 4), 0.5),
        (6, 6, 0.0, (4, 5), 0.35),
    ],
)
def test_no_small_pool_breaks_its_promise_more_often_than_alpha(rest, items, epsilon, looks, alpha):
    allowed = int(epsilon * items)
    audits = list(nested_audits(rest, looks))
    promised = 0
    for truth in product([False, True], repeat=rest):
        wrong = np.array(truth)
        broken = 0
        for audited in audits:
            made = certify(
                range(rest),
                audited,
                wrong[audited],
                epsilon=epsilon,
                alpha=alpha,
                looks=looks,
                items=items,
            )
            left = np.setdiff1d(made.accepted, audited)
            broken += wrong[left].sum() > allowed
            promised += len(left) > 0
        assert broken <= alpha * len(audits) + 1e-9
    assert promised


def test_all_may_stay_without_an_audit_where_few_are_not_by_people():
    kept = certify([3, 1], [], [], items=100, epsilon=0.02)
    assert kept.holds
    assert kept.accepted.tolist() == [3, 1]
    assert kept.audited == 0
    assert "certain" in kept.promise


def test_an_audit_too_small_says_how_many_are_needed():
    none = certify(range(1000), range(0, 1000, 20), np.zeros(50, bool))
    assert not none.holds
    assert len(none.to_people) == 950
    assert none.details["needed"] == 56
    assert "at least 56" in none.promise


def test_a_skipped_item_counts_as_wrong_and_goes_to_people():
    rng = np.random.default_rng(0)
    drawn = rng.permutation(400)[:200]
    skipped = np.zeros(200, bool)
    skipped[3] = True
    made = certify(range(400), drawn, np.zeros(200, bool), skipped=skipped)
    assert made.wrong == 1
    assert drawn[3] in made.to_people
    assert any("skipped" in sentence for sentence in made.rests_on)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"audited": [0, 11]}, "position 11 is not in the order"),
        ({"audited": [3, 3]}, "more than once"),
        ({"order": [1, 1, 2, 3]}, "more than once"),
        ({"wrong": [True]}, "shape"),
        ({"wrong": [0, 7]}, "truth values"),
        ({"epsilon": 1.0}, "epsilon"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": 0.7}, "alpha"),
        ({"looks": (2, 2)}, "do not rise"),
        ({"looks": (3, 6)}, "first look"),
        ({"looks": (2, 11)}, "only 10"),
        ({"planned": [1, 0, 4]}, "planned draw"),
        ({"used": [5, 1]}, "position 1 was used"),
        ({"items": 5}, "items is 5"),
        ({"frozen": "a", "fingerprint": "b"}, "not those that the audit was drawn for"),
    ],
)
def test_refusals(change, says):
    usual = {"order": range(10), "audited": [0, 1], "wrong": [False, False]}
    with pytest.raises((ConfigError, DataError), match=says):
        certify(**{**usual, **change})


def test_an_audit_of_the_doubtful_alone_is_refused():
    with pytest.raises(DataError, match="uniform"):
        certify(range(1000), range(900, 1000), np.zeros(100, bool))
