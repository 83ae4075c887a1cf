"""The contract of every selector (query strategy)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import Plan
from llmal.core.records import Usage
from llmal.errors import SelectionError
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState


@dataclass(frozen=True)
class Selection:
    """The picks of a selector, best first.

    Attributes:
        indices: Shape (k,): positions in the pool, distinct and unlabelled.
        scores: Shape (k,): how useful each is; higher is more useful.
        why: k short reasons for people to read.
        usage: What the selector itself asked of a language model, scores that are paid for
            (`llmal.lm.paid`) left out.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float64]
    why: Sequence[str]
    usage: Usage = field(default_factory=Usage)

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True)
class Utilities:
    """How useful each unlabelled item is by itself.

    Attributes:
        values: Shape (U,), finite; higher is more useful. Row i belongs to `state.unlabelled[i]`.
        why: Takes a row and gives a short reason.
        usage: What was asked of a language model for them.
    """

    values: NDArray[np.float64]
    why: Callable[[int], str]
    usage: Usage = field(default_factory=Usage)


@runtime_checkable
class Selector(Protocol):
    """Ranks the unlabelled items of a round and picks k of them. Holds no state of its own."""

    @property
    def requires(self) -> frozenset[Signal]:
        """Signals that it reads from the state (`llmal.selectors.SIGNALS`)."""
        ...

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick exactly k distinct unlabelled items.

        Raises:
            SelectionError: Fewer than k items are unlabelled, k is below one, or a signal is
                missing or not usable.
        """
        ...


@runtime_checkable
class UtilitySelector(Selector, Protocol):
    """A selector whose picks are the items of the highest utility, each looked at by itself.

    Others can build on the utilities: spread them over clusters, or divide them by costs.
    """

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """How useful each unlabelled item is."""
        ...


@runtime_checkable
class AskingSelector(Selector, Protocol):
    """A selector that asks a language model, and says before what that costs at most."""

    def plan(self, state: RoundState, k: int, rng: np.random.Generator | None) -> Plan[Selection]:
        """Plan to pick k items; to execute the plan is to `select` them. Asks nobody.

        Args:
            state: The round.
            k: How many items.
            rng: As for `select`; None where it is not known what will be drawn. Such a plan counts
                what costs most, and is there to be looked at.
        """
        ...


def plan_selection(
    selector: Selector, state: RoundState, k: int, rng: np.random.Generator | None
) -> Plan[Selection]:
    """Plan to let any selector pick; it costs nothing if the selector asks nobody, or for k = 0."""
    if k and isinstance(selector, AskingSelector):
        return selector.plan(state, k, rng)
    return Plan(lambda: selector.select(state, k, drawn(rng)))


def drawn(rng: np.random.Generator | None) -> np.random.Generator:
    """What draws for a plan that is executed.

    Raises:
        SelectionError: There is nothing: the plan was made to be looked at.
    """
    if rng is None:
        raise SelectionError("a plan that was made to be looked at is executed")
    return rng
