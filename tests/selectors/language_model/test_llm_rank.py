"""Grades of usefulness by exact probabilities, and lists put in order by windows."""

from __future__ import annotations

import re

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.lm import TransformersLM
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.selectors import LLMDifficulty, LLMRank, RoundState
from llmal.selectors.language_model.llm_difficulty import equal_shares
from llmal.task import Task

LABELS = ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"]
TASK = Task("trec6", LABELS, guidelines="What kind of answer does the question ask for?")
WORDS = ["who", "what", "where", "how", "many", "is", "the", "city", "king", "star", "of"]


def _texts(count: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join([*rng.choice(WORDS, size=5), str(n), "?"]) for n in range(count)]


def _state(lm: TransformersLM, texts: list[str], style: str = "chat") -> RoundState:
    template = load_prompt("label").with_values({"noun": "question", "field": "Question"})
    scorer = PromptScorer(LabellingPrompts(TASK, template, lm, style))
    return RoundState.from_arrays(texts=texts, labelled=[], labels=[], scorer=scorer)


def _by_hand(lm: TransformersLM, prompt: str, grades: list[str], texts: list[str], style: str):
    """Probabilities of grades, from the prompt and the model themselves."""
    told = {"classes": LABELS, "guidelines": TASK.guidelines, "noun": "question"}
    template = load_prompt(prompt)
    prompts = [
        template.render(
            style,
            **{**told, "field": "Question", "item": Item("", text)},
            **{"labels": grades, "task": None, "demonstrations": []},
        )
        for text in texts
    ]
    return lm.score(prompts, template.candidates(style, grades)).probabilities()


@pytest.mark.parametrize("style", ["chat", "completion"])
def test_a_grade_is_expected_under_exact_probabilities(style, tiny_hf: TransformersLM):
    texts = _texts(12)
    state = _state(tiny_hf, texts, style)
    grades = _by_hand(tiny_hf, "usefulness", list("12345"), texts, style) @ np.arange(1, 6)
    utilities = LLMRank().utilities(state, np.random.default_rng(0))
    assert utilities.values == pytest.approx(grades, abs=1e-5)
    assert len(np.unique(utilities.values.round(6))) == 12
    picks = LLMRank().select(state, 4, np.random.default_rng(0))
    assert picks.indices.tolist() == np.argsort(-grades)[:4].tolist()
    assert picks.why[0] == f"usefulness {grades.max():.2f} of 5"
    assert picks.usage.tokens == LLMRank().plan(state, 4, None).highest.tokens


def test_of_many_items_some_are_graded(tiny_hf: TransformersLM):
    state = _state(tiny_hf, _texts(20))
    utilities = LLMRank(candidates=6).utilities(state, np.random.default_rng(0))
    assert (utilities.values == 0).sum() == 14
    assert (utilities.values >= 1).sum() == 6
    assert utilities.usage.requests == LLMRank(candidates=6).plan(state, 1, None).highest.requests
    assert utilities.usage.tokens <= LLMRank(candidates=6).plan(state, 1, None).highest.tokens


@pytest.mark.parametrize(
    ("count", "ranked", "window", "step", "passes", "calls"),
    [
        (20, 12, 6, 3, 1, 3),  # from 6, from 3, from 0
        (20, 13, 6, 3, 1, 4),  # from 7, 4, 1 and 0
        (20, 12, 6, 3, 2, 6),
        (5, 12, 6, 3, 1, 1),
    ],
)
def test_windows_go_from_the_end_to_the_front(
    count, ranked, window, step, passes, calls, tiny_hf: TransformersLM
):
    state = _state(tiny_hf, _texts(count))
    options = {"ranked": ranked, "window": window, "step": step, "passes": passes}
    selector = LLMRank(mode="list", start="random", **options)
    utilities = selector.utilities(state, np.random.default_rng(0))
    assert utilities.usage.requests == calls
    some = min(ranked, count)
    assert sorted(utilities.values[utilities.values > 0]) == [6 + i for i in range(some)]
    assert (utilities.values == 0).sum() == count - some
    best = int(utilities.values.argmax())
    assert utilities.why(best).startswith(f"number 1 of {some} that were ranked")
    most = selector.plan(state, 3, None).highest
    assert most.requests == calls
    assert utilities.usage.prompt_tokens <= most.prompt_tokens
    assert utilities.usage.completion_tokens <= most.completion_tokens


def test_one_window_is_put_in_the_order_that_the_model_lists(tiny_hf: TransformersLM):
    texts = _texts(6)
    state = _state(tiny_hf, texts)
    utilities = LLMRank(mode="list", window=6, step=3).utilities(state, np.random.default_rng(0))
    grades = _by_hand(tiny_hf, "usefulness", list("12345"), texts, "chat") @ np.arange(1, 6)
    first = np.argsort(-grades)
    from llmal.lm import DistinctIds, Sampling

    prompt = load_prompt("rank").render(
        "chat",
        task=TASK,
        k=6,
        listing="\n".join(f"{n}: {texts[i]}" for n, i in enumerate(first.tolist(), 1)),
    )
    ids = DistinctIds(6, 1, 6)
    [[answer]] = tiny_hf.generate([prompt], format=ids, sampling=Sampling(max_tokens=40))
    listed = [number - 1 for number in ids.parse(answer.text)]
    listed += [i for i in range(6) if i not in listed]
    assert np.argsort(-utilities.values).tolist() == first[listed].tolist()


