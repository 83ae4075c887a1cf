"""The first round of a campaign, when there are no labels."""

from __future__ import annotations

from dataclasses import dataclass

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked, NextRound, Standing
from llmal.selectors.protocol import Selector


@dataclass(frozen=True)
class Start:
    """One round, picked without knowing any label.

    Attributes:
        selector: Picks its items.
        size: How many.
        asks: Who answers.
        later: What phases that come after it are called in ledgers.
    """

    selector: Selector
    size: int
    asks: Asked = "everybody"
    names: tuple[str, ...] = ("start",)
    purpose: Purpose = "train"
    stays_open: bool = False
    later: tuple[str, ...] = ("sweep", "query", "review")

    def next(self, standing: Standing) -> NextRound | None:
        """Its one round, if that has not been yet, nor anything that comes after it."""
        begun = standing.count(self.names) + standing.count(self.later)
        return None if begun else NextRound(self.selector, self.size)
