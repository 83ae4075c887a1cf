"""The round in which people are asked about a sample of labels that were known before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked, NextRound, Standing
from llmal.selectors.protocol import Selector


@dataclass(frozen=True)
class Check:
    """One round over a sample of the known labels, before they are trusted."""

    names: ClassVar[tuple[str, ...]] = ("check",)
    purpose: ClassVar[Purpose] = "review"
    asks: ClassVar[Asked] = "people"
    stays_open: ClassVar[bool] = False
    selectors: ClassVar[Sequence[Selector]] = ()

    def next(self, standing: Standing) -> NextRound | None:
        """Its one round, if there is something to check and it has not been yet."""
        if standing.count(self.names) or not standing.to_check or standing.refused is not None:
            return None
        return None if standing.human_labels_left == 0 else NextRound(items=standing.to_check)
