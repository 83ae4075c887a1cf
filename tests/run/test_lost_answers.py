"""Answers that a server has computed and that never arrive: booked, and within the budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from billing_server import BillingServer, Fault
from word_bayes import WordBayes

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import LLMAnnotator
from llmal.ledger import Ledger
from llmal.lm import VLLM
from llmal.run.purse import LOST
from llmal.selectors import Random

TEXTS = [f"{number} birds sat by the river" for number in range(12)]


def _run(folder: Path, lm: VLLM, **limits: Any) -> Orchestrator:
    task = Task("t", ["animal", "food"])
    return Orchestrator(
        task,
        Pool.from_texts(TEXTS, cache=folder / "cache"),
        directory=folder / "run",
        annotator=LLMAnnotator(task, lm, style="completion", calibrate=None),
        learner=WordBayes(),
        start=Random(),
        selector=Random(),
        budget=Budget(rounds=1, batch=4, **limits),
    )


@pytest.mark.parametrize("fault", ["cut", "garbled"])
def test_what_got_lost_is_booked_at_its_highest(
    fault: Fault, tmp_path: Path, tiny_lm_path: Path
) -> None:
    def first(content: int, before: int) -> Fault | None:
        return fault if before == 0 else None

    with BillingServer(fault=first) as server, VLLM(server.url, tokenizer=tiny_lm_path) as lm:
        run = _run(tmp_path, lm)
        result = run.run()
        with Ledger.open(run.ledger_url) as ledger:
            spent = ledger.usage()
    assert len(result.labels) == 8
    assert spent[LOST].tokens == server.bill.lost > 0
    assert result.cost.tokens == server.bill.tokens


@pytest.mark.parametrize("fault", ["busy", "broken"])
def test_what_a_server_has_not_computed_costs_nothing(
    fault: Fault, tmp_path: Path, tiny_lm_path: Path
) -> None:
    def first(content: int, before: int) -> Fault | None:
        return fault if before == 0 else None

    with BillingServer(fault=first) as server, VLLM(server.url, tokenizer=tiny_lm_path) as lm:
        result = _run(tmp_path, lm).run()
    assert server.bill.lost == 0
    assert result.cost.tokens == server.bill.tokens


def test_nobody_asks_again_what_the_budget_does_not_reach_for(
    tmp_path: Path, tiny_lm_path: Path
) -> None:
    with (
        BillingServer(fault=lambda content, before: "cut") as server,
        VLLM(server.url, tokenizer=tiny_lm_path) as lm,
    ):
        plan = _run(tmp_path, lm).plan()
        limit = plan.tokens + plan.tokens // 4
        result = _run(tmp_path, lm, tokens=limit).run()
    assert result.status == "finished"
    assert "the budget does not reach for asking again" in result.reason
    # Once it is lost, and once more: then there is no room for a third.
    assert 0 < server.bill.lost == server.bill.tokens <= limit
    assert result.cost.tokens <= limit
