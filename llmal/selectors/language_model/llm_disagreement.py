"""Disagreement of the language model with itself, over answers or over prompts."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.divergences import entropy
from llmal.core.plans import BatchPlan, Plan
from llmal.core.records import Item, Usage, total
from llmal.demonstrations.asking import distinct
from llmal.errors import ConfigError
from llmal.lm.protocol import Prompt, Sampling
from llmal.lm.requests import Written, plan_writing
from llmal.prompting.labelling import CUT, LabellingPrompt
from llmal.prompting.scorer import PromptScorer
from llmal.selectors.highest import longest_items, plan_seen, scaled
from llmal.selectors.language_model.grading import (
    CANDIDATES,
    check_candidates,
    draw_candidates,
    flagged,
    plan_probabilities,
    rephrased,
    say_cut,
    utilities_of,
)
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import AskingRanking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_log = logging.getLogger("llmal.selectors")

Measure = Literal["disagreement", "entropy", "variance", "ordinal", "kl"]


@dataclass(frozen=True)
class LLMDisagreement(AskingRanking):
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

    def plan_utilities(self, state: RoundState, rng: np.random.Generator | None) -> Plan[Utilities]:
        """Plan to ask with every prompt, or to have answers drawn."""
        if self.prompts:
            return self._plan_votes(state, rng)
        return self._plan_answers(state, rng)

    def _utilities(
        self,
        state: RoundState,
        rows: NDArray[np.int64],
        votes: NDArray[np.int64],
        usage: Usage,
        divergence: NDArray[np.float64] | None = None,
    ) -> Utilities:
        items, labels = state.items(state.unlabelled[rows]), state.scorer.labels
        values = (
            divergence if divergence is not None else _measured(votes, self.measure, len(labels))
        )

        def why(place: int) -> str:
            said = _tally(votes[place], labels)
            if divergence is not None:
                said = f"mean KL {divergence[place]:.3f} nats between prompts: {said}"
            return flagged(said, items[place])

        return utilities_of(state, rows, values, why, usage, others=-1.0)

    def _plan_votes(self, state: RoundState, rng: np.random.Generator | None) -> Plan[Utilities]:
        """Best label by each prompt, shape (n, prompts), and for "kl" the mean divergence."""
        rows = None if rng is None else draw_candidates(state, self.candidates, self.name, rng)
        part = state if rows is None else state.among(rows)
        count = self.candidates if rows is None else None
        scorers = [rephrased(state.scorer, one) for one in self.prompts]
        plans = [plan_probabilities(one, part, count, self.name, rng)[1] for one in scorers]

        def vote() -> Utilities:
            assert rows is not None
            p = np.stack([one.execute() for one in plans])
            divergence = None
            if self.measure == "kl":
                # The mean KL to the mean is what the mean has of entropy above the members.
                divergence = np.maximum(entropy(p.mean(axis=0)) - entropy(p).mean(axis=0), 0.0)
            votes = p.argmax(axis=2).T.astype(np.int64)
            usage = total(one.spent for one in scorers)
            return self._utilities(state, rows, votes, usage, divergence)

        return Plan(vote, highest=lambda: total(one.highest for one in plans))

    def _plan_answers(self, state: RoundState, rng: np.random.Generator | None) -> Plan[Utilities]:
        """Labels drawn for each item, shape (n, answers); C for what is no label."""
        scorer = state.scorer
        told = scorer.prompts

        def build(some: Sequence[Item]) -> list[LabellingPrompt]:
            return list(scorer.build(some, [()] * len(some)))

        def plan(prompts: Sequence[Prompt], seed: int = 0) -> BatchPlan[list[Written]]:
            return plan_writing(
                scorer.lm,
                prompts,
                format=Literal[tuple(told.candidates)],
                n=self.answers,
                sampling=Sampling(
                    temperature=self.temperature, max_tokens=_room(scorer), seed=seed
                ),
            )

        if rng is None:

            def highest() -> Usage:
                longest, times = longest_items(
                    scorer.lm, lambda some: [one.prompt for one in build(some)], state,
                    self.candidates,
                )  # fmt: skip
                return scaled(plan([one.prompt for one in build(longest)]).highest, times)

            return plan_seen(highest)
        rows = draw_candidates(state, self.candidates, self.name, rng)
        built = build(state.items(state.unlabelled[rows]))
        first, of = distinct(json.dumps(one.prompt) for one in built)
        writing = plan([built[i].prompt for i in first], int(rng.integers(2**31 - 1)))

        def read(written: list[Written]) -> Utilities:
            say_cut(self.name, sum(CUT in one.flags for one in built), len(built))
            column = {
                word.strip(): label
                for word, label in zip(told.candidates, told.word_columns, strict=True)
            }
            none = len(scorer.labels)
            votes = np.array(
                [[column.get(own.text.strip(), none) for own in one.answers] for one in written],
                dtype=np.int64,
            ).reshape(len(first), self.answers)
            unread = int((votes == none).sum())
            if unread:
                _log.warning(
                    "%s: %d of %d answers were none of the labels; they count as one more label",
                    self.name,
                    unread,
                    votes.size,
                )
            return self._utilities(state, rows, votes[of], total(one.usage for one in written))

        return writing.map(read)


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
