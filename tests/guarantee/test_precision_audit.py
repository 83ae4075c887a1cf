"""The audit for accepted precision that asks as it goes: exact on small pools, whoever asks."""

from __future__ import annotations

from itertools import combinations, permutations, product

import numpy as np
import pytest

from llmal.errors import ConfigError, DataError
from llmal.guarantee import PrecisionAudit
from llmal.guarantee.beginnings import Beginnings, Start
from llmal.guarantee.passing_times import passing_probability, passing_times


@pytest.mark.parametrize(
    ("size", "allowed", "most", "alpha"),
    [(9, 2, 9, 0.2), (9, 1, 6, 0.3), (8, 0, 8, 0.15), (10, 4, 8, 0.5), (7, 3, 4, 0.4)],
)
def test_a_beginning_passes_as_rarely_as_is_said_in_all_draws(size, allowed, most, alpha):
    times = passing_times(size, allowed, most, alpha)
    assert times
    assert max(times) <= most
    assert list(times) == sorted(times)
    before = 1.0
    for wrong in range(allowed + 1, size + 1):
        passed = draws = 0
        for at in combinations(range(size), wrong):
            draws += 1
            errors = np.cumsum(np.isin(np.arange(size), at))
            passed += any(errors[time - 1] <= count for count, time in enumerate(times))
        assert passed / draws == pytest.approx(passing_probability(size, wrong, times))
        assert passed / draws <= min(alpha, before) + 1e-9
        before = passed / draws


def test_passing_times_at_the_ends():
    # Three in a hundred may be wrong, and are all that there are.
    assert passing_times(3, 3, 10, 0.05) == (0,)
    assert passing_times(100, 3, 0, 0.05) == ()
    # None may be wrong: all but a share alpha of the items is drawn.
    assert passing_times(100, 0, 100, 0.05) == (95,)
    assert passing_times(100, 0, 94, 0.05) == ()
    # Of a large pool 59 without an error pass at one look; looking on costs some.
    assert passing_times(10**6, 50_000, 59, 0.05) == (59,)
    assert 59 < passing_times(10**6, 50_000, 200, 0.05)[0] < 59 + 30


@pytest.mark.parametrize(
    ("epsilon", "alpha", "most", "starts"),
    [
        (0.34, 0.3, 4, (Start(0.4, 1.0),)),
        (0.4, 0.5, 3, (Start(0.8, 0.5), Start(0.2, 0.5))),
        (0.2, 0.4, 5, (Start(0.6, 0.7), Start(0.2, 0.3))),
    ],
)
def test_no_way_to_ask_breaks_the_promise_in_all_draws_of_small_pools(epsilon, alpha, most, starts):
    # The more is asked the further the walks go: everything is.
    asked = np.ones(5, bool)
    draws = [
        Beginnings(np.array(one), epsilon=epsilon, alpha=alpha, most=most, starts=starts)
        for one in permutations(range(5))
    ]
    promised = False
    for pattern in product([False, True], repeat=5):
        wrong = np.array(pattern)
        broken = 0
        for one in draws:
            reached = [one.walk(start, asked, wrong)[0] for start in range(len(starts))]
            sizes = [stage.size for stage in reached if stage is not None]
            promised |= bool(sizes) and wrong.any()
            broken += any(wrong[:size].sum() > epsilon * size + 1e-9 for size in sizes)
        assert broken <= alpha * len(draws) + 1e-9
    assert promised


def test_the_more_is_asked_the_further_a_walk_goes():
    rng = np.random.default_rng(0)
    wrong = rng.random(300) < 0.02
    beginnings = Beginnings(
        rng.permutation(300), epsilon=0.2, alpha=0.1, most=150, starts=(Start(0.1, 1.0),)
    )
    sizes = []
    asked = np.zeros(300, bool)
    for places in np.split(rng.permutation(300), 10):
        asked[places] = True
        reached = beginnings.walk(0, asked, wrong)[0]
        sizes.append(0 if reached is None else reached.size)
    assert sizes == sorted(sizes)
    assert sizes[0] == 0
    assert sizes[-1] == 300


def _pool(items, error, seed):
    rng = np.random.default_rng(seed)
    wrong = rng.permutation(np.arange(items) < error * items)
    return wrong[np.argsort(-(rng.normal(size=items) - 1.5 * wrong))]


