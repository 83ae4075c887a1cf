"""Every other mode that promises something, against all audits of small pools."""

from __future__ import annotations

from functools import cache
from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy.stats import binom, hypergeom

from llmal.errors import ConfigError, DataError
from llmal.guarantee import (
    ClassFound,
    certify,
    draw_audit,
    largest_promise,
    rank_by_score,
)
from llmal.guarantee.anytime import log_evidence


def patterns(size):
    """All patterns of wrong items."""
    return [np.array(one) for one in product([False, True], repeat=size)]


def certified(items, **options):
    """`certify` of an audit and what it found, computed once for all patterns that share them."""

    @cache
    def known(drawn, wrong):
        return certify(range(items), list(drawn), np.array(wrong, dtype=bool), **options)

    return lambda drawn, wrong: known(tuple(drawn), tuple(wrong[list(drawn)].tolist()))


@pytest.mark.parametrize(("epsilon", "alpha"), [(0.2, 0.45), (0.0, 0.5)])
def test_anytime_keeps_its_word_whenever_the_audit_is_stopped(epsilon, alpha):
    allowed = int(epsilon * 5)
    promised = False
    made_of = certified(5, epsilon=epsilon, alpha=alpha, mode="anytime")
    for wrong in patterns(5):
        broken, orders = 0, 0
        for drawn in permutations(range(5), 4):
            orders += 1
            # Whoever stops at the worst time: any time at which the promise is broken.
            for size in range(1, 5):
                made = made_of(drawn[:size], wrong)
                left = np.setdiff1d(made.accepted, drawn[:size])
                promised |= len(left) > 0
                if wrong[left].sum() > allowed:
                    broken += 1
                    break
        assert broken <= alpha * orders + 1e-9
    assert promised


@pytest.mark.parametrize(("size", "allowed"), [(20, 2), (12, 0), (50, 5)])
def test_the_evidence_is_the_mean_of_likelihood_ratios(size, allowed):
    for drawn in range(1, size + 1, 3):
        for errors in range(min(drawn, allowed + 1) + 1):
            null = hypergeom.pmf(errors, size, allowed + 1, drawn)
            if null > 0:
                mean = np.mean([hypergeom.pmf(errors, size, d, drawn) for d in range(allowed + 1)])
                value = log_evidence(np.array([errors]), np.array([drawn]), size, allowed)[0]
                assert np.exp(value) == pytest.approx(mean / null, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("epsilon", "alpha", "start"), [(0.34, 0.3, 2), (0.2, 0.3, 3), (0.5, 0.1, 2)]
)
def test_the_precision_of_what_is_accepted(epsilon, alpha, start):
    audits = [list(one) for one in combinations(range(7), 5)]
    promised = False
    for wrong in patterns(7):
        broken = 0
        for drawn in audits:
            made = certify(
                range(7),
                drawn,
                wrong[drawn],
                epsilon=epsilon,
                alpha=alpha,
                mode="accepted_precision",
                start=start,
            )
            prefix = made.details["prefix"]
            promised |= prefix > 0
            broken += wrong[:prefix].sum() > epsilon * prefix + 1e-9
        assert broken <= alpha * len(audits) + 1e-9
    assert promised


def test_the_precision_of_future_items_is_tested_by_clopper_and_pearson():
    rng = np.random.default_rng(3)
    drawn = rng.permutation(1000)[:400]
    wrong = drawn >= 700
    made = certify(range(1000), drawn, wrong, mode="accepted_precision", future=True)
    n, d = made.details["audited_in_prefix"], made.details["wrong_in_prefix"]
    assert binom.cdf(d, n, 0.05) <= 0.05
    assert made.details["clopper_pearson"] <= 0.05
    assert 600 < made.details["prefix"] < 760
    assert "future items" in made.promise


