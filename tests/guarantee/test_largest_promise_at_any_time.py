"""The bound that may be told at any time of an audit, against every audit there can be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from llmal.errors import ConfigError
from llmal.guarantee import certify, largest_promise
from llmal.guarantee.hypergeometric import cdf
from llmal.guarantee.largest_promise import most_wrong_at_any_time


def _ever_too_small(rest: int, wrong: int, alpha: float, bound) -> float:
    """How probable it is that a bound on the wrong items is too small after some number of draws.

    Exact: the errors after t draws are a Markov chain.
    """
    held = np.zeros(wrong + 1)
    held[0] = 1.0
    for drawn in range(1, rest + 1):
        after = np.zeros(wrong + 1)
        for errors in np.flatnonzero(held).tolist():
            hit = (wrong - errors) / (rest - drawn + 1)
            if hit > 0:
                after[errors + 1] += held[errors] * hit
            after[errors] += held[errors] * (1 - hit)
        for errors in np.flatnonzero(after).tolist():
            if bound(errors, rest, drawn, alpha) < wrong:
                after[errors] = 0.0
        held = after
    return 1 - float(held.sum())


def _planned_once(errors: int, rest: int, drawn: int, alpha: float) -> int:
    """The bound for one planned look, told after every label."""
    return max(
        number
        for number in range(errors, rest - (drawn - errors) + 1)
        if cdf(errors, rest, number, drawn) > alpha
    )


@pytest.mark.parametrize("rest", [1, 2, 5, 9, 16])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_told_after_every_label_it_is_ever_too_small_as_rarely_as_is_said(rest, alpha):
    for wrong in range(rest + 1):
        assert _ever_too_small(rest, wrong, alpha, most_wrong_at_any_time) <= alpha + 1e-12


def test_the_bound_for_a_planned_look_breaks_its_word_where_it_is_told_after_every_label():
    told = max(_ever_too_small(40, wrong, 0.05, _planned_once) for wrong in (10, 20))
    assert told > 0.1


def test_the_whole_audit_knows_and_none_knows_nothing():
    assert most_wrong_at_any_time(3, 20, 20, 0.05) == 3
    assert most_wrong_at_any_time(0, 20, 0, 0.05) == 20
    assert most_wrong_at_any_time(4, 20, 4, 0.05) == 20
    # The likelihood is that of the hypergeometric distribution.
    likelihood = hypergeom.pmf(1, 50, np.arange(51), 20)
    refuted = [sum(likelihood[:d]) >= d * likelihood[d] / 0.05 for d in range(51)]
    last = max(d for d in range(1, 51) if not refuted[d])
    assert most_wrong_at_any_time(1, 50, 20, 0.05) == last


def test_it_can_be_asked_for_and_says_so():
    order, audited = np.arange(400), np.arange(0, 400, 5)
    wrong = audited % 50 == 0
    at_once = largest_promise(order, audited, wrong)
    told = largest_promise(order, audited, wrong, anytime=True)
    assert told.wrong_at_most >= at_once.wrong_at_most
    assert "however often it is asked for" in told.promise
    assert "however often" not in at_once.promise
    assert told.promise == f"{told.claim}. {told.meaning}"
    part = certify(order, audited, wrong, mode="anytime")
    assert told.part.accepted.tolist() == part.accepted.tolist()
    with pytest.raises(ConfigError, match="not both"):
        largest_promise(order, audited, wrong, looks=(40, 80), anytime=True)
