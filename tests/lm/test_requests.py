"""What a request is said to cost, beside what a server on loopback has read and written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from billing_server import BillingServer

from llmal.core.records import total
from llmal.lm import VLLM, ResponseCache
from llmal.lm.protocol import Sampling
from llmal.lm.requests import plan_reading, plan_writing, reading_cost

PROMPTS = ["What is a bird ?\nAnswer:", "Who wrote Hamlet ?\nAnswer:", "How far is it ?\nAnswer:"]


@pytest.fixture
def server() -> Iterator[BillingServer]:
    with BillingServer() as made:
        yield made


@pytest.fixture
def lm(server: BillingServer, tiny_lm_path: Path) -> Iterator[VLLM]:
    with VLLM(server.url, tokenizer=tiny_lm_path) as made:
        yield made


def test_reading_costs_the_begin_token_and_the_token_that_a_server_writes(
    server: BillingServer, lm: VLLM
) -> None:
    plan = plan_reading(lm, PROMPTS)
    assert server.bill.requests == 0
    plan.execute()
    assert server.bill.completion_tokens == 3
    assert server.bill.tokens <= plan.highest.tokens == reading_cost(lm, PROMPTS).tokens


@pytest.mark.parametrize("format", [None, Literal["a bird", "a person of some rank"]])
def test_several_answers_cost_what_the_server_counted(
    format: object, server: BillingServer, lm: VLLM
) -> None:
    sampling = Sampling(temperature=1.0, max_tokens=30, seed=3)
    plan = plan_writing(lm, PROMPTS, format=format, n=4, sampling=sampling)
    written = plan.execute()
    cost = total(one.usage for one in written)
    assert (cost.requests, cost.prompt_tokens) == (3, server.bill.prompt_tokens)
    assert cost.completion_tokens == server.bill.completion_tokens
    assert cost.tokens <= plan.highest.tokens
    assert plan.first(2).highest.requests == 2
    again = plan.execute()
    assert [one.answers for one in again] == [one.answers for one in written]


def test_a_subset_of_all_candidates_is_the_same_question_as_all_of_them(
    server: BillingServer, lm: VLLM, tmp_path: Path
) -> None:
    candidates = [" a bird", " a person", " one number"]
    lm.cache = ResponseCache(tmp_path / "answers.sqlite")
    whole = lm.score(PROMPTS, candidates)
    asked = server.bill.requests
    again = lm.score_subsets(PROMPTS, candidates, [[0, 1, 2]] * 3)
    assert server.bill.requests == asked
    np.testing.assert_array_equal(again.log_probs, whole.log_probs)
    lm.score_subsets(PROMPTS, candidates, [[2]] * 3)
    assert server.bill.requests > asked
