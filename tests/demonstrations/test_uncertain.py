"""Uncertain candidates, against scores that are worked out one prompt at a time."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.demonstrations import Balanced, Similar, Uncertain
from llmal.errors import ConfigError, DataError
from llmal.lm import ResponseCache, TransformersLM
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.task import Task

LABELS = ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"]


@pytest.fixture
def scorer(tiny_hf: TransformersLM) -> PromptScorer:
    template = load_prompt("label").with_values(
        {"noun": "question", "field": "Question", "answer": "Answer Type"}
    )
    return PromptScorer(LabellingPrompts(Task("trec6", LABELS), template, tiny_hf, "completion"))


@pytest.fixture
def cached(tiny_hf: TransformersLM, tmp_path: Path) -> Iterator[TransformersLM]:
    tiny_hf.cache = ResponseCache(tmp_path / "answers.sqlite")
    yield tiny_hf
    tiny_hf.cache.close()
    tiny_hf.cache = None


@pytest.fixture(scope="module")
def questions(shared: Path) -> list[Item]:
    path = shared / "data" / "trec6" / "train.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(30), strict=False)]
    return [Item(f"{row['id']:04d}", row["text"], gold=row["label"]) for row in rows]


def _alone(scorer: PromptScorer, item: Item, shown: Sequence[Item] = ()) -> list[float]:
    """p(·|x) from one prompt."""
    prompt = scorer.prompts.build(item, shown).prompt
    logs = scorer.lm.score([prompt], scorer.prompts.candidates).log_probs[0]
    raw = [float(np.exp(one)) for one in logs]
    return [one / sum(raw) for one in raw]


MEASURES = {
    "entropy": lambda p: -sum(one * np.log(one) for one in p),
    "least-confidence": lambda p: 1 - max(p),
    "margin": lambda p: 1 - (sorted(p)[-1] - sorted(p)[-2]),
}


@pytest.mark.parametrize("measure", list(MEASURES))
def test_against_a_plain_loop(measure: Any, scorer: PromptScorer, questions: list[Item]):
    expected = [MEASURES[measure](_alone(scorer, item)) for item in questions]
    selector = Uncertain(scorer, measure=measure)
    rng = np.random.default_rng(0)
    assert selector.scores(questions[::-1], rng) == pytest.approx(expected[::-1], abs=1e-4)
    chosen = selector.choose(questions, 5, rng)
    assert [one.id for one in chosen] == [questions[i].id for i in np.argsort(expected)[::-1][:5]]


def test_balance_takes_the_most_uncertain_of_each_label(
    scorer: PromptScorer, questions: list[Item]
):
    items = [item for item in questions if item.gold in ("Entity", "Person", "Description")]
    rng = np.random.default_rng(0)
    scores = Uncertain(scorer).scores(items, rng)
    best = {
        label: max((s, one.id) for s, one in zip(scores, items, strict=True) if one.gold == label)
        for label in ("Entity", "Person", "Description")
    }
    chosen = Uncertain(scorer, balance=True).choose(items, 3, rng)
    assert [one.id for one in chosen] == [one for _, one in sorted(best.values(), reverse=True)]


@pytest.mark.parametrize("kind", ["items", "fixed selector", "per query"])
def test_scored_with_demonstrations_but_never_with_itself(
    kind: str, scorer: PromptScorer, questions: list[Item], embedder: Any
):
    items = questions[:12]
    condition = {
        "items": items[:3],
        "fixed selector": Balanced(),
        "per query": Similar(embedder),
    }[kind]
    given: list[list[Item]] = []

    class Watched(PromptScorer):
        def plan_each(
            self, items: Sequence[Item], demonstrations: Sequence[Sequence[Item]], **how: Any
        ) -> Any:
            given.extend([list(one) for one in demonstrations])
            return super().plan_each(items, demonstrations, **how)

    watched = Watched(scorer.prompts)
    selector = Uncertain(watched, condition=condition, shots=3)
    scores = selector.scores(items, np.random.default_rng(0))
    assert len(given) == len(items)
    for item, shown, score in zip(items, given, scores, strict=True):
        assert 2 <= len(shown) <= 3
        assert item.id not in {one.id for one in shown}
        expected = MEASURES["entropy"](_alone(scorer, item, shown))
        assert score == pytest.approx(expected, abs=1e-4)


def test_equal_texts_are_scored_once_and_never_again(
    scorer: PromptScorer, questions: list[Item], cached: TransformersLM
):
    items = [
        *questions[:8],
        *(Item(f"again-{n}", questions[n].text, gold="Entity") for n in (1, 2)),
    ]
    before = cached.usage.requests
    first = Uncertain(scorer).scores(items, np.random.default_rng(0))
    asked = cached.usage.requests - before
    passes = cached.score(["x"], scorer.prompts.candidates).passes
    assert asked == scorer.spent.requests == 8 * passes
    before = cached.usage.requests
    assert (Uncertain(scorer).scores(items, np.random.default_rng(0)) == first).all()
    assert cached.usage.requests == before


def test_a_prior_is_taken_off_first(scorer: PromptScorer, questions: list[Item]):
    from llmal.calibration import Batch

    logs = scorer.score(questions).scores
    p = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    q = p / p.mean(axis=0)
    q /= q.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(0)
    scores = Uncertain(scorer, calibrator=Batch()).scores(questions, rng)
    assert scores == pytest.approx(-(q * np.log(q)).sum(axis=1), abs=1e-4)
    assert np.abs(scores - Uncertain(scorer).scores(questions, rng)).max() > 0.01


def test_a_calibrator_that_was_never_fitted(scorer: PromptScorer):
    from llmal.calibration import Temperature

    with pytest.raises(ConfigError, match="the calibrator Temperature is not fitted"):
        Uncertain(scorer, calibrator=Temperature())


def test_a_label_that_the_task_lacks(scorer: PromptScorer):
    with pytest.raises(DataError, match="'x' has the label 'Animal', which the task lacks"):
        Uncertain(scorer).choose([Item("x", "t", gold="Animal")], 1, np.random.default_rng(0))
