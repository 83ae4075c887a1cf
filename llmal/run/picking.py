"""Which items a round asks about: what its selector may know, what it may cost, what it picks."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import dearest
from llmal.core.records import Usage, total
from llmal.core.words import counted
from llmal.errors import ConfigError
from llmal.ledger import Decided, Ledger
from llmal.run.events import Announcer
from llmal.run.items import Positions, RunItems
from llmal.run.learning import Learning
from llmal.run.phases import DrawnFrom, NextRound, Phase
from llmal.run.preparing import book_preparation
from llmal.run.purposes import SEEN, seen_annotations, set_aside
from llmal.run.purse import Purse
from llmal.run.round_signals import RoundSignals
from llmal.selectors.protocol import Selector
from llmal.selectors.signals import SIGNALS
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import called, check_spaces, needed
from llmal.task import Task

log = logging.getLogger("llmal.run")

_AT_ONCE = 4096
_DRAWN = 0xA0D1
"""Keeps a sample apart from what else is drawn by the seed."""
_NONE = np.zeros(0, dtype=np.int64)

ProbabilitiesOf = Callable[[Positions], NDArray[np.float32]]


@dataclass(frozen=True)
class Picks:
    """What a round asks about.

    Attributes:
        selector: What picked them, in a word.
        item_ids: The items, best first; empty where the round goes over the whole pool.
        scores: The selector's score of each.
        why: The selector's reason for each.
    """

    selector: str
    item_ids: list[str]
    scores: list[float]
    why: list[str]


WHOLE_POOL = Picks("all", [], [], [])


def asks_language_model(selector: Selector) -> bool:
    """Whether a selector has signals that ask the language model."""
    return any(SIGNALS[name].asks for name in selector.requires)


class Picker:
    """Has selectors pick, from what the ledger holds before the round.

    Args:
        task: The task.
        items: The items of the campaign.
        signals: What selectors may know.
        learning: The learner that some of it comes from.
        announcer: Told what is going on.
        last_stage: Whose abstentions are final.
        phases: Of the campaign; what some of them ask about is kept apart.
        seed: Same seed, same picks.
    """

    def __init__(
        self,
        task: Task,
        items: RunItems,
        signals: RoundSignals,
        learning: Learning,
        *,
        announcer: Announcer,
        last_stage: str,
        phases: Sequence[Phase],
        seed: int,
    ) -> None:
        self._phases = phases
        self._task = task
        self._items = items
        self._pool = items.pool
        self._signals = signals
        self._learning = learning
        self._announcer = announcer
        self._last_stage = last_stage
        self._seed = seed
        self._swept: NDArray[np.float32] | None = None
        self.unanswered: Positions = _NONE
        """Items that none of the people has an answer for."""

    def check(self, start: Selector, *later: Selector) -> None:
        """See that there is what the selectors need.

        Args:
            start: What picks first, when there are no labels.
            later: What picks after it.

        Raises:
            ConfigError: There is not; the message names the selector and what it lacks.
        """
        check_spaces(self._task, start, *later)
        for one in (start, *later):
            for missing in sorted(one.requires - self._signals.available):
                raise ConfigError(
                    f"the selector {called(one)} needs {missing}, which this run does not have",
                    fix=SIGNALS[missing].remedy,
                )
        nothing = self._before_labels(self._signals)
        lacking = needed(start, nothing) - nothing.signals
        if lacking:
            raise ConfigError(
                f"the start selector {called(start)} needs {' and '.join(sorted(lacking))}, "
                "and before the first round there are none",
                fix="use random, kmeans or typiclust",
            )

    def _before_labels(self, signals: RoundSignals) -> RoundState:
        return signals.state(_NONE, _NONE, self._items.not_to_pick({}), learnt=False)

    def highest_costs(
        self, start: tuple[Selector, int], *later: tuple[Selector, int]
    ) -> tuple[Usage, Usage, Usage]:
        """The most that selectors can ask of the language model: at the start, in the round after
        it, and in each later one. What was asked in one round costs nothing in the next.

        Args:
            start: What picks the first round, and how many items.
            later: What may pick the other rounds, and how many items in each.
        """
        if not any(asks_language_model(one) for one, _ in (start, *later)):
            return Usage(), Usage(), Usage()

        def costs(signals: RoundSignals) -> tuple[Usage, Usage, Usage]:
            def highest(selector: Selector, size: int) -> Usage:
                state = self._before_labels(signals)
                count = min(size, len(state.unlabelled))
                return signals.plan(selector, state, count, None).highest

            first = highest(*start)
            second = total([highest(*one) for one in later])
            return first, second, total([highest(*one) for one in later])

        # One for each form that the prompt may have.
        forms = [costs(signals) for signals in self._signals.forecasting()]
        first, second, rest = (dearest(one) for one in zip(*forms, strict=True))
        return first, second, rest

    def forget_sweep(self) -> None:
        """Read the probabilities of the sweep anew when they are next wanted."""
        self._swept = None

    def pick(self, ledger: Ledger, purse: Purse, number: int, wanted: NextRound) -> Picks | None:
        """Pick the items of a round.

        Returns:
            None if there is nothing left to pick.

        Raises:
            SpentOut: The budget does not allow the selector to ask what it wants to ask.
        """
        if wanted.items:
            items = [*wanted.items]
            whys = [*wanted.items.values()]
            return Picks(wanted.picked_by, items, [0.0] * len(items), whys)
        if wanted.drawn_from is not None:
            return self._draw(ledger, number, wanted.size, wanted.drawn_from)
        if wanted.selector is None:
            return WHOLE_POOL
        labels = self._learning.catch_up(ledger, number - 1)
        state = self._state(ledger, labels, swept=wanted.swept)
        selector = wanted.selector
        if wanted.otherwise is not None and needed(selector, state) - state.signals:
            log.warning(
                "round %d: fewer than two labels have been seen, so the learner has no use yet; "
                "%s picks in place of %s",
                number,
                called(wanted.otherwise),
                called(selector),
            )
            selector = wanted.otherwise
        size = min(wanted.size, len(state.unlabelled))
        if size == 0:
            return None
        self._announcer.tell(
            "step", f"round {number}: {called(selector)} picks {counted(size, 'item')}"
        )
        key = f"select-{number}"
        self._signals.begin()
        rng = np.random.default_rng([self._seed, number])
        plan = self._signals.plan(selector, state, size, rng)
        if not purse.admits(plan, key=key):
            purse.check()
        picked = plan.execute()
        purse.book("selection", picked.usage, key)
        questions = self._signals.questions
        if questions is not None:
            questions.paid.keep()
            for prepared in questions.take_calibrations():
                book_preparation(purse, questions.annotator.name, prepared)
        return Picks(
            selector=called(selector),
            item_ids=self._pool.ids(picked.indices),
            scores=[float(score) for score in picked.scores],
            why=list(picked.why),
        )

    def not_to_ask(self, ledger: Ledger) -> list[str]:
        """Items that are asked about in no further round: they are copies or in the test set,
        nobody can answer them, or they are kept apart for an audit.
        """
        positions = np.union1d(self.unanswered, self._items.not_to_pick(ledger.labels()))
        return [*self._pool.ids(positions.astype(np.int64)), *self._set_aside(ledger)]

    def _draw(self, ledger: Ledger, number: int, size: int, drawn_from: DrawnFrom) -> Picks | None:
        """Draw items uniformly and without replacement: by the seed, and nothing that is known."""
        labels = self._items.with_copies(ledger.labels())
        by_people = {i for i, one in labels.items() if one.kind == "human"}
        out = by_people | self._set_aside(ledger) | set(self._pool.ids(self.unanswered))
        candidates = [i for i in self._items.usable.ids() if i not in out]
        if drawn_from == "machines":
            candidates = [i for i in candidates if i in labels]
        if not candidates:
            return None
        rng = np.random.default_rng([self._seed, number, _DRAWN])
        drawn = rng.choice(len(candidates), min(size, len(candidates)), replace=False)
        ids = [candidates[row] for row in drawn.tolist()]
        return Picks("uniform", ids, [0.0] * len(ids), ["drawn uniformly"] * len(ids))

    def _set_aside(self, ledger: Ledger) -> set[str]:
        names = {name for one in self._phases if one.purpose not in SEEN for name in one.names}
        return set_aside(ledger, names)

    def _state(self, ledger: Ledger, labels: Mapping[str, Decided], *, swept: bool) -> RoundState:
        positions, columns = self._learning.columns_of(labels)
        passed_over = ledger.abstained(self._last_stage) | self._set_aside(ledger)
        undecided = self._pool.positions(self._pool.held(sorted(passed_over - labels.keys())))
        undecided = np.setdiff1d(np.union1d(undecided, self.unanswered), positions)
        return self._signals.state(
            positions,
            columns,
            np.union1d(undecided, self._items.not_to_pick(labels)),
            learnt=self._learning.is_useful,
            probabilities=self._probabilities_of_sweep(ledger) if swept else None,
        )

    def _probabilities_of_sweep(self, ledger: Ledger) -> ProbabilitiesOf:
        """The probabilities of the annotator that was not sure of an item; equal ones without."""

        def read(positions: Positions) -> NDArray[np.float32]:
            if self._swept is None:
                # Once in a review: in its rounds only people answer.
                unknown = self._task.space.distribution(()).astype(np.float32)
                self._swept = np.tile(unknown, (len(self._pool), 1))
                answers = (one for one in seen_annotations(ledger) if one.probabilities is not None)
                while part := list(itertools.islice(answers, _AT_ONCE)):
                    rows = self._pool.positions([one.item_id for one in part])
                    self._swept[rows] = [
                        [(one.probabilities or {})[name] for name in self._task.names]
                        for one in part
                    ]
            return np.asarray(self._swept[positions])

        return read
