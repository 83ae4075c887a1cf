"""What the selectors of a run may know: signals from its learner, its models and its pool."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import Plan
from llmal.core.records import Usage, total
from llmal.learners.protocol import CommitteeLearner
from llmal.pool import Pool
from llmal.prompting.scorer import PromptScorer
from llmal.run.selector_questions import SelectorQuestions
from llmal.run.training import Trainer
from llmal.selectors.protocol import Selection, Selector, plan_selection
from llmal.selectors.signals import SIGNALS, Signal, with_made
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import NarrowingSelector, needed

_AT_ONCE = 4096


class RoundSignals:
    """Makes the state of each round, its signals computed when a selector asks for them.

    Args:
        pool: The pool.
        trainer: The learner of the run.
        embeddings: Whether there is an embedder.
        questions: What the language model is asked with, if there is one.
        price: What people take for a label of one item.
        members: Members of the committee.
        on_progress: Told of long steps.
    """

    def __init__(
        self,
        pool: Pool,
        trainer: Trainer,
        *,
        embeddings: bool,
        questions: SelectorQuestions | None,
        price: float,
        members: int,
        on_progress: Callable[[str, int, int], None],
    ) -> None:
        self._pool = pool
        self.trainer = trainer
        self._embeddings = embeddings
        self.questions = questions
        self._made_scorer: PromptScorer | None = None
        self._price = price
        self._members = members
        self._said = on_progress
        self._asked = Usage()
        self._forecasts = False

    @property
    def available(self) -> frozenset[Signal]:
        """The signals that rounds can have once there are labels."""
        return with_made({"labels", "texts", *self._suppliers()})

    def _suppliers(self) -> dict[Signal, Any]:
        """What this run has to supply each signal that it can supply."""
        trainer = self.trainer
        found: dict[Signal, Any] = {
            "probabilities": trainer.probabilities,
            "labelled_probabilities": trainer.probabilities,
            "predict_items": trainer.predict_items,
        }
        if self._embeddings:
            found["embeddings"] = trainer.embeddings
        if trainer.has_features:
            found["features"] = trainer.features
        if trainer.learner.input == "embeddings":
            found["predict"] = trainer.predict
        if isinstance(trainer.learner, CommitteeLearner):
            found["committee"] = lambda rows: trainer.committee(rows, self._members)
        if self.questions is not None:
            found |= {
                "scorer": self._scorer,
                "lm_scores": self._lm_scores,
                "likelihoods": self._likelihoods,
            }
        if self._price > 0:
            found["costs"] = lambda rows: np.full(len(rows), self._price)
        return found

    def forecasting(self) -> list[RoundSignals]:
        """The same for a forecast, for each form that the prompt of the language model may have:
        what one plan asks costs nothing in the next.
        """
        made = []
        for scorer in [None] if self.questions is None else self.questions.forecasting():
            signals = copy.copy(self)
            signals._made_scorer, signals._forecasts = scorer, True
            made.append(signals)
        return made

    def state(
        self,
        labelled: NDArray[np.int64],
        labels: NDArray[np.int64],
        exclude: NDArray[np.int64],
        *,
        learnt: bool,
        probabilities: Callable[[NDArray[np.int64]], NDArray[np.float32]] | None = None,
    ) -> RoundState:
        """The state of a round.

        Args:
            labelled: Shape (L,): positions of the labelled items.
            labels: Shape (L,): their columns.
            exclude: Positions set aside.
            learnt: Whether the learner has been trained on two labels or more. Without, the round
                has none of its signals.
            probabilities: In the place of the learner's.
        """
        suppliers = self._suppliers()
        if not learnt:
            # The learner's own features are learnt too; without, they are the embeddings.
            learnt_ones = {name for name in suppliers if SIGNALS[name].learnt} | {"features"}
            suppliers = {k: v for k, v in suppliers.items() if k not in learnt_ones}
        if probabilities is not None:
            suppliers["probabilities"] = probabilities
        return RoundState.from_pool(
            self._pool,
            labelled=labelled,
            labels=labels,
            exclude=exclude,
            space=self.trainer.task.space,
            forecasts=self._forecasts,
            **suppliers,
        )

    def plan(
        self, selector: Selector, state: RoundState, k: int, rng: np.random.Generator | None
    ) -> Plan[Selection]:
        """Plan to let a selector pick: what it asks and what its signals ask, calibration included,
        as far as that is not paid for. What it did cost is in the result. Asks nobody.
        """
        own = plan_selection(selector, state, k, rng)

        def pick() -> Selection:
            self._asked = Usage()
            picks = own.execute()
            return replace(picks, usage=picks.usage + self._asked)

        return Plan(pick, highest=lambda: own.highest + self._signals_cost(selector, state, k))

    def _signals_cost(self, selector: Selector, state: RoundState, k: int) -> Usage:
        if isinstance(selector, NarrowingSelector):
            state = selector.costliest_part(state, k)
        asked = {name for name in needed(selector, state) if SIGNALS[name].asks}
        most = Usage()
        for items in self._in_parts(state.unlabelled) if asked else ():
            if "lm_scores" in asked:
                most += state.scorer.plan(items).highest
            if "likelihoods" in asked:
                most += state.scorer.plan_reading([one.text for one in items]).highest
        return most

    def begin(self) -> None:
        """Forget what was asked and not booked: a selection begins."""
        if self.questions is not None:
            self.questions.paid.drop()

    def _scorer(self) -> PromptScorer:
        if self._made_scorer is None:
            assert self.questions is not None
            self._made_scorer = self.questions.scorer()
        return self._made_scorer

    def _in_parts(self, positions: NDArray[np.int64]) -> Any:
        for start in range(0, len(positions), _AT_ONCE):
            yield self._pool.items(positions[start : start + _AT_ONCE])

    def _lm_scores(self, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        scorer = self._scorer()
        parts = [np.zeros((0, len(scorer.labels)))]
        for items in self._in_parts(positions):
            scored = scorer.score(items)
            self._asked += total(scored.usage)
            parts.append(scored.scores)
            self._said("asking the language model", sum(map(len, parts)), len(positions))
        return np.concatenate(parts)

    def _likelihoods(self, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        scorer = self._scorer()
        parts = [np.zeros(0)]
        for items in self._in_parts(positions):
            values, usage = scorer.plan_reading([one.text for one in items]).execute()
            self._asked += usage
            parts.append(values)
            self._said("reading texts", sum(map(len, parts)), len(positions))
        return np.concatenate(parts)
