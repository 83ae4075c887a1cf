"""Whatever is asked, and however servers fail: no more is spent than planned or allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from random_runs import Drawn, Outcome, draw, run_it

from llmal.embed import SentenceEmbedder
from llmal.run.purse import LOST, PREPARATION

RUNS = int(os.environ.get("LLMAL_TEST_BUDGETS", "6"))
"""How many runs are drawn; 300 take some minutes."""

FIRST = int(os.environ.get("LLMAL_TEST_BUDGETS_FROM", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_no_run_spends_more_than_its_plan_or_its_budget(
    seed: int, tmp_path: Path, tiny_lm_path: Path, embedder: SentenceEmbedder
) -> None:
    drawn = draw(seed)
    outcome = run_it(drawn, tmp_path, tiny_lm_path, embedder)
    check(drawn, outcome)


def check(drawn: Drawn, outcome: Outcome) -> None:
    """What must hold of any run."""
    spent, plan, limits = outcome.spent, outcome.plan, outcome.limits
    read, written = outcome.served
    model_money = (read * drawn.price[0] + written * drawn.price[1]) / 1e6
    money = model_money + outcome.people * drawn.price[2]
    # What the server read and wrote is in the ledger, what got lost on the way included.
    assert read + written <= spent.tokens
    assert money <= spent.money + 1e-6
    assert outcome.people == spent.human_labels
    # Nothing is spent beyond the plan, with and without the limits.
    for planned in (plan, outcome.free):
        lost = outcome.lost_booked
        assert spent.tokens - lost.tokens <= planned.tokens
        assert spent.requests - lost.requests <= planned.requests
        assert spent.money - lost.money <= planned.money + 1e-6
        assert spent.human_labels <= planned.human_labels
    # Calibration for selectors and judges is booked with that of annotators.
    joint = {"selection", "class_conditional", PREPARATION}
    parts, by_name = outcome.free.parts, outcome.by_name
    # Where the budget leaves less to calibrate on, the rest is asked about later.
    for name in by_name.keys() - joint - {LOST} if not limits else ():
        assert by_name[name].tokens <= parts.get(name, 0), name
    asked = sum(by_name[name].tokens for name in joint & by_name.keys())
    planned_for = sum(parts[name] for name in parts if name.split(" (")[0] in joint)
    assert limits or asked <= planned_for
    # Nor beyond the budget.
    assert spent.tokens <= limits.get("tokens", spent.tokens)
    assert spent.money <= limits.get("money", spent.money) + 1e-6
    if drawn.budget["human_labels"] is not None:
        assert outcome.people <= drawn.budget["human_labels"]
