"""The alternative annotator test, on answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from llmal.errors import ConfigError, DataError
from llmal.guarantee.trial import (
    epsilon_of,
    nearness_in,
    nearness_of_numbers,
    refuted,
    run_trial,
)
from llmal.guarantee.trial_size import items_needed, plan_trial
from llmal.task.spaces import make_space

PEOPLE = {
    "anna": {"1": "x", "2": "x", "3": "y", "4": "x"},
    "ben": {"1": "x", "2": "x", "3": "x", "4": "y"},
    "cleo": {"1": "y", "2": "x", "3": "y", "4": "y"},
}
MACHINE = {"1": "x", "2": "x", "3": "y", "4": "y"}
NEAR = nearness_in(make_space("single", ("x", "y")))


def test_each_person_is_left_out_in_turn() -> None:
    # Each person is outvoted once, by both others and the machine; on the other items machine and
    # person are equally near. So d is -1 once and 0 three times: t = (-.25 - .2) / (.5 / 2).
    trial = run_trial(PEOPLE, MACHINE, NEAR, fewest_items=4)
    expected = ttest_1samp([-1, 0, 0, 0], 0.2, alternative="less").pvalue
    for one in trial.people:
        assert (one.items, one.machine, one.of_person) == (4, 1.0, 0.75)
        assert one.p_value == pytest.approx(expected) == pytest.approx(0.0848, abs=1e-4)
    assert (trial.winning_rate, trial.advantage, trial.passed) == (0.0, 1.0, False)
    # All three are refuted where .0848 is at most level / (1 + 1/2 + 1/3).
    assert run_trial(PEOPLE, MACHINE, NEAR, fewest_items=4, level=0.156).winning_rate == 1
    assert run_trial(PEOPLE, MACHINE, NEAR, fewest_items=4, level=0.155).winning_rate == 0


def test_items_without_enough_answers_are_left_out() -> None:
    people = {**PEOPLE, "dora": {"5": "x"}, "anna": {**PEOPLE["anna"], "6": "y", "7": "x"}}
    people["ben"] = {**people["ben"], "7": "y"}
    trial = run_trial(people, MACHINE, NEAR, fewest_items=4)
    assert trial.items == 4
    assert trial.unanswered == 1  # 7; of 5 and 6 one person alone has answers
    assert trial.left_out == {"dora": 0}
    assert "1 item without an answer of the machine" in " ".join(trial.warnings)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        # At level .1 the thresholds of three are .1/3/(11/6) = .0182, .0364 and .0545.
        ([0.001, 0.04, 0.02], [True, True, True]),
        ([0.001, 0.06, 0.03], [True, False, True]),
        ([0.02, 0.03, 0.05], [True, True, True]),  # the highest that holds carries the lower ones
        ([0.02, 0.04, 0.06], [False, False, False]),
    ],
)
def test_benjamini_and_yekutieli(p_values: list[float], expected: list[bool]) -> None:
    assert refuted(p_values, 0.1) == expected


def test_a_machine_that_is_always_the_persons_equal_wins() -> None:
    same = {str(n): "x" for n in range(30)}
    trial = run_trial(dict.fromkeys("abc", same), same, NEAR, epsilon="crowd")
    assert trial.passed
    assert [one.p_value for one in trial.people] == [0, 0, 0]
    # Nothing is refuted at epsilon 0, where "as good" is not "better".
    assert not run_trial(dict.fromkeys("abc", same), same, NEAR, epsilon=0).passed


def test_several_labels_are_as_near_as_the_space_says() -> None:
    near = nearness_in(make_space("multi", ("x", "y", "z")))
    # Half of the labels in either are in both, and all.
    assert near(("x", "y"), [("x",), ("x", "y")]) == pytest.approx(0.75)


def test_numbers_are_near_by_distance() -> None:
    assert nearness_of_numbers("3", ["3", "5"]) == pytest.approx(-(2**0.5))
    with pytest.raises(DataError, match="the label 'good' is no number"):
        nearness_of_numbers("good", ["3"])


def test_items_needed_before_anybody_has_labelled() -> None:
    # Two of three people: the level is 2 * .05 / 3 / (11/6) = .01818, its quantile 2.0928; with
    # .8416 for a power of 80 % (2.9344 * sqrt(.3) / .2)^2 = 64.6.
    assert plan_trial(3, epsilon=0.2) == 65
    assert plan_trial(3, epsilon=0.1) == 259
    assert plan_trial(3, epsilon=0.1, difference=0.1) is None
    with pytest.raises(ConfigError, match="a trial takes two"):
        plan_trial(1, epsilon=0.2)
    with pytest.raises(ConfigError, match="the first no smaller"):
        plan_trial(3, epsilon=0.2, difference=0.4)


def test_advice_counts_the_people_it_takes_to_pass() -> None:
    differing = np.array([1.0, -1, 0, 0, 0, 0, 0, 0, 0, 0] * 5)
    better = np.full(50, 1.0)
    # Two of three must be won, and two are better than any epsilon below 1.
    lost = items_needed({"a": differing, "b": better, "c": better}, 0.2, 0.05)
    assert lost.items is None
    assert "no number of items" in lost.advice
    # Variance .2 * 50 / 49: (2.9344^2 * .20408) / .04 = 43.9.
    won = items_needed({"a": differing, "b": differing, "c": better}, 0.2, 0.05)
    assert (won.items, won.have) == (44, 50)


def test_planned_items_give_the_planned_power() -> None:
    rng = np.random.default_rng(0)
    near = nearness_in(make_space("single", tuple("0123")))
    items, trials, passed, differing = 65, 200, 0, []
    for _ in range(trials):
        right = rng.random((4, items)) < 0.82
        other = rng.integers(1, 4, (4, items))
        said = np.where(right, 0, other).astype(str)
        everybody = [dict(enumerate(map(str, row))) for row in said]
        named = [{str(key): one for key, one in row.items()} for row in everybody]
        trial = run_trial(dict(zip("abc", named[:3], strict=True)), named[3], near)
        passed += trial.passed
        differing += [2 - one.machine - one.of_person for one in trial.people]
    assert np.mean(differing) == pytest.approx(0.3, abs=0.03)
    # The tests of three people depend on each other, so the share is near the planned .8.
    assert 0.72 < passed / trials < 0.92


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"epsilon": "novices"}, "epsilon is 'novices'; give a number, or one of experts"),
        ({"epsilon": 1.5}, "epsilon is 1.5; give a number from 0 to below 1"),
        ({"level": 0}, "the level is 0"),
        ({"fewest_people": 1}, "nobody can be compared"),
    ],
)
def test_options_that_are_not_usable(words: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run_trial(PEOPLE, MACHINE, NEAR, **words)


def test_too_few_people_are_told_how_many_it_takes() -> None:
    with pytest.raises(DataError, match=r"of 3 people 0 have 30 items.*two people are needed"):
        run_trial(PEOPLE, MACHINE, NEAR)
    assert epsilon_of("skilled") == 0.15
