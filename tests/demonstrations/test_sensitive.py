"""ALLSH: the choice and its scores against a plain loop, and what it asks of the model."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.demonstrations import Sensitive
from llmal.lm import ResponseCache, TransformersLM
from llmal.perturb import TfIdfReplacement
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.task import Task

LABELS = ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"]


class SwapWords:
    """Copy j of a text has words j and j + 1 in each other's place; short texts stay."""

    fingerprint = "swap-words"

    def fit(self, texts: Sequence[str]) -> SwapWords:
        return self

    def perturb(self, texts: Sequence[str], copies: int, seed: int) -> list[list[str]]:
        return [[self._swapped(text, (seed + j) % 5) for j in range(copies)] for text in texts]

    @staticmethod
    def _swapped(text: str, j: int) -> str:
        words = text.split(" ")
        words[j : j + 2] = words[j : j + 2][::-1]
        return " ".join(words)


class Rewrites:
    """Texts that are listed get the copies that stand beside them, others stay as they are."""

    fingerprint = "rewrites"

    def __init__(self, table: dict[str, list[str]]) -> None:
        self.table = table

    def fit(self, texts: Sequence[str]) -> Rewrites:
        return self

    def perturb(self, texts: Sequence[str], copies: int, seed: int) -> list[list[str]]:
        return [(self.table.get(text, []) + [text] * copies)[:copies] for text in texts]


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
        rows = [json.loads(line) for line, _ in zip(lines, range(60), strict=False)]
    return [Item(f"{row['id']:04d}", row["text"], gold=row["label"]) for row in rows]


def _alone(scorer: PromptScorer, item: Item, shown: Sequence[Item] = ()) -> list[float]:
    """p(·|x) from one prompt."""
    prompt = scorer.prompts.build(item, shown).prompt
    logs = scorer.lm.score([prompt], scorer.prompts.candidates).log_probs[0]
    raw = [math.exp(one) for one in logs]
    return [one / sum(raw) for one in raw]


