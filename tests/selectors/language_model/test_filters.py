"""Filters by perplexity and by quality: who is kept, and who picks."""

from __future__ import annotations

import re

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.errors import ConfigError, SelectionError
from llmal.lm import TransformersLM
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.selectors import (
    LLMRank,
    Margin,
    PerplexityFilter,
    QualityFilter,
    Random,
    RoundState,
    make,
)
from llmal.task import Task

LABELS = ["negative", "positive"]
TEXTS = [f"{'good' if n % 2 else 'bad bad'} film number {n} ." for n in range(20)]


def _state(likelihoods, **signals) -> RoundState:
    return RoundState.from_arrays(
        likelihoods=likelihoods, labelled=[], labels=[], size=len(likelihoods), **signals
    )


def _round(lm: TransformersLM, **signals) -> RoundState:
    scorer = PromptScorer(
        LabellingPrompts(Task("films", LABELS), load_prompt("label"), lm, "completion")
    )
    return RoundState.from_arrays(texts=TEXTS, labelled=[], labels=[], scorer=scorer, **signals)


@pytest.mark.parametrize(("side", "kept"), [("low", range(15, 20)), ("high", range(5))])
def test_the_side_that_is_kept(side, kept):
    # Item 19 has the highest likelihood, and so the lowest perplexity.
    state = _state(np.linspace(-9, -1, 20))
    selector = PerplexityFilter(Random(), keep=0.25, side=side)
    for seed in range(20):
        picks = selector.select(state, 3, np.random.default_rng(seed))
        assert set(picks.indices.tolist()) <= set(kept)
    everything = {
        i
        for seed in range(20)
        for i in selector.select(state, 3, np.random.default_rng(seed)).indices.tolist()
    }
    assert everything == set(kept)


def test_the_selector_inside_ranks_what_is_kept_and_k_are_kept_at_least():
    p = np.linspace(0.5, 0.99, 20)
    state = _state(np.linspace(-9, -1, 20), probabilities=np.stack([p, 1 - p], axis=1))
    selector = PerplexityFilter(Margin(), keep=0.25)
    picks = selector.select(state, 2, np.random.default_rng(0))
    assert picks.indices.tolist() == [15, 16]
    assert picks.why[0].endswith(f"; perplexity {np.exp(-np.linspace(-9, -1, 20)[15]):.3g}")
    picks = selector.select(state, 9, np.random.default_rng(0))
    assert picks.indices.tolist() == list(range(11, 20))


def test_likelihoods_are_asked_for_of_the_candidates_alone():
    from llmal.pool import Pool

    asked = []

    def likelihoods(positions):
        asked.append(positions)
        return -positions.astype(float)

    state = RoundState.from_pool(
        Pool.from_texts(TEXTS), labelled=[], labels=[], likelihoods=likelihoods
    )
    selector = PerplexityFilter(Random(), keep=0.5, candidates=8)
    picks = selector.select(state, 4, np.random.default_rng(0))
    [positions] = asked
    assert len(positions) == 8
    assert sorted(picks.indices) == sorted(positions)[:4]


def test_quality_keeps_the_best_grades(tiny_hf: TransformersLM):
    state = _round(tiny_hf)
    prompts = [
        load_prompt("quality").render(
            "completion",
            **{"classes": LABELS, "guidelines": "", "noun": "text", "field": "Text"},
            **{"item": Item("", text), "labels": [], "task": None, "demonstrations": []},
        )
        for text in TEXTS
    ]
    p = tiny_hf.score(prompts, [f" {grade}" for grade in range(1, 6)]).probabilities()
    grades = p @ np.arange(1, 6)
    best = set(np.argsort(-grades)[:5].tolist())
    selector = QualityFilter(Random(), keep=0.25)
    seen = set()
    for seed in range(15):
        picks = selector.select(state, 3, np.random.default_rng(seed))
        seen |= set(picks.indices.tolist())
        for index, reason in zip(picks.indices, picks.why, strict=True):
            assert reason.endswith(f"; quality {grades[index]:.2f} of 5")
    assert seen == best
    assert picks.usage.requests >= 20
    assert picks.usage.tokens == selector.plan(state, 3, None).highest.tokens


def test_filters_fit_into_each_other_and_their_costs_add_up(tiny_hf: TransformersLM):
    state = _round(tiny_hf, likelihoods=np.linspace(-9, -1, 20))
    inner = QualityFilter(LLMRank(), keep=0.5)
    selector = PerplexityFilter(inner, keep=0.5)
    assert selector.requires == {"likelihoods", "texts", "scorer"}
    picks = selector.select(state, 2, np.random.default_rng(0))
    assert set(picks.indices.tolist()) <= set(range(10, 20))
    # Ten are graded for quality, and the five that are left for usefulness.
    once = LLMRank().utilities(_round(tiny_hf), np.random.default_rng(0)).usage.requests / 20
    assert picks.usage.requests == 15 * once
    most = selector.plan(state, 2, None).highest
    assert picks.usage.tokens <= most.tokens
    assert re.search(r"usefulness .*; quality .*; perplexity", picks.why[0])


def test_filters_by_name():
    made = make("perplexity", keep=0.5, selector={"name": "quality", "selector": "margin"})
    assert made == PerplexityFilter(QualityFilter(Margin()), keep=0.5)
    with pytest.raises(SelectionError, match="selector perplexity needs probabilities"):
        PerplexityFilter(Margin()).select(_state(np.zeros(5)), 2, np.random.default_rng(0))


@pytest.mark.parametrize("made", [PerplexityFilter, QualityFilter])
@pytest.mark.parametrize("keep", [0, 1.5, float("nan")])
def test_a_share_that_cannot_be_kept(made, keep):
    with pytest.raises(ConfigError, match=f"keep is {keep}; above 0 and at most 1"):
        made(Random(), keep=keep)


def test_a_side_that_there_is_not():
    with pytest.raises(ConfigError, match="side is 'left'; use low or high"):
        PerplexityFilter(Random(), side="left")
