"""The contract of every routing policy: from what machines said of an item, who is asked next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from llmal.core.records import Annotation, Answer

Answers: TypeAlias = Mapping[int, Annotation]
"""What machines have said of an item so far, by the place of the machine in the router. One that
had no label is among them."""


@dataclass(frozen=True)
class Machine:
    """What a policy knows of an annotator that is no person.

    Attributes:
        name: What it is called in ledgers.
        accepts: Whether an answer passes the rule of its stage, by itself.
        gives_confidence: Whether its answers come with probabilities.
    """

    name: str
    accepts: Callable[[Annotation], bool]
    gives_confidence: bool = True


@dataclass(frozen=True)
class Stands:
    """The answer of a machine, by its place, is the label."""

    machine: int


@dataclass(frozen=True)
class Ask:
    """A machine, by its place, is asked about the item."""

    machine: int


@dataclass(frozen=True)
class People:
    """People are asked about the item."""


Route: TypeAlias = Stands | Ask | People


class RoutingPolicy(Protocol):
    """Says who is asked next about items. It holds nothing that changes.

    Every policy keeps to this: what becomes of an item follows from what was said of that item
    alone. Only a machine is asked that has not answered, and only an answer with a label stands.
    """

    def check(self, machines: Sequence[Machine], *, people: bool) -> None:
        """See that it fits those who answer.

        Args:
            machines: In the order of the router.
            people: Whether people follow them.

        Raises:
            ConfigError: It does not.
        """
        ...

    def route(self, answers: Sequence[Answers], machines: Sequence[Machine]) -> list[Route]:
        """What comes next for each item.

        Args:
            answers: What was said of each item so far, perhaps nothing, and in whatever order.
            machines: In the order of the router.
        """
        ...


@dataclass(frozen=True)
class PilotItem:
    """An item that people have labelled and all machines have answered.

    Attributes:
        label: What people say.
        answers: Of every machine that had anything to say.
        cost: Money that a label of people takes; 0 where no price is stated.
    """

    label: Answer
    answers: Answers
    cost: float = 0.0


@runtime_checkable
class FittedPolicy(Protocol):
    """A policy that fits thresholds to what people have labelled, once, before a sweep.

    Until that is done it routes by what it was made with. What was fitted is kept in the ledger,
    so that a run that goes on after a kill routes as before.
    """

    def fit(self, pilot: Sequence[PilotItem], machines: Sequence[Machine]) -> dict[str, Any]:
        """What is fitted, as plain data for JSON.

        Args:
            pilot: In the order in which they were drawn.
            machines: In the order of the router.
        """
        ...

    def fitted(self, fit: Mapping[str, Any]) -> RoutingPolicy:
        """The policy that routes by what was fitted."""
        ...
