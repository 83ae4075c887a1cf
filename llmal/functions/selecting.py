"""Items of a pool picked outside a run: what `llmal.select` and the command line have in common."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Usage
from llmal.embed import Embedder
from llmal.errors import SelectionError
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.pool import Pool
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.style import labelling_prompts, style_cost
from llmal.prompting.templates import PromptTemplate
from llmal.run.round_signals import RoundSignals
from llmal.run.training import Progress, Trainer
from llmal.selectors import KINDS, RoundState, Selection, Selector
from llmal.selectors.checks import check_count
from llmal.selectors.wrapper import needed
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
    labels: Sequence[str] = ()
    name: str | None = None

    def columns(self, task: Task) -> NDArray[np.int64]:
        """Shape (n,): the column of each label.

        Raises:
            DataError: One is no label of the task.
        """
        return np.array([task.index(label) for label in self.labels], dtype=np.int64)

    def task(self) -> Task:
        """A task of the labels that were seen, sorted."""
        seen = sorted(set(self.labels))
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
        asked: Whether it was needed.
        setup: What it took to find the form of the prompt.
    """

    open: OpenModel
    task: Task
    template: PromptTemplate
    style: str = "auto"
    normalise: Normalise = "sum"
    asked: bool = False
    setup: Usage = field(default_factory=Usage)

    def scorer(self, stack: contextlib.ExitStack) -> PromptScorer:
        """Scores items against the labels of the task; the model is closed with the stack."""
        lm = stack.enter_context(self.open())
        self.asked = True
        if self.style == "auto":
            self.setup = style_cost(self.task, self.template, lm)
        prompts = labelling_prompts(self.task, self.template, lm, self.style)
        return PromptScorer(prompts, self.normalise)


def pick(
    pool: Pool,
    selector: Selector,
    k: int,
    *,
    name: str,
    task: Task | None,
    known: Known,
    columns: NDArray[np.int64] | None = None,
    embedder: Embedder,
    asking: Asking | None = None,
    seed: int = 0,
    hints: Hints = Hints(),
    on_progress: Progress | None = None,
) -> tuple[Selection, Usage]:
    """The picks of a selector, and what it asked of a language model.

    Args:
        pool: The items.
        selector: Picks.
        k: How many.
        name: Of the selector, for messages.
        task: The task; without it the labels that were seen.
        known: The labels so far.
        columns: The same as columns of the task, where the caller has them.
        embedder: For signals that need one.
        asking: The language model, if there is one.
        seed: Of all that is drawn.
        hints: What to say where something is missing.
        on_progress: Told of long steps.

    Raises:
        SelectionError: There are not as many items, or the selector lacks something.
        DataError: A known label is none of the task's.
    """
    from llmal.learners import LinearHead

    check_count(k, len(pool) - len(known.positions))
    about = task or known.task()
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="llmal-select-"))
        trainer = Trainer(
            about,
            pool,
            LinearHead(random_state=seed),
            embedder=embedder,
            test=None,
            matrix_file=Path(scratch) / "embeddings.npy",
            seed=seed,
            on_progress=on_progress,
        )
        signals = RoundSignals(
            pool,
            trainer,
            embeddings=True,
            scorer=None if asking is None else lambda: asking.scorer(stack),
            price=0.0,
            members=COMMITTEE,
            on_progress=on_progress or (lambda what, done, total: None),
        )
        codes = known.columns(about) if columns is None else columns
        learnt = len(set(known.labels)) > 1
        if learnt and _learns(selector):
            trainer.fit(known.positions, codes)
        state = signals.state(
            known.positions, codes, _repeated(pool, known.positions, k), learnt=learnt
        )
        _check_signals(name, selector, state, known, task, hints)
        picks = selector.select(state, k, np.random.default_rng(seed))
        usage = picks.usage + signals.take_usage()
        return picks, usage if asking is None else usage + asking.setup


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
    return any(KINDS[one].learnt and one != "labels" for one in selector.requires)


def _check_signals(
    name: str,
    selector: Selector,
    state: RoundState,
    known: Known,
    task: Task | None,
    hints: Hints,
) -> None:
    """See that a selector has what it needs, before anything is computed for it.

    Raises:
        SelectionError: Something is missing; the message says how to give it.
    """
    missing = needed(selector, state) - state.signals
    if "costs" in missing:
        raise SelectionError(
            f"{name} weighs what labels cost, and nothing is known of that here",
            fix=f"tell the cost from the text: {hints.costs}",
        )
    if any(KINDS[one].learnt for one in missing):
        if not len(known.positions):
            raise SelectionError(f"{name} learns from labels", fix=hints.labels)
        raise SelectionError(
            f"{name} learns from labels, and all {len(known.positions):,} are {known.labels[0]!r}",
            where=known.name,
            fix=f"{hints.labels} with two labels or more, or use random, kmeans or typiclust",
        )
    if any(KINDS[one].asks for one in missing):
        raise SelectionError(
            f"{name} asks a language model", fix=hints.task if task is None else hints.model
        )
