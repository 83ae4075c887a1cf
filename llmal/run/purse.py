"""The purse of a run: admits work before it is done, and books what it has cost."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from llmal.core.plans import BatchPlan, Plan
from llmal.core.records import Usage, total
from llmal.ledger import Ledger
from llmal.lm.progress import Meter
from llmal.lm.protocol import LanguageModel, Losing
from llmal.run.budget import Budget

PREPARATION = "demonstrations and calibration"
"""What choosing demonstrations and calibrating is called in the ledger."""


LOST = "lost answers"
"""What answers are called in the ledger that a server may have computed, and that never came."""

T = TypeVar("T")


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
        self._promised = Usage()
        self._lost: list[Usage] = []
        self._lock = threading.Lock()
        self._meter = Meter(())
        self.reserved = 0
        """Labels of people that are put by for a phase that comes last."""
        self.refused: str | None = None
        """Why something was not begun, in words; None if nothing was refused."""

    @property
    def limited(self) -> bool:
        """Whether there is a limit of money or tokens at all."""
        return self._budget.money is not None or self._budget.tokens is not None

    def admits(self, plan: Plan[object], *, key: str | None = None, what: str = "") -> bool:
        """Whether a plan may be executed.

        Args:
            plan: Of the work.
            key: Names the expense that it will be booked as.
            what: What the work is, for a budget that does not reach even for its beginning.
        """
        self.settle()
        self._meter.restart()
        if not self.limited:
            return True
        spent = self._ledger.total_usage()
        if key is not None and self._ledger.has_spent(key):
            self._promised = spent
            return True
        limit = self._budget.exceeded_by(spent, plan.highest)
        if limit is None:
            self._promised = spent + plan.highest
            return True
        self.refused = f"{limit} is spent"
        if what:
            most = plan.highest
            need = f"{most.tokens:,} tokens" if "tokens" in limit else f"{most.money:g}"
            self.refused = f"{limit} does not reach for {what}, which takes up to {need}"
        return False

    def admitted(self, plan: BatchPlan[T], size: int) -> int:
        """How many of the items of a plan may be worked on, from the first on.

        Args:
            plan: Of the work on all of them.
            size: How many there are.
        """
        self.settle()
        self._meter.restart()
        if not self.limited or not size:
            return size
        spent = self._ledger.total_usage()
        fits, cost, limit = self._budget.part_of(plan, size, spent)
        self._promised = spent + cost
        if limit is not None:
            self.refused = f"{limit} is spent"
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

    @contextlib.contextmanager
    def watching(self, models: Sequence[LanguageModel]) -> Iterator[None]:
        """Answer for what language models lose on the way, for a while."""
        self._meter = Meter(models)
        with answering_for_losses(models, self.allows_again):
            try:
                yield
            finally:
                self.settle()

    def forfeit(self) -> None:
        """Record what has arrived of work that was given up: nobody else will, unless it is asked
        for again, which is not for sure.
        """
        arrived = self._meter.since()
        with self._lock:
            self._lost.append(arrived)
        self._meter.restart()
        self.settle()

    def allows_again(self, lost: Usage) -> bool:
        """Whether what is under way may be asked for again although an answer that may have cost so
        much did not arrive. Noted in any case; called from any thread.
        """
        with self._lock:
            self._lost.append(lost)
            return not self.limited or not self._budget.exceeded_by(
                self._promised, total(self._lost)
            )

    def settle(self) -> None:
        """Record what answers may have cost that did not arrive."""
        with self._lock:
            lost, self._lost = self._lost, []
        if lost:
            self._ledger.spend(LOST, total(lost), key=f"lost-{uuid.uuid4().hex}")

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


@contextlib.contextmanager
def answering_for_losses(
    models: Iterable[object], allows_again: Callable[[Usage], bool]
) -> Iterator[None]:
    """Have language models ask, for a while, before they ask again for an answer that was lost.

    Args:
        models: Those of them that can lose answers.
        allows_again: Told what the lost answer may have cost; says whether it may be asked again.
    """
    losing = [one for one in models if isinstance(one, Losing)]
    before = [one.on_lost for one in losing]
    for one in losing:
        one.on_lost = allows_again
    try:
        yield
    finally:
        for one, old in zip(losing, before, strict=True):
            one.on_lost = old
