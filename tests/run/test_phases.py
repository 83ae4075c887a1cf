"""What comes next, by the rounds so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from llmal import Budget
from llmal.ledger import Round
from llmal.run.phases import Ended, NextRound, Objective, Phase, Standing, phases_of
from llmal.selectors import Margin, Random
from llmal.stopping import Plateau

START, MARGIN = Random(), Margin()


def _round(number: int, phase: str, accuracy: float = 0.5) -> Round:
    return Round(number, phase, "random", ("a",), (0.0,), ("",), 0.0, 1.0, {"accuracy": accuracy})


def _next(
    phases: Sequence[Phase], *names: str, accuracies: Sequence[float] = (), **standing: Any
) -> NextRound | Ended | None:
    figures = accuracies or [0.5] * len(names)
    rounds = [_round(n, *one) for n, one in enumerate(zip(names, figures, strict=True))]
    answers = (one.next(Standing(rounds, **standing)) for one in phases)
    return next((one for one in answers if one is not None), None)


def _phases(objective: Objective, budget: Budget = Budget(batch=5), **more: Any) -> list[Phase]:
    return phases_of(objective, start=START, start_items=7, selector=MARGIN, budget=budget, **more)


BOTH = {"people": True, "machines": True}


@pytest.mark.parametrize(
    ("objective", "stages", "names"),
    [
        ("model", BOTH, ["again", "check", "machines again", "start", "query"]),
        ("labels", BOTH, ["again", "check", "start", "sweep", "review"]),
        ("labels", {"people": False, "machines": True}, ["sweep"]),
        (
            "labels",
            {"people": True, "machines": False},
            ["again", "check", "machines again", "start", "query"],
        ),
    ],
)
def test_an_objective_is_a_list_of_phases(
    objective: Objective, stages: dict[str, bool], names: list[str]
) -> None:
    assert [one.names[0] for one in _phases(objective, **stages)] == names


def test_a_model_is_a_start_and_then_queries() -> None:
    phases = _phases("model")
    assert _next(phases) == NextRound(START, 7)
    assert _next(phases, "start") == NextRound(MARGIN, 5, START)
    assert _next(phases, "start", "query", "query") == NextRound(MARGIN, 5, START)


def test_labels_are_a_start_a_sweep_and_a_review_whatever_is_spent_before_the_sweep() -> None:
    phases = _phases("labels", **BOTH)
    assert _next(phases) == NextRound(START, 7)
    assert _next(phases, "start", human_labels_left=0) == NextRound()
    assert _next(phases, "start", "sweep") == NextRound(MARGIN, 5, START, swept=True)
    assert [one.asks for one in phases] == ["people", "people", "people", "machines", "people"]
    assert [one.purpose for one in phases] == ["train", "review", "train", "train", "review"]
    assert [one.stays_open for one in phases] == [False, False, False, True, False]


def test_machines_alone_end_with_the_sweep() -> None:
    phases = _phases("labels", people=False, machines=True)
    assert _next(phases) == NextRound()
    assert _next(phases, "sweep") == Ended("every annotator has been over the pool")


def test_a_sweep_that_was_begun_without_a_start_has_none_later() -> None:
    assert _next(_phases("labels", **BOTH), "sweep") == NextRound(MARGIN, 5, START, swept=True)


@pytest.mark.parametrize(
    ("budget", "names", "standing", "reason"),
    [
        ({"human_labels": 9}, ["start"], {"human_labels_left": 0}, "9 human labels is spent"),
        ({}, ["start"], {"refused": "the budget of 4 money is spent"}, "the budget of 4 money"),
        ({"rounds": 2}, ["start", "query", "query"], {}, "2 rounds are done"),
        ({"rounds": 0}, ["start"], {}, "0 rounds are done"),
    ],
)
def test_budgets_end_it(
    budget: dict[str, Any], names: list[str], standing: dict[str, Any], reason: str
) -> None:
    ended = _next(_phases("model", Budget(batch=5, **budget)), *names, **standing)
    assert isinstance(ended, Ended)
    assert reason in ended.reason


def test_a_rule_ends_it() -> None:
    phases = _phases("model", stop=[Plateau(rounds=2)])
    names = ["start", "query", "query"]
    assert isinstance(_next(phases, *names, accuracies=[0.5, 0.6, 0.7]), NextRound)
    ended = _next(phases, *names, accuracies=[0.7, 0.7, 0.7])
    assert isinstance(ended, Ended)
    assert ended.reason.startswith("plateau")


def test_rounds_of_a_review_are_counted_under_the_name_that_older_ledgers_have() -> None:
    phases = _phases("labels", Budget(batch=5, rounds=2), **BOTH)
    assert _next(phases, "start", "sweep", "query", "review") == Ended("2 rounds are done")
