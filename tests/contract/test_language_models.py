"""One test for every language model: a server, a model in process, a chat model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from pydantic import BaseModel

from llmal.errors import LanguageModelError, UnsupportedError
from llmal.lm import VLLM, ChatLM, DistinctIds, LanguageModel, ResponseCache, Sampling

QUESTIONS = ["Who wrote Emma ?", "How far is the moon ?", "Where is the Louvre ?", "What is DNA ?"]
PROMPTS = [f"Question: {question}\nAnswer Type:" for question in QUESTIONS]
CANDIDATES = [" Person", " Number", " Location"]


class Judgement(BaseModel):
    label: Literal["Person", "Number"]
    sure: bool


@pytest.fixture(params=["vllm", "transformers", "chat"])
def lm(request: pytest.FixtureRequest) -> Iterator[LanguageModel]:
    """Each backend, without a cache."""
    if request.param == "transformers":
        made: LanguageModel = request.getfixturevalue("tiny_hf")
    else:
        made = request.getfixturevalue("vllm")
        if request.param == "chat":
            from langchain_openai import ChatOpenAI

            assert isinstance(made, VLLM)
            model = ChatOpenAI(
                base_url=made.urls[0],
                api_key="none",
                model=made.model,
                temperature=1.0,
                max_tokens=300,
            )
            made = ChatLM(model, samples=2)
    made.cache = None
    yield made
    made.cache = None


@pytest.fixture
def cached(lm: LanguageModel, tmp_path: Path) -> Iterator[LanguageModel]:
    lm.cache = ResponseCache(tmp_path / "cache.sqlite")
    yield lm
    lm.cache.close()


def _requests(lm: LanguageModel) -> int:
    return lm.usage.requests


def test_it_keeps_the_protocol(lm: LanguageModel) -> None:
    assert isinstance(lm, LanguageModel)


def test_scores_have_a_row_for_each_prompt_and_a_column_for_each_candidate(
    lm: LanguageModel,
) -> None:
    scores = lm.score(PROMPTS, CANDIDATES)
    assert scores.log_probs.shape == scores.first.shape == (len(PROMPTS), len(CANDIDATES))
    assert scores.log_probs.dtype == np.float64
    assert np.isfinite(scores.log_probs).all()
    assert (np.exp(scores.log_probs).sum(axis=1) <= 1 + 1e-6).all()
    assert scores.lengths.shape == (len(CANDIDATES),)
    assert scores.candidates == tuple(CANDIDATES)
    assert scores.prompt_tokens.shape == scores.completion_tokens.shape == (len(PROMPTS),)
    assert scores.exact is lm.exact


def test_probabilities_sum_to_one_over_the_candidates(lm: LanguageModel) -> None:
    for how in ("sum", "mean", "first"):
        np.testing.assert_allclose(
            lm.score(PROMPTS, CANDIDATES).probabilities(how).sum(axis=1), 1.0
        )


def test_rows_follow_the_prompts_whatever_their_order_and_length(lm: LanguageModel) -> None:
    if not lm.exact:
        pytest.skip("estimates by sampling differ from call to call")
    prompts = [PROMPTS[0], "word " * 200 + PROMPTS[1], PROMPTS[2], PROMPTS[3]]
    forward = lm.score(prompts, CANDIDATES).log_probs
    backward = lm.score(prompts[::-1], CANDIDATES).log_probs
    np.testing.assert_allclose(forward, backward[::-1], atol=1e-4)
    alone = np.concatenate([lm.score([prompt], CANDIDATES).log_probs for prompt in prompts])
    np.testing.assert_allclose(forward, alone, atol=1e-4)
    assert np.abs(forward[0] - forward[1]).max() > 0.01


def test_columns_follow_the_candidates(lm: LanguageModel) -> None:
    if not lm.exact:
        pytest.skip("estimates by sampling differ from call to call")
    forward = lm.score(PROMPTS, CANDIDATES).log_probs
    np.testing.assert_allclose(
        forward, lm.score(PROMPTS, CANDIDATES[::-1]).log_probs[:, ::-1], atol=1e-4
    )
    assert lm.score(PROMPTS, CANDIDATES).log_probs.argmax(axis=1)[0] == 0


def test_equal_prompts_get_equal_rows(lm: LanguageModel) -> None:
    if not lm.exact:
        pytest.skip("estimates by sampling differ from call to call")
    before = _requests(lm)
    scores = lm.score([PROMPTS[0], PROMPTS[1], PROMPTS[0]], CANDIDATES).log_probs
    assert (scores[0] == scores[2]).all()
    assert (scores[0] != scores[1]).any()
    assert _requests(lm) - before == 2


def test_no_prompts_give_no_rows_and_cost_nothing(lm: LanguageModel) -> None:
    before = lm.usage
    assert lm.score([], CANDIDATES).log_probs.shape == (0, len(CANDIDATES))
    assert lm.generate([]) == []
    assert lm.usage == before


def test_a_single_candidate_is_scored(lm: LanguageModel) -> None:
    scores = lm.score(PROMPTS[:2], [" Person"])
    assert scores.log_probs.shape == (2, 1)
    np.testing.assert_allclose(scores.probabilities(), 1.0)


def test_no_candidates_are_refused(lm: LanguageModel) -> None:
    with pytest.raises(LanguageModelError, match="no candidate"):
        lm.score(PROMPTS, [])


def test_chat_prompts_are_scored(lm: LanguageModel) -> None:
    assert lm.chat
    prompts = [[{"role": "user", "content": question}] for question in QUESTIONS]
    scores = lm.score(prompts, ["Person", "Number"])
    assert scores.log_probs.shape == (len(prompts), 2)


def test_generate_gives_n_answers_to_each_prompt(lm: LanguageModel) -> None:
    answers = lm.generate(PROMPTS[:3], n=2, sampling=Sampling(temperature=1.0, max_tokens=5))
    assert [len(one) for one in answers] == [2, 2, 2]
    assert all(answer.prompt_tokens > 0 for one in answers for answer in one)


def test_generated_answers_follow_the_prompts(lm: LanguageModel) -> None:
    if not lm.exact:
        pytest.skip("a chat model samples with the temperature that it was made with")
    prompts = [PROMPTS[0], "word " * 100 + PROMPTS[1], PROMPTS[2]]
    together = lm.generate(prompts, sampling=Sampling(max_tokens=6))
    alone = [lm.generate([prompt], sampling=Sampling(max_tokens=6))[0] for prompt in prompts]
    assert [one[0].text for one in together] == [one[0].text for one in alone]


def test_an_answer_is_held_to_a_choice(lm: LanguageModel) -> None:
    answers = lm.generate(
        PROMPTS[:2],
        format=Literal["Number", "Person"],
        n=2,
        sampling=Sampling(temperature=1.0, max_tokens=20),
    )
    finished = {one.text for drawn in answers for one in drawn if one.finished}
    assert finished <= {"Number", "Person"}
    assert finished


def test_an_answer_is_held_to_a_pydantic_model(lm: LanguageModel) -> None:
    (answers,) = lm.generate(
        PROMPTS[:1], format=Judgement, sampling=Sampling(temperature=1.0, max_tokens=300)
    )
    assert Judgement.model_validate_json(answers[0].text).label in {"Person", "Number"}


def test_an_answer_is_held_to_a_regular_expression_or_refused(lm: LanguageModel) -> None:
    from outlines.types import Regex

    sampling = Sampling(temperature=1.0, max_tokens=10)
    if isinstance(lm, ChatLM):
        with pytest.raises(UnsupportedError, match="cannot be held to"):
            lm.generate(PROMPTS[:1], format=Regex("[0-9]{3}"), sampling=sampling)
        return
    for drawn in lm.generate(PROMPTS[:2], format=Regex("[0-9]{3}"), sampling=sampling):
        assert len(drawn[0].text) == 3
        assert drawn[0].text.isdigit()


def test_an_answer_is_held_to_distinct_ids_or_refused(lm: LanguageModel) -> None:
    ids = DistinctIds(count=3, low=1, high=12)
    if isinstance(lm, ChatLM):
        with pytest.raises(UnsupportedError, match="cannot be held to"):
            lm.generate(PROMPTS[:1], format=ids)
        return
    for drawn in lm.generate(PROMPTS[:2], format=ids, sampling=Sampling(max_tokens=20)):
        assert all(1 <= int(part) <= 12 for part in drawn[0].text.split(","))
        assert len(drawn[0].text.split(",")) == 3


def test_a_format_that_is_none_is_refused(lm: LanguageModel) -> None:
    with pytest.raises(UnsupportedError):
        lm.generate(PROMPTS[:1], format=object())


def test_usage_grows_by_what_was_asked(lm: LanguageModel) -> None:
    before = lm.usage
    scores = lm.score(PROMPTS, CANDIDATES)
    used = lm.usage - before
    assert used.requests == scores.passes * len(PROMPTS)
    assert used.prompt_tokens == scores.prompt_tokens.sum() > 0
    assert used.completion_tokens == scores.completion_tokens.sum()
    assert used.seconds > 0


def test_the_estimated_cost_is_that_of_the_run(lm: LanguageModel) -> None:
    candidates = [" Person", " Person name", " Number", " Sci/Tech"]
    estimate = lm.score_cost(PROMPTS, candidates)
    before = lm.usage
    lm.score(PROMPTS, candidates)
    used = lm.usage - before
    if not lm.exact:
        assert used.requests == estimate.requests
        assert used.completion_tokens <= estimate.completion_tokens
        return
    assert (used.requests, used.prompt_tokens, used.completion_tokens) == (
        estimate.requests,
        estimate.prompt_tokens,
        estimate.completion_tokens,
    )


def test_the_fingerprint_is_stable_and_names_the_model(lm: LanguageModel) -> None:
    before = lm.fingerprint
    lm.score(PROMPTS[:1], CANDIDATES)
    assert lm.fingerprint == before
    assert "tiny-lm" in before


def test_what_was_asked_once_is_never_asked_again(cached: LanguageModel) -> None:
    sampling = Sampling(temperature=1.0, max_tokens=5)
    first = cached.score(PROMPTS, CANDIDATES)
    written = cached.generate(PROMPTS[:2], n=2, sampling=sampling)
    before = cached.usage
    again = cached.score(PROMPTS, CANDIDATES)
    assert (again.log_probs == first.log_probs).all()
    assert (again.prompt_tokens == first.prompt_tokens).all()
    assert cached.generate(PROMPTS[:2], n=2, sampling=sampling) == written
    assert cached.usage == before


def test_another_question_never_hits_an_old_answer(cached: LanguageModel) -> None:
    def asked(prompts: list[str], candidates: list[str]) -> int:
        before = _requests(cached)
        cached.score(prompts, candidates)
        return _requests(cached) - before

    assert asked(PROMPTS[:1], CANDIDATES) > 0
    assert asked([PROMPTS[0] + " "], CANDIDATES) > 0
    assert asked(PROMPTS[:1], [*CANDIDATES, " Entity"]) > 0
    assert asked(PROMPTS[:1], CANDIDATES) == 0


def test_another_sampling_never_hits_an_old_answer(cached: LanguageModel) -> None:
    def asked(sampling: Sampling, **more: object) -> int:
        before = _requests(cached)
        cached.generate(PROMPTS[:1], sampling=sampling, **more)  # type: ignore[arg-type]
        return _requests(cached) - before

    one = Sampling(temperature=1.0, max_tokens=5, seed=1)
    assert asked(one) > 0
    assert asked(Sampling(temperature=1.0, max_tokens=5, seed=2)) > 0
    assert asked(one, format=Literal["Person", "Number"]) > 0
    assert asked(one, n=2) > 0
    assert asked(one) == 0


def test_tokens_are_counted_for_each_prompt(lm: LanguageModel) -> None:
    counts = lm.count_tokens([PROMPTS[0], PROMPTS[0] * 20, [{"role": "user", "content": "Hi"}]])
    assert counts.shape == (3,)
    assert counts[1] > 10 * counts[0] > 0
    assert counts[2] > 0


def test_likely_texts_have_a_higher_likelihood_or_it_is_refused(lm: LanguageModel) -> None:
    texts = ["The president said on Monday that", "that Monday on said president The zqxj"]
    if isinstance(lm, ChatLM):
        with pytest.raises(UnsupportedError, match="likelihood"):
            lm.log_likelihood(texts)
        return
    values = lm.log_likelihood(texts)
    assert values.shape == (2,)
    assert values[1] < values[0] < 0
