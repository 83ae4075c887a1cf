"""The set whose prompt is most informative, against a plain loop over all sets."""

from __future__ import annotations

import gzip
import json
import logging
import math
from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.demonstrations import Informative
from llmal.lm import TransformersLM
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.task import Task

LABELS = ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"]


@pytest.fixture
def scorer(tiny_hf: TransformersLM) -> PromptScorer:
    template = load_prompt("label").with_values(
        {"noun": "question", "field": "Question", "answer": "Answer Type"}
    )
    return PromptScorer(LabellingPrompts(Task("trec6", LABELS), template, tiny_hf, "completion"))


@pytest.fixture(scope="module")
def questions(shared: Path) -> list[Item]:
    path = shared / "data" / "trec6" / "train.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(40), strict=False)]
    return [Item(f"{row['id']:04d}", row["text"], gold=row["label"]) for row in rows]


def _information(scorer: PromptScorer, shown: Sequence[Item], texts: Sequence[Item]) -> float:
    rows = []
    for item in texts:
        prompt = scorer.prompts.build(item, shown).prompt
        logs = scorer.lm.score([prompt], scorer.prompts.candidates).log_probs[0]
        raw = [math.exp(one) for one in logs]
        rows.append([one / sum(raw) for one in raw])
    mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]

    def entropy(p: Sequence[float]) -> float:
        return -sum(one * math.log(one) for one in p)

    return entropy(mean) - sum(entropy(row) for row in rows) / len(rows)


def _ids(items: Sequence[Item]) -> list[str]:
    return [item.id for item in items]


def test_information_against_a_plain_loop(scorer: PromptScorer, questions: list[Item]):
    sets = [questions[:2], questions[1:4], []]
    texts = questions[3:9]
    expected = [
        _information(scorer, shown, [one for one in texts if one not in shown]) for shown in sets
    ]
    values = Informative(scorer).information(sets, texts)
    assert values == pytest.approx(expected, abs=1e-5)
    assert Informative(scorer).information([texts], texts) == [0.0]


def test_enough_draws_find_the_best_of_all_sets(scorer: PromptScorer, questions: list[Item]):
    candidates, pool = questions[:4], questions[20:25]
    selector = Informative(scorer, pool=pool, trials=100, balance=False)
    values = {
        tuple(_ids(pair)): _information(scorer, pair, pool) for pair in permutations(candidates, 2)
    }
    best = max(values, key=lambda one: values[one])
    assert tuple(_ids(selector.choose(candidates, 2, np.random.default_rng(0)))) == best


def test_greedy_against_a_plain_loop(scorer: PromptScorer, questions: list[Item]):
    candidates, pool = questions[:6], questions[20:26]
    selector = Informative(scorer, pool=pool, search="greedy", balance=False)
    expected: list[Item] = []
    for _ in range(2):
        left = [one for one in candidates if one not in expected]
        expected.append(max(left, key=lambda one: _information(scorer, [*expected, one], pool)))
    assert selector.choose(candidates, 2, np.random.default_rng(0)) == expected


@pytest.mark.parametrize("search", ["random", "greedy"])
def test_labels_are_balanced(search: str, scorer: PromptScorer, questions: list[Item]):
    items = [one for one in questions if one.gold in ("Entity", "Person", "Description")]
    options = {"search": search, "trials": 2, "texts": 3}
    chosen = make(scorer, options).choose(items, 6, np.random.default_rng(0))
    assert Counter(one.gold for one in chosen) == {"Entity": 2, "Person": 2, "Description": 2}


def make(scorer: PromptScorer, options: dict) -> Informative:
    return Informative(scorer, **options)


@pytest.mark.parametrize(("search", "factor"), [("random", 1), ("greedy", 3)])
def test_the_cost_is_what_it_is_said_to_be(
    search: str, factor: int, scorer: PromptScorer, questions: list[Item]
):
    passes = scorer.lm.score(["x"], scorer.prompts.candidates).passes
    options = {"search": search, "trials": 4, "texts": 5, "pool": questions[20:]}
    make(scorer, {**options, "balance": False}).choose(questions[:20], 3, np.random.default_rng(0))
    assert scorer.spent.requests == factor * 4 * 5 * passes


def test_a_pool_may_hold_the_candidates(scorer: PromptScorer, questions: list[Item]):
    selector = Informative(scorer, pool=questions[:6], trials=3)
    assert len(selector.choose(questions[:6], 2, np.random.default_rng(0))) == 2


def test_nothing_to_measure_on_is_said(
    scorer: PromptScorer, questions: list[Item], caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING, "llmal.few_shot"):
        chosen = Informative(scorer).choose(questions[:4], 4, np.random.default_rng(0))
    assert sorted(_ids(chosen)) == sorted(_ids(questions[:4]))
    assert "no text is left to measure" in caplog.text
    assert scorer.spent.requests == 0


def test_a_prior_is_taken_off_anew_for_each_set(scorer: PromptScorer, questions: list[Item]):
    from llmal.calibration import Batch

    sets, texts = [questions[:2], questions[2:4]], questions[10:20]
    values = Informative(scorer, calibrator=Batch()).information(sets, texts)
    for shown, value in zip(sets, values, strict=True):
        logs = scorer.score(texts, shown).scores
        p = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
        q = p / p.mean(axis=0)
        q /= q.sum(axis=1, keepdims=True)
        mean = q.mean(axis=0)
        expected = -(mean * np.log(mean)).sum() + (q * np.log(q)).sum(axis=1).mean()
        assert value == pytest.approx(expected, abs=1e-5)
