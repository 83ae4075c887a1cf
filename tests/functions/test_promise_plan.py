"""What a plan says of a promise beside the budget of people's labels."""

from __future__ import annotations

from dataclasses import replace

from llmal.functions.promise_plan import PromisePlan, guess_promise
from llmal.guarantee import Forecast, Guarantee
from llmal.guarantee.forecast import Needed


def test_without_a_limit_nothing_is_said_of_one():
    plan = guess_promise(Guarantee(), 1000, None)
    assert plan.reaches
    assert "budget" not in plan.text()
    assert "a GUESS" in plan.text()


def test_a_budget_that_cannot_keep_the_promise_is_told_with_what_it_reaches_for():
    plan = guess_promise(Guarantee(0.02), 600, 200)
    assert not plan.reaches
    found = {one.wrong: one for one in plan.guesses}
    for one in plan.guesses:
        assert (one.within_budget is not None) == (one.needed.people > 200)
    weakest = found[0.3].within_budget
    assert weakest is not None
    assert weakest > 0.02
    text = plan.text()
    assert "the budget of 200 reaches for at most" in text
    assert "by this guess, budget.human_labels (200)" in text
    assert f"raise it (to {max(one.needed.people for one in plan.guesses):,}, to be safe)" in text
    assert plan.as_dict()["reaches"] is False
    assert guess_promise(Guarantee(0.02), 600, 600).reaches
    none = guess_promise(Guarantee(0.02), 200, 20)
    assert "reaches for no promise" in none.text()


def test_a_forecast_is_held_against_the_budget_too():
    needed = Needed(0.05, 400, 300, 500, 100, 0.6)
    weaker = replace(needed, epsilon=0.1, people=150)
    forecast = Forecast("pilot", 1000, 50, 0.05, 0.9, (needed, weaker))
    plan = PromisePlan(Guarantee(), 1000, 200, forecast)
    assert "budget.human_labels (200) cannot be expected to keep the promise, which" in plan.text()
    assert "it reaches for at most 10 % wrong" in plan.text()
    assert PromisePlan(Guarantee(), 1000, 400, forecast).reaches
    alone = replace(forecast, needed=(needed,))
    assert "says what it can promise" in PromisePlan(Guarantee(), 1000, 200, alone).text()
