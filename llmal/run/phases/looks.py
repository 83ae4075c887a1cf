"""Rounds in which people audit frozen labels, look by look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked, Ended, NextRound, Standing
from llmal.selectors.protocol import Selector


@dataclass(frozen=True)
class Looks:
    """A round for each look of an audit, until it shows which labels may stay.

    Nothing learns from its answers. People are asked as in every other round.
    """

    names: ClassVar[tuple[str, ...]] = ("audit",)
    purpose: ClassVar[Purpose] = "audit"
    asks: ClassVar[Asked] = "people"
    stays_open: ClassVar[bool] = False
    selectors: ClassVar[Sequence[Selector]] = ()

    def next(self, standing: Standing) -> NextRound | Ended | None:
        """The items of the next look; none once there is a certificate."""
        promise = standing.promise
        if promise is None or not promise.is_frozen:
            return None
        items = promise.look()
        if not items:
            return None
        if standing.spent is not None:
            return Ended(standing.spent)
        return NextRound(items=items, picked_by="uniform")