def test_future_items_are_promised_too_often_at_most_alpha_of_the_time():
    # Whether an item is wrong: 2 % above a score of .4, 14 % below: a precision of 95 % ends where
    # (.6 * .02 + (.4 - s) * .14) / (1 - s) = .05, at s = .2; the walk goes on from there.
    def rate(threshold):
        low = max(0.4 - threshold, 0.0)
        return (0.02 * (1 - threshold - low) + 0.14 * low) / (1 - threshold)

    broken = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        score = rng.random(600)
        wrong = rng.random(600) < np.where(score > 0.4, 0.02, 0.14)
        order = rank_by_score(score, seed=seed)
        drawn = draw_audit(order, 300, seed=seed)
        made = certify(order, drawn, wrong[drawn], mode="accepted_precision", future=True)
        prefix = made.details["prefix"]
        broken += prefix > 0 and rate(score[order[prefix - 1]]) > 0.05
    assert broken <= 300 * (0.05 + 2 * np.sqrt(0.05 * 0.95 / 300))


def test_too_few_audited_items_accept_nothing_and_it_says_how_many_would():
    made = certify(range(500), range(0, 500, 10), np.zeros(50, bool), mode="accepted_precision")
    assert not made.holds
    assert made.details["needed"] == 59
    assert "59 audited items" in made.promise


@pytest.mark.parametrize("epsilon", [0.25, 0.5, 0.7])
def test_conformal_labelling_keeps_the_average(epsilon):
    for size in (3, 4):
        audits = list(combinations(range(6), size))
        made_of = certified(6, epsilon=epsilon, mode="fdr")
        for wrong in patterns(6):
            shares = []
            for drawn in audits:
                made = made_of(drawn, wrong)
                left = np.setdiff1d(made.accepted, drawn)
                shares.append(wrong[left].mean() if len(left) else 0.0)
            assert np.mean(shares) <= epsilon + 1e-9


@pytest.mark.parametrize(("epsilon", "alpha"), [(0.34, 0.3), (0.5, 0.2)])
def test_recall_with_an_audit_on_either_side(epsilon, alpha):
    # 4 items were given the class, 2 of them audited; 5 were not, 4 of them audited.
    given_audits = list(combinations(range(4), 2))
    audits = list(combinations(range(5), 4))
    made_of = {
        right: certified(
            5,
            epsilon=epsilon,
            alpha=alpha,
            mode="recall",
            found=ClassFound(by_machine=4, audited=2, right=right),
        )
        for right in range(3)
    }
    promised = False
    for right in range(5):
        for truth in product([False, True], repeat=5):
            missed, broken = np.array(truth), 0
            for given in given_audits:
                found = sum(one < right for one in given)
                for drawn in audits:
                    made = made_of[found](drawn, missed)
                    left = missed[np.setdiff1d(made.accepted, drawn)].sum()
                    promised |= made.holds
                    broken += left > epsilon * (right + missed.sum()) + 1e-9
            assert broken <= alpha * len(given_audits) * len(audits) + 1e-9
    assert promised


def test_how_many_were_found_worked_out_by_hand():
    # 10 given the class, 5 audited, all right: with one wrong, none is audited in half of all
    # audits, with two in C(8,5)/C(10,5) = 2/9, with three in C(7,5)/C(10,5) = 1/12.
    found = ClassFound(by_people=3, by_machine=10, audited=5, right=5)
    assert found.at_least(0.05) == 3 + 7
    assert found.at_least(0.1) == 3 + 8
    assert found.at_least(0.25) == 3 + 9
    assert ClassFound(by_people=3).at_least(0.05) == 3


@pytest.mark.parametrize("mode", ["pool_error", "looks", "anytime"])
def test_groups_of_duplicates_are_drawn_and_counted_whole(mode):
    # Nine items in six groups; one of three, one of two. Wrong items come in any pattern.
    groups = np.array([0, 1, 1, 2, 2, 2, 3, 4, 5])
    audits = list(permutations(range(6), 4)) if mode == "anytime" else combinations(range(6), 4)
    audits = [np.concatenate([np.flatnonzero(groups == one) for one in a]) for a in audits]
    promised = False
    for truth in list(product([False, True], repeat=9))[:: 31 if mode == "anytime" else 5]:
        wrong, broken = np.array(truth), 0
        for drawn in audits:
            made = certify(
                range(9),
                drawn,
                wrong[drawn],
                epsilon=0.34,
                alpha=0.4,
                mode=mode,
                groups=groups,
                looks=(2, 4) if mode == "looks" else None,
            )
            left = np.setdiff1d(made.accepted, drawn)
            promised |= len(left) > 0
            broken += wrong[left].sum() > 3
        assert broken <= 0.4 * len(audits) + 1e-9
    assert promised


