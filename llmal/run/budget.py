"""What a run may spend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from llmal.core.plans import BatchPlan
from llmal.core.records import Usage
from llmal.errors import BudgetError


@dataclass(frozen=True)
class Budget:
    """Hard limits of a run. None is no limit.

    A batch is only begun if the most that it can cost is still there.

    Attributes:
        human_labels: Labels given by people.
        money: Money for people and models.
        tokens: Tokens read and written by language models.
        rounds: Rounds after the start.
        batch: Items picked in a round.

    Raises:
        BudgetError: A limit is negative or not a number, the batch is below one, or people may
            give fewer labels than a batch has items.
    """

    human_labels: int | None = None
    money: float | None = None
    tokens: int | None = None
    rounds: int | None = None
    batch: int = 20

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise BudgetError(f"a batch of {self.batch} items is empty", fix="use 1 or more")
        for name in ("human_labels", "money", "tokens", "rounds"):
            value = getattr(self, name)
            # Not `value < 0`: nothing exceeds a limit that is not a number.
            if value is not None and not value >= 0:
                raise BudgetError(f"{name} is {value}", fix="a limit must be 0 or more")
        if self.human_labels is not None and 0 < self.human_labels < self.batch:
            raise BudgetError(
                f"the budget of {self.human_labels} human labels is smaller than a batch of "
                f"{self.batch}",
                fix="raise human_labels or lower batch",
            )

    def human_labels_left(self, spent: Usage) -> int | None:
        """Labels that people may still give; None if there is no limit."""
        if self.human_labels is None:
            return None
        return max(0, self.human_labels - spent.human_labels)

    def exceeded_by(self, spent: Usage, more: Usage) -> str | None:
        """Which limit of money or tokens would be passed by spending more; None if none."""
        if self.money is not None and spent.money + more.money > self.money + 1e-9:
            return f"the budget of {self.money:g} money"
        if self.tokens is not None and spent.tokens + more.tokens > self.tokens:
            return f"the budget of {self.tokens:,} tokens"
        return None

    def capped(self, most: Usage) -> Usage:
        """What something can cost that may go on to these limits of money and tokens at most."""
        money = most.money if self.money is None else min(most.money, self.money)
        if self.tokens is None or most.tokens <= self.tokens:
            return replace(most, money=money)
        written = min(most.completion_tokens, self.tokens)
        return replace(
            most, prompt_tokens=self.tokens - written, completion_tokens=written, money=money
        )

    def part_of(
        self, plan: BatchPlan[Any], size: int, spent: Usage
    ) -> tuple[int, Usage, str | None]:
        """How many items of a plan, from the first on, may be worked on.

        Args:
            plan: Of the work on all of them.
            size: How many there are.
            spent: What was spent before.

        Returns:
            How many; the most that they cost; and which limit another would pass, None if all may.
        """
        limit = self.exceeded_by(spent, plan.highest)
        if limit is None:
            return size, plan.highest, None
        fits, cost = 0, plan.once
        for one in plan.each:
            if self.exceeded_by(spent, cost + one) is not None:
                break
            fits, cost = fits + 1, cost + one
        return fits, cost, limit