def test_ids_that_are_missing_keep_their_order_and_are_said(tiny_hf: TransformersLM, caplog):
    state = _state(tiny_hf, _texts(30))
    selector = LLMRank(mode="list", start="random", ranked=30, window=20, step=10)
    utilities = selector.utilities(state, np.random.default_rng(0))
    assert len(np.unique(utilities.values)) == 30
    assert re.search(r"llm_rank: \d+ of 40 ids were missing from the model's lists", caplog.text)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": "pairs"}, "mode is 'pairs'; use points or list"),
        ({"window": 10, "step": 10}, "windows of 10 that go on by 10 share no item"),
        ({"ranked": 0}, "ranked is 0; at least 1"),
        ({"start": "best"}, "start is 'best'; use points or random"),
    ],
)
def test_options_that_cannot_be_used(options, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        LLMRank(**options)


def test_as_many_of_each_difficulty_and_the_surest(tiny_hf: TransformersLM):
    texts = _texts(60)
    state = _state(tiny_hf, texts)
    grades = ["easy", "moderate", "hard"]
    p = _by_hand(tiny_hf, "difficulty", grades, texts, "chat")
    grade = p.argmax(axis=1)
    picks = LLMDifficulty().select(state, 12, np.random.default_rng(0))
    sizes = np.bincount(grade, minlength=3)
    counts = np.bincount(grade[picks.indices], minlength=3)
    assert sorted(counts) == sorted(equal_shares(sizes, 12, np.random.default_rng(0)))
    for one in range(3):
        members = np.flatnonzero(grade == one)
        surest = members[np.argsort(-p[members, one])][: counts[one]]
        assert set(picks.indices[grade[picks.indices] == one]) == set(surest)
    assert picks.scores == pytest.approx(p[picks.indices, grade[picks.indices]], abs=1e-5)
    expected = p @ np.arange(3)
    turns = [int(re.search(r"number (\d+) of 12", one)[1]) for one in picks.why]
    assert sorted(turns) == list(range(1, 13))
    in_order = picks.indices[np.argsort(turns)]
    assert (np.diff(grade[in_order]) >= 0).all()
    for one in range(3):
        assert (np.diff(expected[in_order[grade[in_order] == one]]) >= 0).all()
    assert all(
        one.startswith(f"{grades[grade[i]]} with probability")
        for i, one in zip(picks.indices, picks.why, strict=True)
    )
    assert picks.usage.tokens == LLMDifficulty().plan(state, 12, None).highest.tokens


def test_calibrated_grades_are_relative_to_the_pool(tiny_hf: TransformersLM, caplog):
    texts = _texts(60)
    state = _state(tiny_hf, texts)
    # This model finds hardly anything moderate.
    p = _by_hand(tiny_hf, "difficulty", ["easy", "moderate", "hard"], texts, "chat")
    assert (p.argmax(axis=1) == 1).sum() < 4
    LLMDifficulty().select(state, 12, np.random.default_rng(0))
    assert "too few items for equal numbers" in caplog.text
    assert "calibrate makes grades relative to the pool" in caplog.text
    relative = (p / p.mean(axis=0)).argmax(axis=1)
    picks = LLMDifficulty(calibrate=True).select(state, 12, np.random.default_rng(0))
    assert np.bincount(relative[picks.indices], minlength=3).tolist() == [4, 4, 4]


@pytest.mark.parametrize(
    ("sizes", "k", "shares"),
    [
        ([10, 10, 10], 9, [3, 3, 3]),
        ([10, 1, 10], 9, [4, 1, 4]),
        ([0, 2, 10], 9, [0, 2, 7]),
        ([0, 0, 5], 5, [0, 0, 5]),
    ],
)
def test_what_a_grade_lacks_the_others_give(sizes, k, shares):
    assert equal_shares(np.array(sizes), k, np.random.default_rng(0)).tolist() == shares


def test_what_cannot_be_divided_is_drawn():
    drawn = [
        tuple(equal_shares(np.array([9, 9, 9]), 4, np.random.default_rng(seed)))
        for seed in range(30)
    ]
    assert set(drawn) == {(2, 1, 1), (1, 2, 1), (1, 1, 2)}


def test_difficulty_asks_about_k_items_at_least(tiny_hf: TransformersLM):
    state = _state(tiny_hf, _texts(12))
    picks = LLMDifficulty(candidates=3).select(state, 8, np.random.default_rng(0))
    assert len(set(picks.indices.tolist())) == 8
    with pytest.raises(ConfigError, match="llm_difficulty: candidates is 0"):
        LLMDifficulty(candidates=0)
