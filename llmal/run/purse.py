"""The purse of a run: admits work before it is done, and books what it has cost."""

from __future__ import annotations

from collections.abc import Callable

from llmal.core.records import Usage
from llmal.ledger import Ledger
from llmal.run.budget import Budget

PREPARATION = "demonstrations and calibration"
"""What choosing demonstrations and calibrating is called in the ledger."""


class SpentOut(Exception):
    """The budget does not reach any further; the message says which limit."""


class Purse:
    """What a run may still spend.

    Work is only begun if the most that it can cost is still there. Work that was booked before a
    kill is admitted again: its answers are in the response cache and cost nothing.

    Args:
        budget: The limits.
        ledger: Knows what has been spent.
        people: Whether people are asked at all.
    """

    def __init__(self, budget: Budget, ledger: Ledger, *, people: bool = True) -> None:
        self._budget = budget
        self._ledger = ledger
        self._people = people
        self.reserved = 0
        """Labels of people that are put by for a phase that comes last."""
        self.refused: str | None = None
        """Why something was not begun, in words; None if nothing was refused."""

    @property
    def limited(self) -> bool:
        """Whether there is a limit of money or tokens at all."""
        return self._budget.money is not None or self._budget.tokens is not None

    def admits(self, cost: Callable[[], Usage], *, key: str | None = None, what: str = "") -> bool:
        """Whether work may be begun.

        Args:
            cost: Gives the most that it can cost; called where there is a limit.
            key: Names the expense that it will be booked as.
            what: What the work is, for a budget that does not reach even for its beginning.
        """
        if not self.limited or (key is not None and self._ledger.has_spent(key)):
            return True
        foreseen = cost()
        limit = self._budget.exceeded_by(self._ledger.total_usage(), foreseen)
        if limit is None:
            return True
        self.refused = f"{limit} is spent"
        if what:
            need = f"{foreseen.tokens:,} tokens" if "tokens" in limit else f"{foreseen.money:g}"
            self.refused = f"{limit} does not reach for {what}, which takes up to {need}"
        return False

    def admitted(self, count: int, cost: Callable[[int], Usage]) -> int:
        """The most of `count` pieces of work that may be begun, from none to all.

        Args:
            count: How many there are.
            cost: The most that the first so many can cost.
        """
        if not self.limited or not count:
            return count
        spent = self._ledger.total_usage()
        limit = self._budget.exceeded_by(spent, cost(count))
        if limit is None:
            return count
        self.refused = f"{limit} is spent"
        fits, too_many = 0, count
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            if self._budget.exceeded_by(spent, cost(middle)) is None:
                fits = middle
            else:
                too_many = middle
        return fits

    @property
    def human_labels_left(self) -> int | None:
        """Labels that people may still be asked for; None if nothing limits them."""
        left = self.human_labels_left_in_all
        return None if left is None else max(0, left - self.reserved)

    @property
    def human_labels_left_in_all(self) -> int | None:
        """The same, with those that are put by."""
        if not self._people or self._budget.human_labels is None:
            return None
        return self._budget.human_labels_left(self._ledger.total_usage())

    def human_labels(self, count: int) -> int:
        """How many of `count` labels people may still be asked for."""
        left = self.human_labels_left
        return count if left is None else min(count, left)

    def book(self, purpose: str, usage: Usage, key: str) -> None:
        """Record what work has cost; see `Ledger.spend`. What cost nothing is not recorded."""
        if usage.requests:
            self._ledger.spend(purpose, usage, key=key)

    def has_booked(self, key: str) -> bool:
        """Whether an expense of this key is recorded, or marked."""
        return self._ledger.has_spent(key)

    def mark(self, purpose: str, key: str) -> None:
        """Record that work is done whose cost is booked under other keys."""
        self._ledger.spend(purpose, Usage(), key=key)

    def check(self) -> None:
        """End the run if something was refused.

        Raises:
            SpentOut: Something was.
        """
        if self.refused is not None:
            raise SpentOut(self.refused)
