"""The contract of every generator of synthetic items, and of the filters behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from llmal.core.plans import BatchPlan
from llmal.core.records import Item, SyntheticItem
from llmal.generators.learner_answers import LearnerAnswers

Need = Literal["demonstrations", "learner", "sources"]
"""What a request must hold for some generators, by the name of its attribute."""


@dataclass(frozen=True)
class Request:
    """What is to be written.

    Attributes:
        label: The label that the new items must have; where an item takes several, the answer as
            the space of the task writes it.
        demonstrations: Labelled items to write in the manner of; the label is in `gold`.
        seed: Makes the draw repeatable.
        standing_in: Whether the demonstrations stand for others that are no longer, in a forecast:
            which ones will be shown is not known.
        sources: Labelled items, of any label, that new ones are made from where a generator does
            so; the label is in `gold`.
        learner: What the learner makes of labelled items, where a generator goes by its mistakes.
    """

    label: str
    demonstrations: Sequence[Item] = field(default_factory=tuple)
    seed: int = 0
    standing_in: bool = False
    sources: Sequence[Item] = field(default_factory=tuple)
    learner: LearnerAnswers | None = None


@runtime_checkable
class Generator(Protocol):
    """Writes new items."""

    name: str

    @property
    def max_tokens(self) -> int:
        """Most tokens of an answer."""
        ...

    def plan(self, request: Request, k: int) -> BatchPlan[list[SyntheticItem]]:
        """Plan to write k texts. Those that are unusable come back too, refused and with the
        reason. Asks nobody.
        """
        ...


@runtime_checkable
class Needing(Protocol):
    """A generator that cannot write without more than a label."""

    @property
    def requires(self) -> tuple[Need, ...]:
        """Attributes of a request that must be filled."""
        ...

    def lacks(self, request: Request) -> str | None:
        """Why nothing can be written for a request, in a sentence without its full stop, such as
        that no source has a label that fits; None where something can. Asks nobody.
        """
        ...


@runtime_checkable
class Apportioning(Protocol):
    """A generator that does not write equally many items of all labels."""

    def wanted(self, counts: Mapping[str, int], k: int) -> Mapping[str, int]:
        """How many items of each label are to be written. Asks nobody.

        Args:
            counts: Labelled items that there are of each label of the task.
            k: The most of a label.

        Returns:
            For each label of `counts` a number from 0 to k.
        """
        ...


@runtime_checkable
class Filter(Protocol):
    """Refuses synthetic items, and says why."""

    name: str

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item the reason to refuse it, or None. Called once for each batch, in order;
        items refused earlier are not shown.
        """
        ...
