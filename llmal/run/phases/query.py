"""Rounds in which a selector picks what is worth a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from llmal.core.records import Purpose
from llmal.core.words import counted
from llmal.run.budget import Budget
from llmal.run.phases.protocol import Asked, Ended, NextRound, Standing
from llmal.selectors.protocol import Selector
from llmal.stopping import StoppingRule


@dataclass(frozen=True)
class Query:
    """A batch a round, until the budget or a rule ends the campaign.

    Attributes:
        selector: Picks.
        start: Picks while fewer than two labels have been seen, of which nothing is learnt.
        budget: The size of a batch, and the limits.
        stop: Rules that end the campaign before the budget does.
        asks: Who answers.
    """

    names: ClassVar[tuple[str, ...]] = ("query",)
    purpose: ClassVar[Purpose] = "train"
    stays_open: ClassVar[bool] = False
    swept: ClassVar[bool] = False

    selector: Selector
    start: Selector
    budget: Budget
    stop: Sequence[StoppingRule] = field(default_factory=tuple)
    asks: Asked = "everybody"

    @property
    def selectors(self) -> Sequence[Selector]:
        """The one that picks while nothing is learnt, and the one that picks then."""
        return (self.start, self.selector)

    def next(self, standing: Standing) -> NextRound | Ended:
        """The next batch, or why there is none."""
        reason = self._end(standing)
        if reason is not None:
            return Ended(reason)
        return NextRound(self.selector, self.budget.batch, self.start, self.swept)

    def _end(self, standing: Standing) -> str | None:
        if standing.refused is not None:
            return standing.refused
        if standing.human_labels_left == 0:
            return f"the budget of {self.budget.human_labels} human labels is spent"
        if self.budget.rounds is not None and standing.count(self.names) >= self.budget.rounds:
            return f"{counted(self.budget.rounds, 'round is', 'rounds are')} done"
        history = [one.metrics for one in standing.rounds]
        reasons = (rule.reason(history) for rule in self.stop)
        return next((one for one in reasons if one is not None), None)
