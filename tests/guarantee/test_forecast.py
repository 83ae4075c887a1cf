"""Forecasts of people's labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from llmal.errors import ConfigError, DataError
from llmal.guarantee import Certificate, Frozen, MoreLooks, Procedure
from llmal.guarantee.audit import allowed_wrong
from llmal.guarantee.doubt import GRID, Doubt
from llmal.guarantee.error_rates import independent, learnt_from
from llmal.guarantee.forecast import Rates, forecast, forecast_audit
from llmal.guarantee.nested_looks import critical_counts
from llmal.guarantee.simulated_audit import play


def _logistic(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def _frozen(
    seed: int = 0, looks: tuple[int, ...] = (80, 130, 210), rest: int = 900, items: int = 1100
) -> tuple[Frozen, np.ndarray]:
    """Predictions on the grid of forecasts, and truth that is as they say."""
    rng = np.random.default_rng(seed)
    probability = np.sort(_logistic(rng.choice(GRID[60:180], rest)))
    order = rng.permutation(items)[:rest]
    frozen = Frozen(items, order, np.zeros(rest, np.int64), np.full(rest, "machine"),
                    probability, looks, 0.05, 0.05, seed, {})  # fmt: skip
    wrong = np.zeros(items, dtype=bool)
    wrong[order] = rng.random(rest) < probability
    return frozen, wrong


def _judged(frozen: Frozen, wrong: np.ndarray) -> tuple[int, int]:
    """Audited items, and those that need no person, by the procedure itself."""
    done = 0
    while True:
        found = Procedure().judge(frozen, wrong[frozen.drawn()[:done]])
        if isinstance(found, MoreLooks):
            done += len(found.positions)
            continue
        assert isinstance(found, Certificate)
        return done, frozen.items - (frozen.items - len(frozen.order)) - done - len(found.to_people)


@pytest.mark.parametrize("looks", [(150,), (80, 130, 210)])
def test_an_audit_is_played_as_it_is_judged(looks: tuple[int, ...]) -> None:
    same = 0
    for seed in range(20):
        frozen, wrong = _frozen(seed, looks)
        rank = np.empty(frozen.items, dtype=np.int64)
        rank[frozen.order] = np.arange(len(frozen.order))
        counts = critical_counts(900, 55, looks, 0.05)
        found = play(Doubt.of(frozen.probability_wrong), rank[frozen.drawn()],
                     wrong[frozen.drawn()], 55, looks, counts)  # fmt: skip
        same += (found.audited, found.saved) == _judged(frozen, wrong)
    # Where two looks promise as much, the grid may tip the scale.
    assert same >= (20 if len(looks) == 1 else 18)


def test_where_nearly_all_is_wrong_as_much_is_played_to_stay_as_is_judged() -> None:
    """As many as may be wrong stay without an audit, and what was audited among them besides."""
    for seed in range(5):
        frozen, _ = _frozen(seed, (150,))
        wrong = np.ones(frozen.items, dtype=bool)
        audited, saved = _judged(frozen, wrong)
        assert (audited, saved) == (150, 55)
        found = forecast_audit(frozen, wrong[frozen.drawn()], paths=5).at(0.05)
        assert found.low == found.people == found.high == frozen.items - saved


def test_what_a_pilot_leaves_open() -> None:
    # 100 items at log-odds 0, of which 30 are wrong: the intercept is ln(3/7), its variance
    # 1 / (100 * .3 * .7); of the slope they say nothing.
    wrong = np.arange(100) < 30
    found = learnt_from(np.full(100, 0.5), wrong, independent(100, 0.3))
    assert found.intercept == pytest.approx(np.log(3 / 7), abs=1e-3)
    assert found.covariance[0][0] == pytest.approx(1 / 21, rel=1e-3)
    assert (found.slope, found.covariance[1][1]) == (pytest.approx(1), pytest.approx(0.09))
    # Without labels the prior stands.
    none = learnt_from(np.zeros(0), np.zeros(0, dtype=bool), independent(0.5, 0.3))
    assert none.covariance[0][0] == pytest.approx(0.25)


def test_extremes() -> None:
    # Nothing is wrong, which a large pilot knows: the seed, and an audit.
    sure = np.full(2000, 1e-4)
    pilot = (np.full(500, 1e-4), np.zeros(500, dtype=bool))
    few = forecast(sure, items=2500, pilot=pilot, paths=40)
    assert few.at(0.1).high < 700
    assert few.at(0.01).saved > 0.6
    # All is wrong: people label all but about what may stay wrong.
    bad = forecast(np.full(2000, 0.999), items=2500, paths=20,
                   pilot=(np.full(500, 0.999), np.ones(500, dtype=bool)))  # fmt: skip
    for one in bad.needed:
        assert 0 <= 2500 - one.people <= 1.2 * allowed_wrong(one.epsilon, 2500)
    # So few are left that all may stay.
    ready = forecast(np.full(50, 0.9), items=1000, epsilons=(0.05,), paths=5)
    assert (ready.at(0.05).low, ready.at(0.05).high) == (950, 950)


def test_stricter_promises_need_more_and_a_pilot_narrows_the_interval() -> None:
    rng = np.random.default_rng(0)
    probability = _logistic(rng.normal(-2, 1.3, 3000))
    guess = forecast(probability, paths=60)
    assert guess.basis == "guess"
    assert "GUESS" in guess.title
    labelled = _logistic(rng.normal(-2, 1.3, 300))
    pilot = (labelled, rng.random(300) < labelled)
    learnt = forecast(probability, items=3300, pilot=pilot, paths=60)
    assert learnt.basis == "pilot"
    for found in (guess, learnt):
        people = [one.people for one in found.needed]
        assert people == sorted(people, reverse=True)
        assert all(one.low <= one.people <= one.high for one in found.needed)
    widths = [one.high - one.low for one in (guess.at(0.05), learnt.at(0.05))]
    assert widths[1] < 0.8 * widths[0]


def test_the_interval_of_a_true_model_holds() -> None:
    # Pools as the forecast takes them to be, without learning: the audit is all that is open.
    held = 0
    for seed in range(30):
        frozen, wrong = _frozen(seed)
        found = forecast_audit(frozen, spread=independent(1e-3, 1e-3), paths=100).at(0.05)
        audited, saved = _judged(frozen, wrong)
        assert found.low <= found.people <= found.high
        held += found.low <= frozen.items - saved <= found.high
        del audited
    assert held >= 24  # 27 expected of 30


def test_an_audit_that_has_begun_is_heeded() -> None:
    frozen, wrong = _frozen(3)
    before = forecast_audit(frozen)
    clean = forecast_audit(frozen, np.zeros(80, dtype=bool)).at(0.05)
    dirty = forecast_audit(frozen, np.arange(80) < 40).at(0.05)
    assert clean.people < before.at(0.05).people < dirty.people
    assert (before.basis, before.labelled) == ("audit", 200)
    assert forecast_audit(frozen, np.zeros(80, dtype=bool)).labelled == 280
    done = forecast_audit(frozen, wrong[frozen.drawn()])
    # All looks are done: nothing is open.
    assert done.at(0.05).low == done.at(0.05).high


def test_the_same_seed_gives_the_same_forecast_and_json_holds_it() -> None:
    probability = np.linspace(0.01, 0.6, 500)
    rates = Rates(money=0.5, seconds=36, currency="EUR")
    first = forecast(probability, paths=20, rates=rates)
    again = forecast(probability, paths=20, rates=rates)
    assert first == again
    read = json.loads(json.dumps(first.as_dict()))
    assert read["needed"][2]["epsilon"] == 0.05
    assert read["needed"][2]["money"] == pytest.approx(first.at(0.05).people * 0.5)
    assert read["needed"][2]["hours"] == pytest.approx(first.at(0.05).people / 100)
    text = first.text()
    assert "EUR" in text
    assert "hours" in text
    assert len(text.splitlines()) == 6
    assert len({len(line) for line in text.splitlines()[1:]}) == 1


def test_bad_forecasts_are_refused() -> None:
    with pytest.raises(DataError, match="probability_wrong is nan at position 0"):
        forecast([np.nan])
    with pytest.raises(DataError, match="the pilot has 2 probabilities, and what is wrong has"):
        forecast([0.1, 0.2], items=4, pilot=([0.1, 0.2], [True]))
    with pytest.raises(ConfigError, match="the level is 90"):
        forecast([0.1], level=90)
    with pytest.raises(ConfigError, match=r"epsilon is -0\.1"):
        forecast([0.1], epsilons=(-0.1,))
    with pytest.raises(ConfigError, match="a label takes -1 in money"):
        Rates(money=-1)
    with pytest.raises(ConfigError, match=r"no forecast for 0\.03"):
        forecast([0.1] * 100, paths=1).at(0.03)
