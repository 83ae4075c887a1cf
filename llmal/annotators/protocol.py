"""The contract of every annotator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.comparison import Judged
from llmal.calibration.default import MOST_TEXTS
from llmal.core.fingerprint import digest
from llmal.core.plans import BatchPlan, Plan, Prompt
from llmal.core.records import Annotation, AnnotatorKind, Answer, Item, Purpose, Usage, total
from llmal.few_shot.preparation import PreparationPlan
from llmal.ledger.queue import Queue
from llmal.lm.paid import PaidQuestions
from llmal.lm.protocol import LanguageModel
from llmal.pool import Pool
from llmal.prompting.scorer import PromptScorer, ScoreCalibration

MOST_LABELLED = 1000
"""Most labelled items that demonstrations are chosen from, whatever the budget."""


@dataclass(frozen=True)
class Context:
    """What an annotator may know of the round that asks it.

    Attributes:
        round: Number of the round; None outside a run.
        demonstrations: Items with a label given by people before this round, for prompts. The
            label is in `gold` of each item.
        unlabelled: Items of the pool drawn at random, the same in every round, for calibration
            that needs no labels.
        purpose: What the answers are for, for annotators that record them themselves.
        foreseen: Whether the demonstrations are stand-ins, in a forecast: which ones there will be
            is not known, and the longest of these are to be counted.
        charges_texts: Whether an item costs something even if calibration has asked about its text:
            in a forecast, where items stand for others.
        task_version: The version of the task that is answered, for annotators that record the
            answers themselves.
        earlier: What people had said about items that are asked about again, in labels of then.
        texts_changed: Whether texts may have changed since the round began.
        seed: Seed of this round. Annotators draw from a generator of their own, keyed by it and
            by the item, so that an answer does not depend on which items were asked together.
        missing: By item, how many people's answers are still wanted, where a stage wants several;
            empty where it wants one of each.
        answered_by: By item, the people who have answered it there.
    """

    round: int | None = None
    demonstrations: Sequence[Item] = field(default_factory=tuple)
    unlabelled: Sequence[Item] = field(default_factory=tuple)
    seed: int = 0
    foreseen: bool = False
    charges_texts: bool = False
    purpose: Purpose = "train"
    task_version: int = 1
    earlier: Mapping[str, Answer] = field(default_factory=dict)
    texts_changed: bool = False
    missing: Mapping[str, int] = field(default_factory=dict)
    answered_by: Mapping[str, Set[str]] = field(default_factory=dict)

    def labels_of(self, items: Sequence[Item]) -> int:
        """How many labels people are to give about items."""
        return sum(self.missing.get(one.id, 1) for one in items)

    def rng(self, *keys: str) -> np.random.Generator:
        """A generator for this round and these keys, the same on every run."""
        drawn = int.from_bytes(digest("\0".join(keys), 8), "little")
        return np.random.default_rng([self.seed, drawn])


def drawn_texts(pool: Pool, seed: int) -> tuple[Item, ...]:
    """Items of a pool for calibration without labels: at most `MOST_TEXTS`, at random."""
    rng = np.random.default_rng([seed, MOST_TEXTS])
    drawn = rng.choice(len(pool), min(len(pool), MOST_TEXTS), replace=False)
    return tuple(pool.items(np.sort(drawn)))


@runtime_checkable
class Annotator(Protocol):
    """Gives labels: a language model, a person, a recorded column, or several behind a router."""

    name: str
    """Who is recorded in the ledger."""

    kind: AnnotatorKind

    batch_size: int
    """Items to hand over at once; answers are written to the ledger after each batch."""

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """Annotate items. An item without an annotation in the result is still being waited for.

        There is one annotation of an item at most; of people, where several answers are wanted, one
        of each.

        Raises:
            AnnotationError: An answer is not usable, and nothing else can be done about it.
        """
        ...

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """Plan to annotate items: what that costs at most. To execute the plan is to `annotate`
        them. Asks nobody.
        """
        ...


def plan_at(
    cost: Usage,
    annotate: Callable[[Sequence[Item], Context], list[Annotation]],
    items: Sequence[Item],
    context: Context,
) -> BatchPlan[list[Annotation]]:
    """The plan of an annotator that takes the same for each answer.

    Args:
        cost: Of an answer. Of labels by people there may be several wanted about an item.
        annotate: Annotates items.
        items: The items.
        context: What may be known.
    """
    return BatchPlan(
        lambda: annotate(items, context),
        each=lambda: [
            total([cost] * (context.labels_of([one]) if cost.human_labels else 1)) for one in items
        ],
        first=lambda count: plan_at(cost, annotate, items[:count], context),
    )


@dataclass(frozen=True)
class Foresight:
    """What an annotator knows of a pool before it is asked about it.

    Attributes:
        warnings: What a person should know before the run begins, a sentence each.
        unanswered: Positions of the items that it will have no answer for.
    """

    warnings: tuple[str, ...] = ()
    unanswered: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@runtime_checkable
class Foreseeing(Protocol):
    """An annotator whose answers stand in the pool, so that their gaps are known before a run."""

    def foresee(self, pool: Pool) -> Foresight:
        """Look at the whole pool, in bounded memory. Answers nothing.

        Raises:
            DataError: The pool has nothing that it could answer with.
        """
        ...


@runtime_checkable
class PerhapsUnsure(Protocol):
    """An annotator that may give labels without saying how sure of them it is."""

    @property
    def gives_confidence(self) -> bool:
        """Whether its labels come with probabilities."""
        ...


@runtime_checkable
class Priced(Protocol):
    """An annotator that takes money for each label: a person."""

    @property
    def cost(self) -> float:
        """Money for a label."""
        ...


Need = Literal["labelled", "texts"]
"""What an annotator may want to know of a round: items that people labelled; texts of the pool."""


@runtime_checkable
class NeedsContext(Protocol):
    """An annotator that wants to know of a round what others do not."""

    def needs(self) -> frozenset[Need]:
        """What its context must hold."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """An annotator that makes itself ready for a round before it answers: it chooses
    demonstrations and calibrates.
    """

    def needs(self) -> frozenset[Need]:
        """What its context must hold for that."""
        ...

    def plan_preparation(self, context: Context) -> PreparationPlan:
        """Plan to get ready. What that took is in the result's `usage`. Asks nobody."""
        ...

    def with_less(self, context: Context) -> Context | None:
        """The context in which preparing costs less; None if there is none."""
        ...


