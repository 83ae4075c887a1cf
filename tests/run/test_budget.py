"""What a run may spend, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from llmal.core.records import Usage
from llmal.errors import BudgetError
from llmal.run.budget import Budget


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"batch": 0}, "a batch of 0 items is empty; use 1 or more"),
        ({"human_labels": -1}, "human_labels is -1; a limit must be 0 or more"),
        ({"money": -0.5}, "money is -0.5; a limit must be 0 or more"),
        ({"money": float("nan")}, "money is nan; a limit must be 0 or more"),
        ({"tokens": -3}, "tokens is -3; a limit must be 0 or more"),
        ({"rounds": -2}, "rounds is -2; a limit must be 0 or more"),
        (
            {"human_labels": 19, "batch": 20},
            "the budget of 19 human labels is smaller than a batch of 20; "
            "raise human_labels or lower batch",
        ),
    ],
)
def test_a_budget_that_cannot_be_says_why(limits: dict[str, Any], sentence: str):
    with pytest.raises(BudgetError) as caught:
        Budget(**limits)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "limits",
    [
        {"human_labels": 20, "batch": 20},
        {"human_labels": 0},
        {"money": 0.0},
        {"tokens": 0},
        {"rounds": 0},
        {},
    ],
)
def test_limits_at_the_edge_are_fine(limits: dict[str, Any]):
    assert Budget(**limits)


@pytest.mark.parametrize(("given", "left"), [(0, 50), (30, 20), (50, 0), (60, 0)])
def test_labels_left_never_fall_below_none(given: int, left: int):
    assert Budget(human_labels=50).human_labels_left(Usage(human_labels=given)) == left


def test_without_a_limit_nothing_is_counted_down():
    assert Budget().human_labels_left(Usage(human_labels=10**6)) is None
    assert Budget().exceeded_by(Usage(money=1e9), Usage(prompt_tokens=10**12)) is None


@pytest.mark.parametrize(
    ("spent", "more", "limit"),
    [
        (Usage(money=4.0), Usage(money=1.0), None),
        (Usage(money=4.0), Usage(money=1.01), "the budget of 5 money"),
        (Usage(money=5.0), Usage(), None),
        (Usage(prompt_tokens=900), Usage(completion_tokens=1100), None),
        (Usage(prompt_tokens=900), Usage(completion_tokens=1101), "the budget of 2,000 tokens"),
        (Usage(money=6.0), Usage(prompt_tokens=3000), "the budget of 5 money"),
    ],
)
def test_a_limit_is_passed_by_the_first_bit_too_much(spent: Usage, more: Usage, limit: str | None):
    assert Budget(money=5.0, tokens=2000).exceeded_by(spent, more) == limit


def test_a_sum_of_cents_may_reach_the_limit():
    spent = sum([Usage(money=0.1)] * 9, Usage())
    assert Budget(money=1.0).exceeded_by(spent, Usage(money=0.1)) is None
