"""Disagreement of the language model with itself, over answers or over prompts."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.divergences import entropy
from llmal.core.records import Item, Usage
from llmal.demonstrations.asking import distinct
from llmal.errors import ConfigError
from llmal.lm.protocol import LanguageModel, Sampling
from llmal.prompting.labelling import CUT
from llmal.prompting.scorer import PromptScorer
from llmal.selectors.language_model.grading import (
    CANDIDATES,
    ask,
    check_candidates,
    cost_of_asking,
    draw_candidates,
    flagged,
    longest_prompts,
    rephrased,
    say_cut,
    scaled,
    utilities_of,
)
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import Ranking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_log = logging.getLogger("llmal.selectors")

Measure = Literal["disagreement", "entropy", "variance", "ordinal", "kl"]


@dataclass(frozen=True)
class LLMDisagreement(Ranking):
    """The items that the language model gives different labels to.

    Without `prompts` this is Active-Prompt (Diao et al., 2023, section 2.1): `answers` labels are
    drawn to the zero-shot labelling prompt. A grammar holds an answer to the labels, so that the
    draws are not quite from the exact distribution over them: what two labels begin with in common
    is drawn first. The authors have free answers with reasoning, of which some cannot be read; an
    answer that a hosted model did not keep to the labels counts as one more label here as there.

    With `prompts` it is APE (Qian et al., 2024): each of several labelling prompts gives the exact
    distribution over the labels, its vote is the best label, and nothing is drawn.

    With f_y the share of the n answers or votes that are y, the utility is

    - "disagreement": number of different answers / n (Active-Prompt, u = h / n),
    - "entropy": -sum f_y ln f_y, in nats,
    - "variance": 1 - sum f_y², the variance of the answer as a one-hot vector. Active-Prompt has
      numbers for answers, and their variance; labels have no order, and this needs none,
    - "ordinal": the variance of the label's column, for tasks whose labels stand in their order,
      such as one to five stars,
    - "kl", with `prompts` only: mean KL of the prompts' distributions to their mean, in nats.
      It sees doubt that does not change the vote.

    Items that were not asked about get -1.

    Args:
        answers: n.
        temperature: Of the draws; that of a hosted chat model is its own.
        measure: The utility.
        prompts: Names or paths of two labelling prompts or more.
        candidates: Items that are asked about, drawn at random; None for all.

    Raises:
        ConfigError: An option is out of range, or "kl" is asked for without prompts.
    """

    name = "llm_disagreement"
    requires = frozenset[Signal]({"texts", "scorer"})

    answers: int = 10
    temperature: float = 0.7
    measure: Measure = "disagreement"
    prompts: tuple[str, ...] = ()
    candidates: int | None = CANDIDATES

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompts", tuple(self.prompts))
        check_candidates(self.candidates, self.name)
        if self.answers < 2:
            raise ConfigError(f"{self.name}: answers is {self.answers}", fix="at least 2")
        if not self.temperature > 0:
            raise ConfigError(
                f"{self.name}: temperature is {self.temperature}, at which all answers are alike",
                fix="above 0",
            )
        if self.measure not in get_args(Measure):
            raise ConfigError(
                f"{self.name}: there is no measure {self.measure!r}",
                fix=f"use {', '.join(get_args(Measure))}",
            )
        if len(self.prompts) == 1:
            raise ConfigError(
                f"{self.name}: one prompt cannot disagree with itself",
                fix="give two or more, or none to have answers drawn",
            )
        if self.measure == "kl" and not self.prompts:
            raise ConfigError(
                f"{self.name}: kl compares prompts, and none are given",
                fix="give prompts, or use another measure",
            )

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """How much answers or prompts disagree about each item."""
        rows = draw_candidates(state, self.candidates, self.name, rng)
        items = state.items(state.unlabelled[rows])
        scorer = state.scorer
        divergence = None
        if self.prompts:
            votes, divergence, usage = self._votes(scorer, items)
        else:
            votes, usage = self._answers(scorer, items, rng)
        labels = scorer.labels
        values = (
            divergence if divergence is not None else _measured(votes, self.measure, len(labels))
        )

        def why(place: int) -> str:
            said = _tally(votes[place], labels)
            if divergence is not None:
                said = f"mean KL {divergence[place]:.3f} nats between prompts: {said}"
            return flagged(said, items[place])

        return utilities_of(state, rows, values, why, usage, others=-1.0)

    def estimate(self, state: RoundState, k: int) -> Usage:
        """The most that it can cost, whatever k."""
        scorer = state.scorer
        if self.prompts:
            each = (rephrased(scorer.counted(), one) for one in self.prompts)
            return sum((cost_of_asking(one, state, self.candidates) for one in each), Usage())
        lm = scorer.lm
        prompts, times = longest_prompts(
            lm,
            lambda items: [one.prompt for one in scorer.build(items, [()] * len(items))],
            state,
            self.candidates,
        )
        reads = _reads(lm, self.answers)
        read = int(lm.count_tokens(prompts).sum()) * reads
        written = len(prompts) * self.answers * _room(scorer)
        usage = Usage(
            requests=len(prompts) * reads,
            prompt_tokens=read,
            completion_tokens=written,
            money=lm.price.of(read, written),
        )
        return scaled(usage, times)

    def _votes(
        self, scorer: PromptScorer, items: list[Item]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64] | None, Usage]:
        """Best label by each prompt, shape (n, prompts), and for "kl" the mean divergence."""
        usage = Usage()
        given = []
        for prompt in self.prompts:
            one = rephrased(scorer, prompt)
            given.append(ask(one, items, self.name))
            usage += one.spent
        p = np.stack(given)
        divergence = None
        if self.measure == "kl":
            # The mean KL to the mean is what the mean has of entropy above the members.
            divergence = np.maximum(entropy(p.mean(axis=0)) - entropy(p).mean(axis=0), 0.0)
        return p.argmax(axis=2).T.astype(np.int64), divergence, usage

    def _answers(
        self, scorer: PromptScorer, items: list[Item], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], Usage]:
        """Labels drawn for each item, shape (n, answers); C for what is no label."""
        lm, told = scorer.lm, scorer.prompts
        built = scorer.build(items, [()] * len(items))
        say_cut(self.name, sum(CUT in one.flags for one in built), len(built))
        first, of = distinct(json.dumps(one.prompt) for one in built)
        column = {
            word.strip(): label
            for word, label in zip(told.candidates, told.word_columns, strict=True)
        }
        begun = time.perf_counter()
        drawn = lm.generate(
            [built[i].prompt for i in first],
            format=Literal[tuple(told.candidates)],
            n=self.answers,
            sampling=Sampling(
                temperature=self.temperature,
                max_tokens=_room(scorer),
                seed=int(rng.integers(2**31 - 1)),
            ),
        )
        seconds = time.perf_counter() - begun
        none = len(scorer.labels)
        votes = np.array(
            [[column.get(one.text.strip(), none) for one in ones] for ones in drawn], dtype=np.int64
        ).reshape(len(first), self.answers)
        unread = int((votes == none).sum())
        if unread:
            _log.warning(
                "%s: %d of %d answers were none of the labels; they count as one more label",
                self.name,
                unread,
                votes.size,
            )
        reads = _reads(lm, self.answers)
        read = sum(one.prompt_tokens for ones in drawn for one in ones[:reads])
        written = sum(one.completion_tokens for ones in drawn for one in ones)
        usage = Usage(
            requests=len(first) * reads,
            prompt_tokens=read,
            completion_tokens=written,
            money=lm.price.of(read, written),
        )
        return votes[of], replace(usage, seconds=seconds)


def _reads(lm: LanguageModel, answers: int) -> int:
    """Times that a prompt is read: a hosted chat model is asked for each answer by itself."""
    return 1 if lm.exact else answers


def _room(scorer: PromptScorer) -> int:
    """Tokens that a label takes at most: a draw may spell it byte by byte."""
    return max(len(candidate.encode()) for candidate in scorer.prompts.candidates) + 1


def _measured(votes: NDArray[np.int64], measure: Measure, labels: int) -> NDArray[np.float64]:
    """The measure of each row of votes, shape (n, T), where `labels` stands for none of them."""
    shares = np.stack([(votes == c).mean(axis=1) for c in range(labels + 1)], axis=1)
    match measure:
        case "entropy":
            return entropy(shares)
        case "variance":
            return np.asarray(1 - (shares**2).sum(axis=1))
        case "ordinal":
            read = shares[:, :labels] / np.maximum(1 - shares[:, labels:], 1 / votes.shape[1])
            columns = np.arange(labels)
            return np.asarray(read @ columns**2 - (read @ columns) ** 2)
        case _:
            return np.asarray((shares > 0).sum(axis=1) / votes.shape[1])


def _tally(votes: NDArray[np.int64], labels: tuple[str, ...]) -> str:
    columns, counts = np.unique(votes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    names = [*labels, "no label"]
    said = ", ".join(f"{names[columns[i]]} {counts[i]}" for i in order.tolist())
    if len(columns) == 1:
        return f"all {len(votes)} answers alike: {said}"
    return f"{len(columns)} different answers of {len(votes)}: {said}"
