"""Items of a pool picked outside a run: what `llmal.select` and the command line have in common."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import drawn_texts
from llmal.calibration.default import AUTO, Calibrate
from llmal.core.plans import dearest
from llmal.core.records import Answer, Usage
from llmal.embed import Embedder
from llmal.errors import SelectionError
from llmal.functions.spending import check_reach
from llmal.functions.tasks import names_of
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.pool import Pool
from llmal.prompting.templates import PromptTemplate
from llmal.run.budget import Budget
from llmal.run.round_signals import RoundSignals
from llmal.run.selector_questions import SelectorQuestions
from llmal.run.training import Progress, Trainer
from llmal.selectors import SIGNALS, RoundState, Selection, Selector
from llmal.selectors.checks import check_count
from llmal.selectors.wrappers.wrapper import check_spaces, needed
from llmal.task import Task

COMMITTEE = 10
"""Members of a committee."""

OpenModel = Callable[[], contextlib.AbstractContextManager[LanguageModel]]
"""Gives the language model when it is first needed; it is closed when the picks are there."""


@dataclass(frozen=True)
class Known:
    """The labels so far.

    Attributes:
        positions: Shape (n,): the labelled items, as positions in the pool.
        labels: The label of each.
        name: Where they are from, for messages.
    """

    positions: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    labels: Sequence[Answer] = ()
    name: str | None = None

    def columns(self, task: Task) -> NDArray[np.int64]:
        """The labels as targets of the task's space: shape (n,), the column of each; shape (n, C),
        where an item takes several.

        Raises:
            DataError: One is no label of the task.
        """
        return task.space.targets(self.labels)

    def task(self) -> Task:
        """A task of the labels that were seen, sorted."""
        seen = sorted({name for one in self.labels for name in names_of(one)})
        # A task has two labels or more. Where fewer are known, nothing is learnt from them.
        return Task("labels", [*seen, *(f"unseen {n}" for n in range(len(seen), 2))])


@dataclass(frozen=True)
class Hints:
    """How the caller gives what a strategy lacks, for messages."""

    labels: str = "give labelled="
    costs: str = "options={'price_per_word': 0.01}"
    task: str = "give labels= and lm="
    model: str = "give lm="


@dataclass
class Asking:
    """The language model of a selection, if there is one, started when it is first needed.

    Attributes:
        open: Gives the model.
        task: What it is asked about.
        template: The prompt.
        style: The form of the prompt.
        normalise: How labels of several tokens are compared.
        calibrate: What makes probabilities of its scores.
        asked: Whether it was needed.
    """

    open: OpenModel
    task: Task
    template: PromptTemplate
    style: str = "auto"
    normalise: Normalise = "sum"
    calibrate: Calibrate = AUTO
    asked: bool = False

    def questions(
        self, pool: Pool, embedder: Embedder, seed: int, stack: contextlib.ExitStack
    ) -> SelectorQuestions:
        """What selectors ask with; the model is closed with the stack."""

        def annotator() -> LLMAnnotator:
            lm = stack.enter_context(self.open())
            self.asked = True
            return LLMAnnotator(
                self.task,
                lm,
                prompt=self.template,
                style=self.style,
                normalise=self.normalise,
                calibrate=self.calibrate,
                embedder=embedder,
            )

        return SelectorQuestions(annotator, lambda: drawn_texts(pool, seed), seed)


@dataclass
class Picking:
    """Items of a pool to be picked by a selector.

    Attributes:
        pool: The items.
        selector: Picks.
        k: How many.
        name: Of the selector, for messages.
        task: The task; without it the labels that were seen.
        known: The labels so far.
        embedder: For signals that need one.
        columns: The labels so far as columns of the task, where the caller has them.
        asking: The language model, if there is one.
        seed: Of all that is drawn.
        budget: Nobody is asked if that could cost more.
        hints: What to say where something is missing.
        on_progress: Told of long steps.
    """

    pool: Pool
    selector: Selector
    k: int
    name: str
    task: Task | None
    known: Known
    embedder: Embedder
    columns: NDArray[np.int64] | None = None
    asking: Asking | None = None
    seed: int = 0
    budget: Budget | None = None
    hints: Hints = Hints()
    on_progress: Progress | None = None

    def most(self) -> Usage:
        """The most that picking can cost. Asks nobody.

        Raises:
            SelectionError: There are not as many items, or the selector lacks something.
            DataError: A known label is none of the task's.
        """
        with self._signals() as signals:
            _check_signals(self, self._state(signals))
            return self._cost(signals)

    def pick(self) -> tuple[Selection, Usage]:
        """The picks, and what was asked of a language model for them.

        Raises:
            SelectionError: There are not as many items, or the selector lacks something.
            DataError: A known label is none of the task's.
            BudgetError: It could cost more than the budget allows.
        """
        with self._signals() as signals:
            if self._learnt and _learns(self.selector):
                signals.trainer.fit(self.known.positions, self._codes)
            state = self._state(signals)
            _check_signals(self, state)
            if self.budget is not None:
                check_reach(self.budget, self._cost(signals), self.name)
            questions = signals.questions
            setup = Usage()
            if questions is not None and _asks(self.selector, state):
                finding = questions.annotator.plan_setup()
                setup = finding.highest
                finding.execute()
            rng = np.random.default_rng(self.seed)
            picks = signals.plan(self.selector, state, self.k, rng).execute()
            usage = setup + picks.usage
            calibrated = [] if questions is None else questions.take_calibrations()
            return picks, sum((one.usage for one in calibrated), usage)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[RoundSignals]:
        from llmal.learners import LinearHead

        check_spaces(self._about, self.selector)
        check_count(self.k, len(self.pool) - len(self.known.positions))
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="llmal-select-"))
            trainer = Trainer(
                self._about,
                self.pool,
                LinearHead(random_state=self.seed),
                embedder=self.embedder,
                test=None,
                matrix_file=Path(folder) / "embeddings.npy",
                seed=self.seed,
                on_progress=self.on_progress,
            )
            questions = None
            if self.asking is not None:
                questions = self.asking.questions(self.pool, self.embedder, self.seed, stack)
            yield RoundSignals(
                self.pool,
                trainer,
                embeddings=True,
                questions=questions,
                price=0.0,
                members=COMMITTEE,
                on_progress=self.on_progress or (lambda what, done, total: None),
            )

    @property
    def _about(self) -> Task:
        return self.task or self.known.task()

    @property
    def _codes(self) -> NDArray[np.int64]:
        return self.known.columns(self._about) if self.columns is None else self.columns

    @property
    def _learnt(self) -> bool:
        return len(set(self.known.labels)) > 1

    def _state(self, signals: RoundSignals) -> RoundState:
        positions = self.known.positions
        repeated = _repeated(self.pool, positions, self.k)
        return signals.state(positions, self._codes, repeated, learnt=self._learnt)

    def _cost(self, signals: RoundSignals) -> Usage:
        """The most that it costs; the form of the prompt may not be known yet."""
        if signals.questions is None or not _asks(self.selector, self._state(signals)):
            return Usage()
        forms = []
        for form in signals.forecasting():
            state = self._state(form)
            forms.append(form.plan(self.selector, state, self.k, None).highest)
        return signals.questions.annotator.plan_setup().highest + dearest(forms)


def _repeated(pool: Pool, labelled: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Items that are not worth a pick: their text is labelled already, or stands at an earlier
    item. None, where only with them there are k to pick.
    """
    rows, firsts = pool.copies
    first = np.arange(len(pool))
    first[rows] = firsts
    repeated = np.isin(first, first[labelled])
    repeated[rows] = True
    repeated[labelled] = False
    fresh = len(pool) - len(labelled) - int(repeated.sum())
    return np.flatnonzero(repeated) if fresh >= k else np.zeros(0, dtype=np.int64)


