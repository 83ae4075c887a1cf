"""Disagreement over answers and over prompts, against counts and distributions worked out here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.lm import TransformersLM
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.selectors import LLMDisagreement, RoundState
from llmal.task import Task

LABELS = ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"]
VALUES = {"noun": "question", "field": "Question", "answer": "Answer Type"}
TEXTS = [
    "Who wrote Emma ?",
    "How far is the moon ?",
    "What does NATO stand for ?",
    "What is a fjord ?",
    "Where is Timbuktu ?",
    "What colour is best ?",
    "Who was it , when , and where ?",
    "What is the name of the thing ?",
]


def _scorer(lm: TransformersLM, prompt: str = "label", style: str = "completion") -> PromptScorer:
    template = load_prompt(prompt)
    values = {key: value for key, value in VALUES.items() if key in template.defaults}
    task = Task("trec6", LABELS)
    return PromptScorer(LabellingPrompts(task, template.with_values(values), lm, style))


def _state(lm: TransformersLM, texts: Sequence[str] = TEXTS, style="completion") -> RoundState:
    scorer = _scorer(lm, style=style)
    return RoundState.from_arrays(texts=texts, labelled=[], labels=[], scorer=scorer)


def _utilities(selector: LLMDisagreement, state: RoundState, seed: int = 0):
    return selector.utilities(state, np.random.default_rng(seed))


def _counts(reason: str) -> Mapping[str, int]:
    return {
        word: int(n) for word, n in re.findall(r"(\w+) (\d+)(?:, |;|$)", reason.split(": ")[-1])
    }


@pytest.mark.parametrize("style", ["completion", "chat"])
def test_measures_are_those_of_the_answers(style, tiny_hf: TransformersLM):
    some = TEXTS[-4:]
    state = _state(tiny_hf, some, style=style)
    found = {
        measure: _utilities(LLMDisagreement(answers=6, temperature=2.0, measure=measure), state)
        for measure in ("disagreement", "entropy", "variance", "ordinal")
    }
    counts = [_counts(found["entropy"].why(row)) for row in range(len(some))]
    assert all(sum(one.values()) == 6 for one in counts)
    assert max(len(one) for one in counts) > 2
    for row, one in enumerate(counts):
        f = np.array(list(one.values())) / 6
        columns = np.repeat([LABELS.index(name) for name in one], list(one.values()))
        assert found["disagreement"].values[row] == len(one) / 6
        assert found["entropy"].values[row] == pytest.approx(-(f * np.log(f)).sum())
        assert found["variance"].values[row] == pytest.approx(1 - (f**2).sum())
        assert found["ordinal"].values[row] == pytest.approx(columns.var())


def test_a_low_temperature_gives_the_best_label_each_time(tiny_hf: TransformersLM):
    state = _state(tiny_hf)
    sure = _utilities(LLMDisagreement(answers=4, temperature=0.01), state)
    assert sure.values.tolist() == [1 / 4] * len(TEXTS)
    answers = [next(iter(_counts(sure.why(row)))) for row in range(len(TEXTS))]
    scored = _scorer(tiny_hf).score([Item("", text) for text in TEXTS[:5]])
    # The first tokens of these labels differ, so the first drawn decides.
    assert answers[:5] == [LABELS[c] for c in scored.probabilities.argmax(axis=1)]


def test_equal_texts_are_asked_about_once(tiny_hf: TransformersLM):
    once = _utilities(LLMDisagreement(answers=3), _state(tiny_hf, TEXTS[:2]))
    many = _utilities(LLMDisagreement(answers=3), _state(tiny_hf, TEXTS[:2] * 10))
    assert many.values.tolist() == once.values.tolist() * 10
    assert many.usage.prompt_tokens == once.usage.prompt_tokens
    assert once.usage.requests == 2


def test_prompts_vote_and_their_divergence_is_exact(tiny_hf: TransformersLM):
    state, items = _state(tiny_hf), [Item(str(i), text) for i, text in enumerate(TEXTS)]
    prompts = ("label", "pattern")
    p = np.stack([_scorer(tiny_hf, one).score(items).probabilities for one in prompts])
    mean = p.mean(axis=0)
    divergence = (p * (np.log(p) - np.log(mean))).sum(axis=2).mean(axis=0)
    by_kl = _utilities(LLMDisagreement(prompts=prompts, measure="kl"), state)
    assert by_kl.values == pytest.approx(divergence, abs=1e-6)
    differ = p[0].argmax(axis=1) != p[1].argmax(axis=1)
    assert 0 < differ.sum() < len(TEXTS)
    votes = _utilities(LLMDisagreement(prompts=prompts, measure="entropy"), state)
    assert votes.values == pytest.approx(np.where(differ, np.log(2), 0))
    picks = LLMDisagreement(prompts=prompts, measure="kl").select(
        state, 3, np.random.default_rng(0)
    )
    assert picks.indices.tolist() == np.argsort(-divergence)[:3].tolist()
    assert picks.usage.requests == by_kl.usage.requests >= 2 * len(TEXTS)
    assert "nats between prompts" in picks.why[0]


def test_those_not_asked_about_come_last_and_say_so(tiny_hf: TransformersLM):
    state = _state(tiny_hf)
    selector = LLMDisagreement(answers=3, candidates=3)
    utilities = _utilities(selector, state)
    assert (utilities.values == -1).sum() == len(TEXTS) - 3
    assert utilities.usage.requests == 3
    picks = selector.select(state, 5, np.random.default_rng(0))
    assert [one.startswith("the language model was not asked") for one in picks.why] == [
        *[False] * 3,
        *[True] * 2,
    ]
    assert utilities.usage.tokens <= selector.plan(state, 5, None).highest.tokens


@pytest.mark.parametrize(
    "options", [{"answers": 4}, {"prompts": ("label", "pattern")}, {"candidates": 2}]
)
def test_the_estimate_is_what_the_longest_would_cost(options, tiny_hf: TransformersLM):
    state = _state(tiny_hf)
    selector = LLMDisagreement(**options)
    most = selector.plan(state, 1, None).highest
    spent = [_utilities(selector, state, seed).usage for seed in range(6)]
    assert max(one.prompt_tokens for one in spent) <= most.prompt_tokens
    assert {one.requests for one in spent} == {most.requests}
    assert max(one.completion_tokens for one in spent) <= most.completion_tokens
    # Of all texts, each is read: the estimate is no guess.
    if "candidates" not in options:
        assert spent[0].prompt_tokens == most.prompt_tokens


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"answers": 1}, "answers is 1; at least 2"),
        ({"temperature": 0}, "temperature is 0, at which all answers are alike; above 0"),
        ({"measure": "range"}, "there is no measure 'range'; use disagreement, entropy"),
        ({"prompts": ("label",)}, "one prompt cannot disagree with itself"),
        ({"measure": "kl"}, "kl compares prompts, and none are given"),
        ({"candidates": 0}, "candidates is 0; at least 1"),
    ],
)
def test_options_that_cannot_be_used(options, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        LLMDisagreement(**options)
