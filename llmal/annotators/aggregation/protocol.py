"""The contract of every way to make one answer of several people's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer, confidence_of
from llmal.ledger.combining import Combined, WorkerAnswer
from llmal.task.spaces import Space

NOTHING: Mapping[str, Mapping[str, float]] = {}

_EQUAL = 1e-9


@dataclass(frozen=True)
class Aggregated:
    """What several people say about items, put together. n items, C labels.

    Attributes:
        items: The items, by id.
        answers: The answer of each.
        probabilities: How far each label holds, shape (n, C): shares of votes or probabilities;
            rows sum to one where an item takes one label.
        confidence: How sure each answer is, shape (n,).
        workers: For each person, how often his answers are right, as estimated, from 0 to 1.
    """

    items: tuple[str, ...]
    answers: tuple[Answer, ...]
    probabilities: NDArray[np.float64]
    confidence: NDArray[np.float64]
    workers: Mapping[str, float]


@runtime_checkable
class Aggregator(Protocol):
    """Makes one answer of the answers of several people to one item.

    An aggregator draws nothing, or by a seed of its own: the same answers give the same result, in
    whatever order they come.
    """

    @property
    def name(self) -> str:
        """What it is called, in a configuration and in the ledger's labels."""
        ...

    @property
    def spaces(self) -> Collection[str]:
        """The kinds of answers that it works with."""
        ...

    @property
    def by_item(self) -> bool:
        """Whether the answer of an item depends on the answers to this item alone."""
        ...

    @property
    def reads_beliefs(self) -> bool:
        """Whether it wants the probabilities that machines have given."""
        ...

    def aggregate(
        self,
        answers: Mapping[str, Sequence[WorkerAnswer]],
        space: Space,
        beliefs: Mapping[str, Mapping[str, float]] = NOTHING,
    ) -> Aggregated:
        """Put answers together.

        Args:
            answers: By item, one of each person, in the order in which they were given.
            space: What answers are.
            beliefs: By item, the probabilities of the labels that a machine has given.

        Raises:
            AnnotationError: There is not what it needs.
        """
        ...


class CombinedBy:
    """An aggregator as the ledger takes it: for the answers of one task.

    Args:
        aggregator: Puts the answers together.
        space: Of the task.
    """

    def __init__(self, aggregator: Aggregator, space: Space) -> None:
        self._aggregator = aggregator
        self._space = space
        self.name = aggregator.name
        self.by_item = aggregator.by_item
        self.reads_beliefs = aggregator.reads_beliefs

    def combine(
        self,
        answers: Mapping[str, Sequence[WorkerAnswer]],
        beliefs: Mapping[str, Mapping[str, float]],
    ) -> Mapping[str, Combined]:
        """The combined answer of each item."""
        if not answers:
            return {}
        ordered = {item_id: answers[item_id] for item_id in sorted(answers)}
        found = self._aggregator.aggregate(ordered, self._space, beliefs)
        columns = found.probabilities.tolist()
        return {
            item_id: Combined(answer, float(sure), dict(zip(self._space.labels, row, strict=True)))
            for item_id, answer, sure, row in zip(
                found.items, found.answers, found.confidence, columns, strict=True
            )
        }


def aggregated(
    answers: Mapping[str, Sequence[WorkerAnswer]],
    space: Space,
    probabilities: NDArray[np.float64],
    workers: Mapping[str, float] | None = None,
) -> Aggregated:
    """Answers from how far each label holds.

    Of labels that hold equally the one stands that the latest answer gives.

    Args:
        answers: By item.
        space: What answers are.
        probabilities: A row for each item, in the order of `answers`, shape (n, C).
        workers: How often each is right; by default the mean probability of what each has said.
    """
    given = [
        decide(space, row, said) for row, said in zip(probabilities, answers.values(), strict=True)
    ]
    named = [dict(zip(space.labels, row.tolist(), strict=True)) for row in probabilities]
    sure = [confidence_of(one, shares) for one, shares in zip(given, named, strict=True)]
    return Aggregated(
        tuple(answers),
        tuple(given),
        probabilities,
        np.array(sure, dtype=np.float64),
        worker_quality(answers, space, probabilities) if workers is None else workers,
    )


def decide(space: Space, row: NDArray[np.float64], answers: Sequence[WorkerAnswer]) -> Answer:
    """The answer of one item, shape (C,); see `aggregated`."""
    targets = space.targets([one.answer for one in answers])
    if space.rows_sum_to_one:
        tied = np.flatnonzero(row >= row.max() - _EQUAL)
        said = [column for column in targets.tolist() if column in tied]
        return space.labels[said[-1] if said else int(tied[0])]
    last = targets[-1]
    held = (row > 0.5 + _EQUAL) | ((np.abs(row - 0.5) <= _EQUAL) & (last == 1))
    return space.answers(held[np.newaxis].astype(np.int64))[0]


def worker_quality(
    answers: Mapping[str, Sequence[WorkerAnswer]], space: Space, probabilities: NDArray[np.float64]
) -> dict[str, float]:
    """How often each person is right: the mean probability of what he has said. Where an item takes
    several labels, each label that he gives or leaves out counts by itself.
    """
    found: dict[str, list[float]] = {}
    for row, given in zip(probabilities, answers.values(), strict=True):
        targets = space.targets([one.answer for one in given])
        right = row[targets] if space.rows_sum_to_one else np.where(targets, row, 1 - row).mean(1)
        for one, share in zip(given, right.tolist(), strict=True):
            found.setdefault(one.worker, []).append(share)
    return {worker: float(np.mean(found[worker])) for worker in sorted(found)}
