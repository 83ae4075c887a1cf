"""The round in which people label a uniform sample, from which a promise is prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked, NextRound, Standing
from llmal.selectors.protocol import Selector


@dataclass(frozen=True)
class Seed:
    """One round, drawn uniformly before the machines answer, who may be shown its labels."""

    names: ClassVar[tuple[str, ...]] = ("seed",)
    purpose: ClassVar[Purpose] = "train"
    asks: ClassVar[Asked] = "people"
    stays_open: ClassVar[bool] = False
    selectors: ClassVar[Sequence[Selector]] = ()

    def next(self, standing: Standing) -> NextRound | None:
        """Its one round, as far as the budget for people reaches."""
        if standing.promise is None or standing.count(self.names) or standing.refused is not None:
            return None
        items = standing.promise.seed()
        return NextRound(items=items, picked_by="uniform") if items else None
