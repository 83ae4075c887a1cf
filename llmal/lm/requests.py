"""What is asked of a language model, as plans: a request says before what it costs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import BatchPlan, Plan, Prompt
from llmal.core.records import Usage, total
from llmal.errors import UnsupportedError
from llmal.lm.protocol import (
    Completion,
    EachCost,
    LabelScores,
    LanguageModel,
    Sampling,
    SubsetScoring,
)


@dataclass(frozen=True)
class Written:
    """Answers to one prompt, and what they cost.

    Attributes:
        answers: In the order in which they were drawn.
        usage: The cost, counted alike whether they came from the model or from the response cache.
    """

    answers: list[Completion]
    usage: Usage


def plan_writing(
    lm: LanguageModel,
    prompts: Sequence[Prompt],
    *,
    format: Any | None = None,
    n: int = 1,
    sampling: Sampling = Sampling(),
) -> BatchPlan[list[Written]]:
    """Plan to have n answers written to each prompt, at most as long as the sampling allows.

    Args:
        lm: Writes.
        prompts: Completion or chat prompts.
        format: As for `LanguageModel.generate`.
        n: Answers to each prompt.
        sampling: How to draw them.
    """

    def write() -> list[Written]:
        if not prompts:
            return []
        begun = time.perf_counter()
        drawn = lm.generate(prompts, format=format, n=n, sampling=sampling)
        seconds = (time.perf_counter() - begun) / len(prompts)
        return [Written(answers, writing_cost(lm, answers, seconds)) for answers in drawn]

    def each() -> list[Usage]:
        reads, written = _reads(lm, n), n * sampling.max_tokens
        return [
            Usage(reads, read * reads, written, money=lm.price.of(read * reads, written))
            for read in _lengths(lm, prompts).tolist()
        ]

    return BatchPlan(
        write,
        each=each,
        first=lambda count: plan_writing(
            lm, prompts[:count], format=format, n=n, sampling=sampling
        ),
        prompts=lambda: prompts,
    )


def writing_cost(lm: LanguageModel, answers: Sequence[Completion], seconds: float = 0.0) -> Usage:
    """What the answers to one prompt cost."""
    reads = _reads(lm, len(answers))
    read = sum(one.prompt_tokens for one in answers[:reads])
    written = sum(one.completion_tokens for one in answers)
    return Usage(reads, read, written, seconds=seconds, money=lm.price.of(read, written))


def plan_reading(lm: LanguageModel, texts: Sequence[str]) -> Plan[NDArray[np.float64]]:
    """Plan to read texts for their likelihood, shape (n,)."""
    return Plan(lambda: lm.log_likelihood(texts), highest=lambda: reading_cost(lm, texts))


def reading_cost(lm: LanguageModel, texts: Sequence[str]) -> Usage:
    """What reading texts for their likelihood costs at most: each with a begin token, and one token
    that a server writes after it.
    """
    count = len(texts)
    read = int(_lengths(lm, texts).sum()) + count
    return Usage(count, read, count, money=lm.price.of(read, count))


def score_costs(
    lm: LanguageModel,
    prompts: Sequence[Prompt],
    candidates: Sequence[str],
    *,
    first_token_only: bool = False,
    subsets: Sequence[Sequence[int]] | None = None,
) -> list[Usage]:
    """The most that scoring candidates costs for each prompt. Asks nobody."""
    if not prompts:
        return []
    if isinstance(lm, EachCost):
        return lm.score_costs(
            prompts, candidates, first_token_only=first_token_only, subsets=subsets
        )
    if subsets is None:
        return [
            lm.score_cost([one], candidates, first_token_only=first_token_only) for one in prompts
        ]
    scorer = subset_scoring(lm)
    pairs = zip(prompts, subsets, strict=True)
    return [scorer.subsets_cost([one], candidates, [part]) for one, part in pairs]


def score(
    lm: LanguageModel,
    prompts: Sequence[Prompt],
    candidates: Sequence[str],
    *,
    first_token_only: bool = False,
    subsets: Sequence[Sequence[int]] | None = None,
) -> LabelScores:
    """Score candidates after prompts; after each only those of its subset, where there are any."""
    if subsets is None:
        return lm.score(prompts, candidates, first_token_only=first_token_only)
    return subset_scoring(lm).score_subsets(prompts, candidates, subsets)


def subset_scoring(lm: LanguageModel) -> SubsetScoring:
    """The model as one that scores a part of the labels.

    Raises:
        UnsupportedError: It cannot.
    """
    if not isinstance(lm, SubsetScoring):
        raise UnsupportedError(
            "this language model cannot score a part of the labels", fix="switch the shortlist off"
        )
    return lm


def per_item(costs: Sequence[Usage], items: int) -> list[Usage]:
    """The cost of each item from that of each question, as many about each item, side by side."""
    if len(costs) == items:
        return list(costs)
    size = len(costs) // max(items, 1)
    return [total(costs[start : start + size]) for start in range(0, len(costs), size)]


def _reads(lm: LanguageModel, answers: int) -> int:
    """Times that a prompt is read: a hosted chat model is asked for each answer by itself."""
    return 1 if lm.exact else answers


def _lengths(lm: LanguageModel, prompts: Sequence[Prompt]) -> NDArray[np.int64]:
    return lm.count_tokens(prompts) if prompts else np.zeros(0, dtype=np.int64)
