"""What every selector around other selectors has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import Plan
from llmal.core.records import Usage, total
from llmal.errors import ConfigError
from llmal.selectors.checks import check_count
from llmal.selectors.protocol import (
    Selection,
    Selector,
    UtilitySelector,
    drawn,
    plan_selection,
)
from llmal.selectors.signals import SIGNALS, Signal
from llmal.selectors.state import RoundState
from llmal.task import Task
from llmal.task.spaces import KINDS, WorksIn, refuse_unless

_TEXTS_AT_ONCE = 4096
_IN_ALL = "margin, entropy, least_confidence, least_sure, typiclust, kmeans, coreset or random"


@runtime_checkable
class ConditionalSelector(Selector, Protocol):
    """A selector that may need less than `requires` in a given round."""

    def needs(self, state: RoundState) -> frozenset[Signal]:
        """The signals that it reads in this round."""
        ...


@runtime_checkable
class NarrowingSelector(Selector, Protocol):
    """A selector that computes signals for a part of the unlabelled items alone."""

    def costliest_part(self, state: RoundState, k: int) -> RoundState:
        """The part, of all that it may be, for which signals cost the most."""
        ...


def needed(selector: Selector, state: RoundState) -> frozenset[Signal]:
    """The signals that a selector reads in this round: all that it requires, if it cannot say."""
    return selector.needs(state) if isinstance(selector, ConditionalSelector) else selector.requires


def longest(state: RoundState, count: int) -> RoundState:
    """The round with only its `count` longest texts to pick from: in tokens, or in bytes where
    there is no language model.
    """
    if count >= len(state.unlabelled):
        return state
    lengths = np.empty(len(state.unlabelled), dtype=np.int64)
    lm = state.scorer.lm if "scorer" in state.signals else None
    for start in range(0, len(lengths), _TEXTS_AT_ONCE):
        rows = slice(start, start + _TEXTS_AT_ONCE)
        texts = [one.text for one in state.items(state.unlabelled[rows])]
        lengths[rows] = (
            [len(one.encode()) for one in texts] if lm is None else lm.count_tokens(texts)
        )
    return state.standing_in(np.argpartition(-lengths, count - 1)[:count])


def highest_of(selector: Selector, state: RoundState, k: int) -> Usage:
    """The most that a selector can ask of a language model for k picks, whatever it draws."""
    return plan_selection(selector, state, k, None).highest


@runtime_checkable
class Named(Protocol):
    """A selector that has a name of its own."""

    @property
    def name(self) -> str:
        """The name."""
        ...


def called(selector: Selector) -> str:
    """What to call a selector in a sentence."""
    return selector.name if isinstance(selector, Named) else type(selector).__name__


def spaces_of(selector: Selector) -> Collection[str]:
    """The kinds of answers that a selector works with.

    Those that it names; else all, if none of the signals that it requires depends on what an answer
    is, and one label an item if one does.
    """
    if isinstance(selector, WorksIn):
        return selector.spaces
    return _spaces_of_signals(selector.requires)


def _spaces_of_signals(signals: frozenset[Signal]) -> Collection[str]:
    by_label = any(SIGNALS[name].by_label for name in signals if name in SIGNALS)
    return ("single",) if by_label else KINDS


def check_spaces(task: Task, *selectors: Selector) -> None:
    """Refuse selectors that do not work with the answers of a task.

    Raises:
        ConfigError: One does not; the message names it, and others that do.
    """
    for selector in selectors:
        refuse_unless(
            task, spaces_of(selector), f"the selector {called(selector)}", f"use {_IN_ALL}"
        )


def no_higher_than_before(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of picks in their order, each lowered to at most that of the pick before it.

    A filter that passes over items changes the order of the picks, and "best first" has to hold.
    """
    return np.asarray(np.minimum.accumulate(scores))


class Wrapper(ABC):
    """A selector around others: it needs what they need, beside what it reads itself.

    A subclass names its fields that hold selectors in `parts` (a selector or a tuple of them), and
    in `reads` the signals that it reads itself.
    """

    name: ClassVar[str]
    parts: ClassVar[tuple[str, ...]] = ("selector",)

    def __post_init__(self) -> None:
        for one in self._inner():
            if isinstance(one, type) or not isinstance(one, Selector):
                raise ConfigError(
                    f"{self.name}: {one!r} is no selector",
                    fix="give an object, such as llmal.selectors.make('margin')",
                )

    @property
    def reads(self) -> frozenset[Signal]:
        """The signals that it reads itself."""
        return frozenset()

    @property
    def spaces(self) -> Collection[str]:
        """The kinds of answers that it and all selectors inside work with."""
        inner = [spaces_of(one) for one in self._inner()]
        own = _spaces_of_signals(self.reads)
        return tuple(kind for kind in own if all(kind in kinds for kinds in inner))

    @property
    def requires(self) -> frozenset[Signal]:
        """What it reads, and what the selectors inside require."""
        return self.reads.union(*(one.requires for one in self._inner()))

    def needs(self, state: RoundState) -> frozenset[Signal]:
        """What it reads, and what the selectors inside need in this round."""
        return self.reads.union(*(needed(one, state) for one in self._inner()))

    @abstractmethod
    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick k unlabelled items."""

    def plan(self, state: RoundState, k: int, rng: np.random.Generator | None) -> Plan[Selection]:
        """Plan to pick k unlabelled items. What the selectors inside are asked for depends on what
        they answer, so the plan counts the most.
        """
        return Plan(
            lambda: self.select(state, k, drawn(rng)), highest=lambda: self._highest(state, k)
        )

    def _highest(self, state: RoundState, k: int) -> Usage:
        """The most that the selectors inside can ask."""
        return total(highest_of(one, state, k) for one in self._inner())

    def _inner(self) -> tuple[Selector, ...]:
        found: list[Any] = []
        for part in self.parts:
            value = getattr(self, part)
            found += value if isinstance(value, (list, tuple)) else [value]
        return tuple(found)

    def _check_request(self, state: RoundState, k: int) -> int:
        """As `picking.check_request`, for what is needed in this round."""
        count = check_count(k, len(state.unlabelled))
        state.need(self.needs(state), self.name)
        return count

    def _check_utilities(self, selector: Any) -> None:
        """Refuse a selector inside that does not rank items one by one."""
        if not isinstance(selector, UtilitySelector):
            raise ConfigError(
                f"{self.name} needs a selector that gives each item a utility, and "
                f"{called(selector)} gives none",
                fix="put it around one such as margin, entropy or bald",
            )
