"""Rounds over items whose answers say nothing any more, after a change of the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked, NextRound, Standing
from llmal.selectors.protocol import Selector


@dataclass(frozen=True)
class Again:
    """A round in which those are asked again whose labels the task has no longer.

    Attributes:
        asks: "people", about what people had answered; or "everybody", about what machines had.
    """

    purpose: ClassVar[Purpose] = "train"
    stays_open: ClassVar[bool] = False
    selectors: ClassVar[Sequence[Selector]] = ()

    asks: Asked = "people"

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called in ledgers."""
        return ("again",) if self.asks == "people" else ("machines again",)

    def next(self, standing: Standing) -> NextRound | None:
        """A round over all such items, as far as the budget for people reaches."""
        if standing.refused is not None:
            return None
        if self.asks == "everybody":
            return self._round(standing.reopened.by_machines, None)
        left = standing.human_labels_left
        return self._round(standing.reopened.by_people, left)

    def _round(self, items: Mapping[str, str], most: int | None) -> NextRound | None:
        chosen = dict(islice(items.items(), most))
        return NextRound(items=chosen) if chosen else None
