"""Plans: work that costs something, ready to be done, with the most that it can cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Generic, TypeVar

from llmal.core.records import Usage, total

Message = dict[str, str]
Prompt = str | Sequence[Message]
"""A completion prompt (a string) or a chat prompt (messages with "role" and "content")."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")


class Plan(Generic[T_co]):
    """Work that is ready to be done.

    To make a plan asks nobody and costs nothing. To execute it does what it says, at no higher cost
    than `highest`. Whoever spends gives plans: a forecast shows them, a budget admits them, and
    whoever executes them books what it did cost.

    Args:
        execute: Does the work.
        highest: The most that it can cost, or what tells that when it is first wanted.
        prompts: Gives the prompts that are known before the work begins.
    """

    def __init__(
        self,
        execute: Callable[[], T_co],
        *,
        highest: Usage | Callable[[], Usage] = Usage(),
        prompts: Callable[[], Sequence[Prompt]] = tuple,
    ) -> None:
        self._execute = execute
        self._highest = highest
        self._prompts = prompts

    @cached_property
    def highest(self) -> Usage:
        """The most that it can cost."""
        return self._highest if isinstance(self._highest, Usage) else self._highest()

    @cached_property
    def prompts(self) -> Sequence[Prompt]:
        """What the language model will be asked, as far as that is known."""
        return self._prompts()

    def execute(self) -> T_co:
        """Do the work."""
        return self._execute()

    def map(self, change: Callable[[T_co], U]) -> Plan[U]:
        """The same work, with something made of what it brings that costs nothing."""
        return Plan(
            lambda: change(self.execute()),
            highest=lambda: self.highest,
            prompts=lambda: self.prompts,
        )

    def then(self, follow: Callable[[T_co], Plan[U]], *, at_most: Plan[U]) -> Plan[U]:
        """The same work with more after it that depends on what it brings.

        Args:
            follow: Plans what comes after.
            at_most: A plan that costs no less than any that `follow` may give.
        """
        return Plan(
            lambda: follow(self.execute()).execute(),
            highest=lambda: self.highest + at_most.highest,
            prompts=lambda: [*self.prompts, *at_most.prompts],
        )


class BatchPlan(Plan[T_co]):
    """Work on several items, of which any number from the first on can be done.

    Args:
        execute: Does all of the work.
        each: Tells the most that each item can cost, when that is first wanted.
        first: Plans the work on the first so many items.
        prompts: Gives the prompts that are known before the work begins, in the order of the items.
        once: The most that the work costs besides, whatever the number of items.
    """

    def __init__(
        self,
        execute: Callable[[], T_co],
        *,
        each: Callable[[], Sequence[Usage]],
        first: Callable[[int], BatchPlan[T_co]],
        prompts: Callable[[], Sequence[Prompt]] = tuple,
        once: Callable[[], Usage] = Usage,
    ) -> None:
        super().__init__(execute, highest=lambda: self.once + total(self.each), prompts=prompts)
        self._each = each
        self._first = first
        self._once = once

    @cached_property
    def each(self) -> Sequence[Usage]:
        """The most that each item can cost, in their order."""
        return self._each()

    @cached_property
    def once(self) -> Usage:
        """The most that the work costs besides, whatever the number of items."""
        return self._once()

    def first(self, count: int) -> BatchPlan[T_co]:
        """The plan of the first so many items alone."""
        return self._first(count)


def free(value: T) -> Plan[T]:
    """A plan that costs nothing, for what is known already."""
    return Plan(lambda: value)


def dearest(costs: Sequence[Usage]) -> Usage:
    """The most of each figure of several costs."""
    columns = zip(*(vars(one).values() for one in costs), strict=True)
    return Usage(*(max(column) for column in columns))


def dearest_each(plans: Sequence[BatchPlan[T]]) -> list[Usage]:
    """The most of each figure for each item, over several plans of which one will come true."""
    if len(plans) == 1:
        return list(plans[0].each)
    return [dearest(costs) for costs in zip(*(one.each for one in plans), strict=True)]
