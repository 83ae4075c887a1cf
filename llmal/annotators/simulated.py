"""A person simulated from the gold column, for experiments."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from llmal.annotators.protocol import Context, Foresight, plan_at
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, AnnotatorKind, Answer, Item, Usage
from llmal.errors import ConfigError, DataError
from llmal.pool import Pool
from llmal.task.spaces import KINDS

NO_GOLD = "no gold label"
"""Flag of an item that a simulated person skips."""


class SimulatedHuman:
    """Answers with the gold label, or with a mistake; an item without gold it skips, at no cost.

    Where an item takes several labels, a mistake by `noise` is one label, drawn uniformly from all:
    it is given where it does not hold, and left out where it does. `confusion` is applied to each
    label that holds.

    Args:
        labels: The task's labels; needed for `noise`.
        noise: Probability of a mistake: a label drawn uniformly from the others.
        confusion: For a gold label, the probability of each answer (class confusion); what is left
            over is the right answer. Applied in place of `noise` for the gold labels that it names.
        cost: Money for each label.
        seconds: Time for each label.
        name: Who is recorded in the ledger.
        batch_size: Items between two writes to the ledger in a run.

    Raises:
        ConfigError: A probability or a cost is out of range, `noise` without `labels`, or a
            confusion of something that is not among `labels`.
    """

    kind: AnnotatorKind = "human"
    spaces = KINDS

    def __init__(
        self,
        *,
        labels: Sequence[str] | None = None,
        noise: float = 0.0,
        confusion: Mapping[str, Mapping[str, float]] | None = None,
        cost: float = 0.0,
        seconds: float = 0.0,
        name: str = "human",
        batch_size: int = 1024,
    ) -> None:
        if not 0 <= noise <= 1:
            raise ConfigError(f"noise is {noise}", fix="it must be between 0 and 1")
        if noise and len(labels or ()) < 2:
            raise ConfigError("noise needs the task's labels", fix="pass labels=task.names")
        for what, value in (("cost", cost), ("seconds", seconds)):
            if not value >= 0:
                raise ConfigError(f"{what} is {value}", fix="it must be 0 or more")
        for gold, row in (confusion or {}).items():
            if not all(value >= 0 for value in row.values()) or sum(row.values()) > 1 + 1e-9:
                raise ConfigError(
                    f"the confusion of label {gold!r} has probabilities that are negative or add "
                    "up to more than one",
                    fix="give probabilities that add up to one at most",
                )
            unknown = [name for name in (gold, *row) if labels and name not in labels]
            if unknown:
                raise ConfigError(
                    f"the confusion names {unknown[0]!r}, which is not a label of the task",
                    fix=f"its labels are {', '.join(labels or ())}",
                )
        self.name = name
        self.batch_size = batch_size
        self._labels = tuple(labels or ())
        self._noise = noise
        self._confusion = {gold: dict(row) for gold, row in (confusion or {}).items()}
        self._cost = cost
        self._seconds = seconds

    @property
    def cost(self) -> float:
        """Money for each label."""
        return self._cost

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """Answer for every item; an abstention for one without a gold label.

        Where several answers are wanted, they are of different people, who err by themselves: the
        name and a number.
        """
        return [
            Annotation(
                item_id=item.id,
                label=None if item.gold is None else self._answer(item, item.gold, context, who),
                annotator=who,
                kind="human",
                decision="deferred" if item.gold is None else "accepted",
                usage=Usage() if item.gold is None else self._price(1),
                provenance={"simulated": True},
                flags=() if item.gold is not None else (NO_GOLD,),
                round=context.round,
                stage="" if who == self.name else self.name,
            )
            for item in items
            for who in self._people(item, context)
        ]

    def _people(self, item: Item, context: Context) -> Sequence[str]:
        """Who answers an item."""
        if item.id not in context.missing:
            return (self.name,)
        before = context.answered_by.get(item.id, frozenset())
        others = (f"{self.name}-{n}" for n in itertools.count(1))
        fresh = (one for one in others if one not in before)
        return [*itertools.islice(fresh, context.missing[item.id])]

    def foresee(self, pool: Pool) -> Foresight:
        """How many items lack the gold label that the answers are taken from.

        Raises:
            DataError: All of them do.
        """
        missing = np.array([n for n, label in enumerate(pool.gold()) if label is None], np.int64)
        if not len(missing):
            return Foresight()
        if len(missing) == len(pool):
            raise DataError(
                "no item has a gold label, so a simulated person has no answers",
                where=pool.source,
                fix="name the gold column (data.gold), or ask people (via: queue)",
            )
        warning = (
            f"{len(missing):,} of {len(pool):,} items of the pool have no gold label, which "
            "simulated people answer with; they are not picked"
        )
        return Foresight((warning,), missing)

    def _answer(self, item: Item, gold: Answer, context: Context, who: str) -> Answer:
        if not self._noise and not self._confusion:
            return gold
        rng = context.rng(who, item.id)
        if isinstance(gold, str):
            return self._confused(gold, rng, self._noise)
        answer = {self._confused(name, rng) for name in gold}
        # By the confusion of the labels that it names, by the noise where it names none of them.
        if self._noise and not self._confusion.keys() & set(gold) and rng.random() < self._noise:
            answer ^= {self._labels[rng.integers(len(self._labels))]}
        return tuple(sorted(answer))

    def _confused(self, gold: str, rng: np.random.Generator, noise: float = 0.0) -> str:
        """A label, or the one that is given in its place."""
        row = self._confusion.get(gold)
        if row is None and noise:
            others = [name for name in self._labels if name != gold]
            row = dict.fromkeys(others, noise / len(others))
        if not row:
            return gold
        drawn = rng.random()
        for name, probability in sorted(row.items()):
            if drawn < probability:
                return name
            drawn -= probability
        return gold

    def _price(self, items: int) -> Usage:
        return Usage(human_labels=items, money=self._cost * items, seconds=self._seconds * items)

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """So many labels of a person, at their cost."""
        return plan_at(self._price(1), self.annotate, items, context)
