"""Rounds in which people label what is likely wrong, before the rest is audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked, Ended, NextRound, Standing
from llmal.selectors.protocol import Selector


@dataclass(frozen=True)
class Doubtful:
    """Rounds over the most doubtful items, until most labels of the rest may be expected to stay.

    When they are over, the labels of the rest and their order are frozen.
    """

    # A run that was begun with a threshold may go on with a promise.
    names: ClassVar[tuple[str, ...]] = ("doubtful", "start")
    purpose: ClassVar[Purpose] = "train"
    asks: ClassVar[Asked] = "people"
    stays_open: ClassVar[bool] = False
    selectors: ClassVar[Sequence[Selector]] = ()

    def next(self, standing: Standing) -> NextRound | Ended | None:
        """The next doubtful items; none once labels and order are frozen."""
        promise = standing.promise
        if promise is None or promise.is_frozen:
            return None
        reason = standing.spent
        if reason is not None:
            return Ended(reason)
        items = promise.advance()
        return NextRound(items=items, picked_by="doubt") if items else None
