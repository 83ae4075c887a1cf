"""The first round of a campaign, when there are no labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked, NextRound, Standing
from llmal.selectors.protocol import Selector


@dataclass(frozen=True)
class Start:
    """One round, picked without knowing any label.

    Attributes:
        start: Picks its items.
        start_items: How many.
        asks: Who answers.
    """

    names: ClassVar[tuple[str, ...]] = ("start",)
    purpose: ClassVar[Purpose] = "train"
    stays_open: ClassVar[bool] = False
    later: ClassVar[tuple[str, ...]] = ("sweep", "query", "review")
    """What phases that come after it are called in ledgers."""

    start: Selector
    start_items: int
    asks: Asked = "everybody"

    @property
    def selectors(self) -> Sequence[Selector]:
        """The one that picks."""
        return (self.start,)

    def next(self, standing: Standing) -> NextRound | None:
        """Its one round, if that has not been yet, nor anything that comes after it; none if labels
        were known before.
        """
        begun = standing.count(self.names) + standing.count(self.later)
        return None if begun or standing.knows_labels else NextRound(self.start, self.start_items)
