"""One answer out of several that different people gave to one item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from llmal.core.records import Answer


@dataclass(frozen=True)
class WorkerAnswer:
    """What one person has answered about an item.

    Attributes:
        worker: Who.
        answer: The answer that stands of this person.
        created: When it was given, Unix time in seconds.
        round: The round that it was given in; None outside a run.
    """

    worker: str
    answer: Answer
    created: float = 0.0
    round: int | None = None


@dataclass(frozen=True)
class Combined:
    """The answer of several people to one item.

    Attributes:
        answer: The answer.
        confidence: How sure it is, from 0 to 1.
        distribution: By label how far it holds: shares or probabilities that sum to one, or where
            an item takes several labels one for each label. A label that is missing has 0.
    """

    answer: Answer
    confidence: float
    distribution: Mapping[str, float]


class Combines(Protocol):
    """Makes one answer of the answers of several people."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def by_item(self) -> bool:
        """Whether the answer of an item depends on the answers to this item alone."""
        ...

    @property
    def reads_beliefs(self) -> bool:
        """Whether it wants the probabilities that machines have given for the items."""
        ...

    def combine(
        self,
        answers: Mapping[str, Sequence[WorkerAnswer]],
        beliefs: Mapping[str, Mapping[str, float]],
    ) -> Mapping[str, Combined]:
        """The combined answers, by item.

        Args:
            answers: Of items that two people or more have answered, in the order in which they
                were given: of all such items, or `by_item`, of those about which there is something
                new.
            beliefs: By item the probabilities that a machine gave last, if they are read.

        Returns:
            One for each of the items. It depends on nothing but the arguments.
        """
        ...


class MajorityVote:
    """The answer of the most people; of several labels each that more than half have given.

    Of answers, or labels, with equally many votes for and against the one stands that the latest
    answer gives: whoever looks again or is asked last has the last word. Later is told by the time
    of the answer, then by the name of the worker, so that it does not depend on the order in which
    answers were told.
    """

    name = "majority"
    by_item = True
    reads_beliefs = False

    def combine(
        self,
        answers: Mapping[str, Sequence[WorkerAnswer]],
        beliefs: Mapping[str, Mapping[str, float]],
    ) -> Mapping[str, Combined]:
        """The majority of each item."""
        return {item_id: majority(given) for item_id, given in answers.items()}


def in_order(answers: Sequence[WorkerAnswer]) -> list[WorkerAnswer]:
    """Answers by the time at which they were given, then by worker."""
    return sorted(answers, key=lambda one: (one.created, one.worker))


def majority(answers: Sequence[WorkerAnswer]) -> Combined:
    """The majority of one answer or more of different people; see `MajorityVote`."""
    given = [one.answer for one in in_order(answers)]
    if all(isinstance(one, tuple) for one in given):
        return _label_by_label(given)
    votes = Counter(given)
    most = max(votes.values())
    answer = next(one for one in reversed(given) if votes[one] == most)
    shares = {one: count / len(given) for one, count in votes.items() if isinstance(one, str)}
    return Combined(answer, most / len(given), dict(sorted(shares.items())))


def _label_by_label(given: Sequence[Answer]) -> Combined:
    votes = Counter(name for one in given for name in one)
    shares = {name: count / len(given) for name, count in sorted(votes.items())}
    last = given[-1]
    held = [name for name, share in shares.items() if (share, name in last) > (0.5, False)]
    sure = min((max(share, 1 - share) for share in shares.values()), default=1.0)
    return Combined(tuple(held), sure, shares)