def _asked(audit, wrong):
    asked = []
    while len(positions := audit.ask()):
        assert positions.tolist() == audit.ask().tolist()
        asked += positions.tolist()
        audit.tell(wrong[positions])
    return asked


def test_people_are_asked_within_the_beginning_that_is_in_question():
    wrong = _pool(2000, 0.15, 3)
    audit = PrecisionAudit(range(2000), most=300, seed=5)
    asked = _asked(audit, wrong)
    made = audit.certificate()
    prefix = made.details["prefix"]
    assert made.holds
    assert wrong[:prefix].mean() <= 0.05
    assert len(asked) == len(set(asked)) == made.audited <= 300
    # The beginnings are a quarter, and then 5 % longer each.
    assert prefix in range(500, 2001, 100)
    assert max(asked) < prefix + 100
    assert made.details["stays"] == prefix - sum(one < prefix for one in asked)
    assert "Not more than 5 %" in made.promise
    assert made.from_json(made.to_json()).as_dict() == made.as_dict()
    assert sorted([*made.accepted, *made.to_people]) == list(range(2000))
    # The same answers lead to the same questions.
    assert _asked(PrecisionAudit(range(2000), most=300, seed=5), wrong) == asked


def test_positions_are_those_of_the_order():
    order = np.random.default_rng(1).permutation(4000)[:1000]
    wrong = np.zeros(4000, bool)
    audit = PrecisionAudit(order, most=200, seed=2)
    asked = _asked(audit, wrong)
    made = audit.certificate()
    assert set(asked) <= set(order.tolist())
    assert made.details["prefix"] == 1000
    assert sorted(made.accepted) == sorted(order)


def test_a_second_start_is_taken_where_the_first_reaches_nothing():
    # The surest tenth is right, and nothing else.
    wrong = np.arange(2000) >= 200
    both = PrecisionAudit(range(2000), most=200, seed=0)
    _asked(both, wrong)
    assert 100 <= both.certificate().details["prefix"] <= 200
    one = PrecisionAudit(range(2000), most=200, seed=0, starts=(Start(0.25, 1.0),))
    asked = _asked(one, wrong)
    assert not one.certificate().holds
    assert len(asked) < 100
    assert "Nothing is promised" in one.certificate().promise


@pytest.mark.parametrize("epsilon", [0.0, 0.05])
@pytest.mark.parametrize("items", [0, 1, 10])
def test_tiny_pools(items, epsilon):
    for wrong in (np.zeros(items, bool), np.ones(items, bool)):
        audit = PrecisionAudit(range(items), most=10, epsilon=epsilon, seed=0)
        _asked(audit, wrong)
        made = audit.certificate()
        prefix = made.details["prefix"]
        assert wrong[:prefix].sum() <= epsilon * prefix
        # The last labels are not asked for: to know them lets no more stay without a person.
        assert (prefix > 0) == (items > 0 and not wrong.any())


def test_skipped_items_count_as_wrong_and_go_to_people():
    audit = PrecisionAudit(range(1000), most=300, epsilon=0.2, seed=0)
    positions = audit.ask()
    skips = np.arange(len(positions)) == 0
    audit.tell(np.zeros(len(positions), bool), skips)
    made = audit.certificate()
    assert made.wrong == 1
    assert positions[0] in made.to_people
    assert "skipped" in made.rests_on[-1]


def test_what_is_no_answer_is_refused():
    with pytest.raises(ConfigError, match="most is 0"):
        PrecisionAudit(range(9), most=0, seed=0)
    with pytest.raises(ConfigError, match="do not do"):
        PrecisionAudit(range(9), most=9, seed=0, starts=(Start(0.2, 0.7), Start(0.1, 0.5)))
    audit = PrecisionAudit(range(900), most=90, seed=0)
    with pytest.raises(DataError, match="nothing was asked"):
        audit.tell([])
    audit.ask()
    with pytest.raises(DataError, match="has shape"):
        audit.tell([True])


@pytest.mark.slow
def test_the_promise_is_kept_where_one_is_nearly_broken():
    # A pool whose every beginning has a little more than 5 % wrong.
    wrong = np.arange(2000) % 19 == 0
    broken = 0
    for seed in range(200):
        audit = PrecisionAudit(range(2000), most=400, seed=seed)
        _asked(audit, wrong)
        broken += audit.certificate().holds
    assert broken <= 200 * (0.05 + 2 * np.sqrt(0.05 * 0.95 / 200))
