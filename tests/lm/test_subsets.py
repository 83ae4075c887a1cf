"""Scores of some of the candidates after each prompt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmal.lm import VLLM, ResponseCache, TransformersLM
from llmal.lm.protocol import SubsetScoring

CANDIDATES = [
    " number",
    " number of things",
    " number of people",
    " a person of rank",
    " a person",
    " place",
    " the name of a place in the country",
]
PROMPTS = [
    "How many miles is it to the moon ?\nAnswer:",
    "Who wrote Emma ?\nAnswer:",
    "Where is the Volga ?\nAnswer:",
    "How many people live in Kiev ?\nAnswer:",
]
SUBSETS = [[0, 1], [3, 4, 6], [5], list(range(len(CANDIDATES)))]


def _check(lm: SubsetScoring, whole: np.ndarray) -> None:
    scores = lm.score_subsets(PROMPTS, CANDIDATES, SUBSETS)
    for row, columns in enumerate(SUBSETS):
        np.testing.assert_allclose(
            scores.log_probs[row, columns], whole[row, columns], atol=1e-3, rtol=0
        )
        outside = [column for column in range(len(CANDIDATES)) if column not in columns]
        assert np.isneginf(scores.log_probs[row, outside]).all()
        assert np.isneginf(scores.normalised("mean")[row, outside]).all()


def test_subsets_are_scored_as_all_are(tiny_hf: TransformersLM) -> None:
    whole = tiny_hf.score(PROMPTS, CANDIDATES)
    _check(tiny_hf, whole.log_probs)
    scores = tiny_hf.score_subsets(PROMPTS, CANDIDATES, SUBSETS)
    assert scores.requests.tolist() == [2, 2, 1, 2]
    assert scores.prompt_tokens[3] == whole.prompt_tokens[3]
    assert (scores.prompt_tokens[:3] < whole.prompt_tokens[:3]).all()


def test_what_subsets_cost_is_what_was_foreseen(tiny_lm_path: Path) -> None:
    lm = TransformersLM(tiny_lm_path, device="cpu")
    foreseen = lm.subsets_cost(PROMPTS, CANDIDATES, SUBSETS)
    scores = lm.score_subsets(PROMPTS, CANDIDATES, SUBSETS)
    assert foreseen.requests == lm.usage.requests == scores.requests.sum()
    assert foreseen.prompt_tokens == lm.usage.prompt_tokens == scores.prompt_tokens.sum()
    assert foreseen.prompt_tokens < lm.score_cost(PROMPTS, CANDIDATES).prompt_tokens


def test_a_subset_is_an_answer_of_its_own_in_the_cache(tiny_lm_path: Path, tmp_path: Path) -> None:
    lm = TransformersLM(tiny_lm_path, device="cpu")
    lm.cache = ResponseCache(tmp_path / "cache.sqlite")
    first = lm.score_subsets(PROMPTS[:2], CANDIDATES, [[0, 1], [3, 4]])
    asked = lm.usage.requests
    again = lm.score_subsets(PROMPTS[:2], CANDIDATES, [[0, 1], [3, 4]])
    assert lm.usage.requests == asked
    np.testing.assert_array_equal(first.log_probs, again.log_probs)
    other = lm.score_subsets(PROMPTS[:2], CANDIDATES, [[2, 6], [3, 4]])
    assert lm.usage.requests > asked
    assert np.isfinite(other.log_probs[0, [2, 6]]).all()


@pytest.mark.vllm
def test_a_server_is_asked_for_the_subset_alone(tiny_hf: TransformersLM, vllm: VLLM) -> None:
    _check(vllm, tiny_hf.score(PROMPTS, CANDIDATES).log_probs)
    foreseen = vllm.subsets_cost(PROMPTS, CANDIDATES, SUBSETS)
    before = vllm.usage.requests
    scores = vllm.score_subsets(PROMPTS, CANDIDATES, SUBSETS)
    assert vllm.usage.requests - before == foreseen.requests == scores.requests.sum()
    assert foreseen.requests < vllm.score_cost(PROMPTS, CANDIDATES).requests


def test_requests_are_those_of_the_subset(
    serve: Callable[..., Any], client: Callable[..., VLLM]
) -> None:
    """A server that gives every token the same is enough to see what it is asked for."""
    server = serve()
    lm = client(server.url)
    scores = lm.score_subsets(PROMPTS, CANDIDATES, SUBSETS)
    foreseen = lm.subsets_cost(PROMPTS, CANDIDATES, SUBSETS)
    assert len(server.answered) == scores.requests.sum() == foreseen.requests
    for row, columns in enumerate(SUBSETS):
        expected = np.full(len(CANDIDATES), -np.inf)
        expected[columns] = -2.5 * scores.lengths[columns]
        np.testing.assert_allclose(scores.log_probs[row], expected)
    server.answered.clear()
    whole = lm.score(PROMPTS, CANDIDATES)
    assert len(server.answered) == whole.requests.sum() > scores.requests.sum()