@runtime_checkable
class ShowsPrompt(Protocol):
    """An annotator that can show what it asks."""

    def sample_prompt(self, item: Item, context: Context) -> tuple[Prompt, Sequence[str]]:
        """The prompt about an item, or one that is no shorter, and the answers that are scored
        after it. Asks nobody.
        """
        ...

    def least_cost(self, item: Item) -> Usage:
        """The least that an item can cost, without demonstrations. Asks nobody."""
        ...


@runtime_checkable
class ScoresZeroShot(Protocol):
    """An annotator with whose prompt others can score items, without demonstrations."""

    name: str
    lm: LanguageModel

    def zero_shot_scorers(
        self, calibration: ScoreCalibration, questions: PaidQuestions, *, forecasts: bool = False
    ) -> list[PromptScorer]:
        """What asks the model with that prompt, in each form that the prompt may have: one, once
        the form is known (`plan_setup`).

        Args:
            calibration: Calibrates the scores.
            questions: What is paid for.
            forecasts: As for `PromptScorer`.
        """
        ...

    def plan_zero_shot(
        self, scorer: PromptScorer, unlabelled: Sequence[Item], rng: np.random.Generator
    ) -> PreparationPlan:
        """Plan to fit its calibrators to that prompt, those that need no labels."""
        ...

    def plan_setup(self) -> Plan[object]:
        """Plan to find the form of the prompt."""
        ...


@runtime_checkable
class Calibrates(Protocol):
    """An annotator whose calibration can be judged."""

    name: str

    @property
    def judged(self) -> Judged | None:
        """Labelled items that its last calibration can be judged by, if there are any."""
        ...


@runtime_checkable
class TakesQueue(Protocol):
    """An annotator that hands items out to people, and so keeps them in the queue of a run."""

    @property
    def files(self) -> Sequence[Path]:
        """Where they find what they are asked."""
        ...

    @property
    def request(self) -> str:
        """What people are asked to do."""
        ...

    def attach(self, queue: Queue, directory: Path) -> None:
        """Use a run's queue, and its directory for files."""
        ...