def test_duplicates_on_both_sides_are_refused_and_the_draw_keeps_them_together():
    groups = np.array([0, 0, 1, 1, 2, 3])
    with pytest.raises(DataError, match="position 1 is in the audit and its near-duplicate 0"):
        certify(range(6), [1, 4], [False, False], groups=groups)
    drawn = draw_audit(range(6), 3, seed=5, groups=groups)
    assert drawn.tolist() == draw_audit(range(6), 3, seed=5, groups=groups).tolist()
    sizes = np.bincount(groups)
    taken = np.bincount(groups[drawn], minlength=4)
    assert ((taken == 0) | (taken == sizes)).all()
    assert (taken > 0).sum() == 3


def test_the_largest_promise_is_true_of_the_whole():
    for wrong in patterns(6):
        audits = [list(one) for one in combinations(range(6), 3)]
        broken = 0
        for drawn in audits:
            made = largest_promise(range(6), drawn, wrong[drawn], alpha=0.2)
            broken += wrong.sum() - wrong[drawn].sum() > made.wrong_at_most
        assert broken <= 0.2 * len(audits) + 1e-9


def test_what_people_have_put_right_since_counts_in_the_largest_promise():
    drawn = draw_audit(range(1000), 300, seed=1)
    wrong = np.zeros(300, bool)
    wrong[:30] = True
    before = largest_promise(range(1000), drawn, wrong)
    after = largest_promise(range(1000), drawn, wrong, reviewed_wrong=40)
    assert before.wrong_at_most - after.wrong_at_most == 40
    assert before.epsilon == before.wrong_at_most / 1000
    assert 0.07 < before.epsilon < 0.12
    assert before.part.epsilon == 0.05
    assert len(before.part.to_people) > 0
    with pytest.raises(DataError, match="said to be wrong"):
        largest_promise(range(1000), drawn, wrong, reviewed_wrong=980)


def test_ties_are_broken_by_the_seed_and_nan_is_refused():
    assert rank_by_score([0.1, 0.9, 0.5], seed=0).tolist() == [1, 2, 0]
    same = rank_by_score(np.ones(50), seed=1)
    assert same.tolist() == rank_by_score(np.ones(50), seed=1).tolist()
    assert same.tolist() != rank_by_score(np.ones(50), seed=2).tolist()
    assert sorted(same.tolist()) == list(range(50))
    with pytest.raises(DataError, match="position 1 is no number"):
        rank_by_score([0.1, np.nan], seed=0)


def test_arguments_of_another_mode_are_refused():
    with pytest.raises(ConfigError, match="does not take looks"):
        certify(range(3), [0], [False], mode="anytime", looks=(1, 2))
    with pytest.raises(ConfigError, match="not known how many were found"):
        certify(range(3), [0], [False], mode="recall")
    with pytest.raises(ConfigError, match="no mode"):
        certify(range(3), [0], [False], mode="best")


def test_an_estimate_promises_nothing():
    drawn = draw_audit(range(200), 60, seed=4)
    made = certify(range(200), drawn, drawn < 20, mode="estimate_only")
    assert not made.holds
    low, high = (made.details["estimates"]["accuracy"][name] for name in ("low", "high"))
    assert low < 0.9 < high
    assert made.promise.startswith("Nothing is promised")
    assert certify(range(9), [1, 2], [0, 1]).from_json(made.to_json()).promise == made.promise


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("pool_error", {"looks": (60, 100)}),
        ("looks", {"looks": (60, 100)}),
        ("anytime", {}),
        ("accepted_precision", {}),
        ("accepted_precision", {"future": True}),
        ("recall", {"found": ClassFound(by_people=400), "of": "spam"}),
        ("fdr", {}),
        ("estimate_only", {}),
    ],
)
def test_every_certificate_goes_through_json_and_says_what_it_rests_on(mode, options):
    drawn = draw_audit(range(500), 100, seed=1)
    made = certify(range(500), drawn, drawn > 480, mode=mode, planned=drawn, **options)
    read = made.from_json(made.to_json())
    assert read.as_dict() == made.as_dict()
    assert read.mode == mode
    assert made.rests_on
    assert sorted([*made.accepted, *made.to_people]) == list(range(500))
    assert made.holds or made.promise.startswith("Nothing is promised")
    assert "spam" in made.promise or mode != "recall"