def _kl(p: Sequence[float], q: Sequence[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def _jsd(p: Sequence[float], q: Sequence[float]) -> float:
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return math.sqrt(max(0.0, (_kl(p, middle) + _kl(q, middle)) / 2))


def _alpha(alpha: float) -> Any:
    def value(p: Sequence[float], q: Sequence[float]) -> float:
        total = sum(b * (a / b) ** alpha for a, b in zip(p, q, strict=True))
        return (total - 1) / (alpha * (alpha - 1))

    return value


@pytest.mark.parametrize(
    ("options", "divergence"),
    [
        ({}, _kl),
        ({"divergence": "jsd"}, _jsd),
        ({"divergence": "alpha", "alpha": 0.5}, _alpha(0.5)),
        ({"divergence": "alpha", "alpha": -0.5}, _alpha(-0.5)),
    ],
)
@pytest.mark.parametrize("copies", [1, 3])
def test_against_a_plain_loop(
    copies: int,
    options: dict[str, Any],
    divergence: Any,
    scorer: PromptScorer,
    questions: list[Item],
):
    items = questions[:12]
    selector = Sensitive(scorer, SwapWords(), copies=copies, **options)
    seed = int(np.random.default_rng(5).integers(2**31 - 1))
    expected = []
    for item in items:
        p = _alone(scorer, item)
        changed = SwapWords().perturb([item.text], copies, seed)[0]
        expected.append(max(divergence(p, _alone(scorer, Item("c", text))) for text in changed))
    scores = selector.scores(items, np.random.default_rng(5))
    # A batch rounds otherwise than a prompt alone; the distance takes a root of that.
    assert scores == pytest.approx(expected, rel=1e-4, abs=2e-3 if divergence is _jsd else 1e-5)
    assert max(expected) > 1e-3
    chosen = selector.choose(items, 3, np.random.default_rng(5))
    assert [one.id for one in chosen] == [items[i].id for i in np.argsort(scores)[::-1][:3]]


def test_the_text_whose_copies_flip_the_model_is_chosen(
    scorer: PromptScorer, questions: list[Item]
):
    items = questions[:15]
    answers = {item.id: int(np.argmax(_alone(scorer, item))) for item in items}
    flipped = next(item for item in items if LABELS[answers[item.id]] != "Number")
    number = "How many miles is it to the moon ?"
    assert LABELS[int(np.argmax(_alone(scorer, Item("n", number))))] == "Number"
    table = {flipped.text: [flipped.text, number]}
    rng = np.random.default_rng(0)
    selector = Sensitive(scorer, Rewrites(table), copies=2)
    scores = dict(zip([one.id for one in items], selector.scores(items, rng), strict=True))
    assert selector.choose(items, 1, rng) == [flipped]
    assert scores.pop(flipped.id) > 0.1
    assert set(scores.values()) == {0.0}
    # The first copy alone is the text itself: nothing is more sensitive than anything else.
    assert not Sensitive(scorer, Rewrites(table), copies=1).scores(items, rng).any()


def test_every_text_is_scored_once_and_never_again(
    scorer: PromptScorer, questions: list[Item], cached: TransformersLM
):
    perturbation = TfIdfReplacement().fit([one.text for one in questions])
    selector = Sensitive(scorer, perturbation, copies=4)
    seed = int(np.random.default_rng(2).integers(2**31 - 1))
    texts = [one.text for one in questions]
    distinct = {*texts, *(c for ones in perturbation.perturb(texts, 4, seed) for c in ones)}
    assert len(questions) < len(distinct) < 5 * len(questions)
    passes = cached.score(["x"], scorer.prompts.candidates).passes
    before = cached.usage.requests
    first = selector.scores(questions, np.random.default_rng(2))
    assert cached.usage.requests - before == scorer.spent.requests == len(distinct) * passes
    before = cached.usage.requests
    assert (selector.scores(questions, np.random.default_rng(2)) == first).all()
    selector.choose(questions, 4, np.random.default_rng(2))
    assert cached.usage.requests == before


def test_the_words_are_learnt_from_the_candidates_or_a_corpus(
    scorer: PromptScorer, questions: list[Item], cached: TransformersLM
):
    questions = questions[:30]
    texts = [one.text for one in questions]
    rng = np.random.default_rng
    by_name = Sensitive(scorer).scores(questions, rng(1))
    fitted = TfIdfReplacement().fit(sorted(texts))
    assert by_name == pytest.approx(Sensitive(scorer, fitted).scores(questions, rng(1)), abs=1e-6)
    assert by_name == pytest.approx(
        Sensitive(scorer, TfIdfReplacement()).scores(questions, rng(1)), abs=1e-6
    )
    # A choice learns nothing for the next one.
    again = Sensitive(scorer, TfIdfReplacement())
    again.scores(questions[:10], rng(1))
    assert again.scores(questions, rng(1)) == pytest.approx(by_name, abs=1e-6)
    other = Sensitive(scorer, corpus=["what is what ?", "the corpus of another pool"])
    assert np.abs(other.scores(questions, rng(1)) - by_name).max() > 1e-4


def test_copies_are_scored_with_the_demonstrations_of_their_text(
    scorer: PromptScorer, questions: list[Item]
):
    shown, items = questions[:3], questions[2:9]
    seed = int(np.random.default_rng(5).integers(2**31 - 1))
    expected = []
    for item in items:
        others = [one for one in shown if one.id != item.id]
        (text,) = SwapWords().perturb([item.text], 1, seed)[0]
        expected.append(_kl(_alone(scorer, item, others), _alone(scorer, Item("c", text), others)))
    selector = Sensitive(scorer, SwapWords(), copies=1, condition=shown)
    scores = selector.scores(items, np.random.default_rng(5))
    assert scores == pytest.approx(expected, abs=1e-5)
    plain = Sensitive(scorer, SwapWords(), copies=1).scores(items, np.random.default_rng(5))
    assert np.abs(scores - plain).max() > 1e-4


def test_balance_takes_the_most_sensitive_of_each_label(
    scorer: PromptScorer, questions: list[Item], cached: TransformersLM
):
    selector = Sensitive(scorer, SwapWords(), copies=1, balance=True)
    chosen = selector.choose(questions, 6, np.random.default_rng(0))
    assert sorted(str(one.gold) for one in chosen) == LABELS
    scores = selector.scores(questions, np.random.default_rng(0))
    for one in chosen:
        rivals = [
            score
            for score, item in zip(scores, questions, strict=True)
            if item.gold == one.gold and item.id != one.id
        ]
        mine = scores[[item.id for item in questions].index(one.id)]
        assert all(mine >= score for score in rivals)


def test_a_prior_is_fitted_on_the_candidates_without_their_copies(
    scorer: PromptScorer, questions: list[Item]
):
    from llmal.calibration import Batch

    items = questions[:20]
    seed = int(np.random.default_rng(5).integers(2**31 - 1))
    copies = [Item("c", text) for (text,) in SwapWords().perturb([i.text for i in items], 1, seed)]
    batch = Batch().fit(scorer.score(items).scores)
    p, q = (batch.transform(scorer.score(ones).scores) for ones in (items, copies))
    selector = Sensitive(scorer, SwapWords(), copies=1, calibrator=Batch())
    scores = selector.scores(items, np.random.default_rng(5))
    assert scores == pytest.approx((p * np.log(p / q)).sum(axis=1), abs=1e-5)


def test_pairs_of_texts_are_changed_in_their_columns(tiny_hf: TransformersLM):
    prompts = LabellingPrompts(
        Task("nli", ["True", "False"], text=["premise", "hypothesis"]),
        load_prompt("label"),
        tiny_hf,
        "completion",
    )
    fields = {"premise": "it rains all day", "hypothesis": "the sun is out"}
    items = [
        Item("x", "\n".join(fields.values()), fields, gold="True"),
        Item("y", "one\ntwo", {"premise": "one", "hypothesis": "two"}, gold="False"),
    ]
    scores = Sensitive(PromptScorer(prompts), SwapWords()).scores(items, np.random.default_rng(0))
    assert scores[0] > 0
    assert scores[1] == 0


def test_no_candidates_and_no_shots_ask_nobody(scorer: PromptScorer, questions: list[Item]):
    rng = np.random.default_rng(0)
    assert Sensitive(scorer).choose([], 4, rng) == []
    assert Sensitive(scorer).choose(questions, 0, rng) == []
    assert Sensitive(scorer).scores([], rng).shape == (0,)
    assert scorer.spent.requests == 0
