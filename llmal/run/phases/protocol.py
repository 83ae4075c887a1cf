"""The contract of every phase: from where a campaign stands, what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from llmal.core.records import Purpose
from llmal.ledger import Round
from llmal.selectors.protocol import Selector

Asked = Literal["everybody", "people", "machines"]
"""Which stages of the router answer in the rounds of a phase."""


DrawnFrom = Literal["all", "machines"]
"""What a uniform sample is drawn from: all items that no person has labelled, or those of them
whose label that stands is of a machine."""

HUMAN_LABELS_SPENT = "the budget of human labels is spent"


@dataclass(frozen=True)
class Reopened:
    """Items that have to be asked about again after task or pool have changed.

    Attributes:
        by_people: Items that people had answered, with the reason.
        by_machines: Items that machines had answered, with the reason.
        unswept: Whether machines have not gone over all items that they are to go over.
    """

    by_people: Mapping[str, str] = field(default_factory=dict)
    by_machines: Mapping[str, str] = field(default_factory=dict)
    unswept: bool = False


class Promising(Protocol):
    """What a promise about the labels of a campaign wants next, by its ledger.

    Of people no more items are named than the budget reaches for. Each gives items with the reason
    for them, in the order in which they are wanted, and none where it is done.
    """

    @property
    def is_frozen(self) -> bool:
        """Whether labels and order are frozen that an audit may still be of."""
        ...

    def seed(self) -> Mapping[str, str]:
        """What people label before anything is known."""
        ...

    def advance(self) -> Mapping[str, str]:
        """What people label as it is doubtful; where that is nothing, the rest is frozen."""
        ...

    def look(self) -> Mapping[str, str]:
        """What is audited next; where that is nothing, there is a certificate."""
        ...

    def review(self) -> Mapping[str, str]:
        """What people have to label by the certificate."""
        ...


@dataclass(frozen=True)
class Standing:
    """Where a campaign stands between two rounds, by its ledger.

    Attributes:
        rounds: The rounds so far, all of them finished.
        human_labels_left: Labels that people may still give; None if there is no limit.
        refused: What the budget did not reach for, in words; None if nothing was refused.
        reopened: What has to be asked about again.
        to_check: A sample of labels that were known before, with the reason for each item; empty
            where there is nothing to check.
        knows_labels: Whether there were labels of two kinds or more before the first round.
        promise: What the promise about its labels wants next; None where none is worked for.
    """

    rounds: Sequence[Round]
    human_labels_left: int | None = None
    refused: str | None = None
    reopened: Reopened = field(default_factory=Reopened)
    to_check: Mapping[str, str] = field(default_factory=dict)
    knows_labels: bool = False
    promise: Promising | None = None

    @property
    def spent(self) -> str | None:
        """What of the budget is spent, in words; None while people may still be asked."""
        if self.refused is None and self.human_labels_left == 0:
            return HUMAN_LABELS_SPENT
        return self.refused

    def count(self, names: Sequence[str]) -> int:
        """How many rounds there were of a phase, by what it is called in ledgers."""
        return sum(one.phase in names for one in self.rounds)


@dataclass(frozen=True)
class NextRound:
    """The round that comes next.

    Attributes:
        selector: What picks its items; None where it goes over the whole pool, or draws them.
        size: How many items it picks.
        otherwise: What picks while `selector` lacks something that is learnt.
        swept: Whether the selector goes by the probabilities of a sweep, not the learner's.
        items: The items themselves, with the reason for each, where no selector picks.
        drawn_from: What its items are drawn from, uniformly and by the seed alone; None where a
            selector picks.
        picked_by: What picked the items that are named, in a word.
    """

    selector: Selector | None = None
    size: int = 0
    otherwise: Selector | None = None
    swept: bool = False
    items: Mapping[str, str] = field(default_factory=dict)
    drawn_from: DrawnFrom | None = None
    picked_by: str = "again"


@dataclass(frozen=True)
class Ended:
    """The campaign has ended.

    Attributes:
        reason: Why, in words.
    """

    reason: str


class Phase(Protocol):
    """A part of a campaign, such as the start or the review. It holds no state of its own."""

    @property
    def names(self) -> Sequence[str]:
        """What it is called in ledgers: its name, then the names that older ones have for it."""
        ...

    @property
    def purpose(self) -> Purpose:
        """What its answers are for, and so who may see them."""
        ...

    @property
    def asks(self) -> Asked:
        """Who answers in its rounds."""
        ...

    @property
    def selectors(self) -> Sequence[Selector]:
        """What may pick its items: first what does when there are no labels.

        A run says before it begins what one of them lacks.
        """
        ...

    @property
    def stays_open(self) -> bool:
        """Whether a round that the budget does not reach through stays open for a larger one."""
        ...

    def next(self, standing: Standing) -> NextRound | Ended | None:
        """What comes next; None if this phase is over and the following one decides."""
        ...


@runtime_checkable
class ClosesCampaign(Protocol):
    """A phase that may come when all others are over, whatever has ended them."""

    @property
    def closes(self) -> bool:
        """Whether it does."""
        ...

    def reserved(self, rounds: Sequence[Round]) -> int:
        """How many items people are still to answer in it; their labels are kept for it."""
        ...


def closes(phase: Phase) -> bool:
    """Whether a phase comes when all others are over."""
    return isinstance(phase, ClosesCampaign) and phase.closes
