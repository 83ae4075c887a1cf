"""The contract of every selector (query strategy)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Usage
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
    """A selector that asks a language model, and can say before what that costs at most."""

    def estimate(self, state: RoundState, k: int) -> Usage:
        """The most that `select` can cost. Asks nobody."""
        ...
