"""The round in which people label what an audit sends to them, so that the promise is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked, Ended, NextRound, Standing
from llmal.selectors.protocol import Selector

DONE = "people have labelled all that the promise takes"


@dataclass(frozen=True)
class Complete:
    """A round over all items that people have still to label, the most doubtful first."""

    names: ClassVar[tuple[str, ...]] = ("review", "query")
    purpose: ClassVar[Purpose] = "review"
    asks: ClassVar[Asked] = "people"
    stays_open: ClassVar[bool] = False
    selectors: ClassVar[Sequence[Selector]] = ()

    def next(self, standing: Standing) -> NextRound | Ended | None:
        """What is left; then the campaign has ended."""
        promise = standing.promise
        if promise is None:
            return None
        items = promise.review()
        if items and standing.spent is None:
            return NextRound(items=items, picked_by="doubt")
        return Ended(standing.spent if items and standing.spent else DONE)