def _learns(selector: Selector) -> bool:
    return any(SIGNALS[one].learnt and one != "labels" for one in selector.requires)


def _asks(selector: Selector, state: RoundState) -> bool:
    return any(SIGNALS[one].asks for one in needed(selector, state))


def _check_signals(picking: Picking, state: RoundState) -> None:
    """See that a selector has what it needs, before anything is computed for it.

    Raises:
        SelectionError: Something is missing; the message says how to give it.
    """
    name, known, hints = picking.name, picking.known, picking.hints
    missing = needed(picking.selector, state) - state.signals
    if "costs" in missing:
        raise SelectionError(
            f"{name} weighs what labels cost, and nothing is known of that here",
            fix=f"tell the cost from the text: {hints.costs}",
        )
    if any(SIGNALS[one].learnt for one in missing):
        if not len(known.positions):
            raise SelectionError(f"{name} learns from labels", fix=hints.labels)
        raise SelectionError(
            f"{name} learns from labels, and all {len(known.positions):,} are {known.labels[0]!r}",
            where=known.name,
            fix=f"{hints.labels} with two labels or more, or use random, kmeans or typiclust",
        )
    if any(SIGNALS[one].asks for one in missing):
        raise SelectionError(
            f"{name} asks a language model",
            fix=hints.task if picking.task is None else hints.model,
        )
