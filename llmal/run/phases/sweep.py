"""The round in which the machines go over the whole pool; another one if task or pool change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked, Ended, NextRound, Standing
from llmal.selectors.protocol import Selector


@dataclass(frozen=True)
class Sweep:
    """One round over every item that no person has labelled.

    Attributes:
        last: Whether the campaign ends with it.
    """

    names: ClassVar[tuple[str, ...]] = ("sweep",)
    purpose: ClassVar[Purpose] = "train"
    asks: ClassVar[Asked] = "machines"
    stays_open: ClassVar[bool] = True
    selectors: ClassVar[Sequence[Selector]] = ()

    last: bool = False

    def next(self, standing: Standing) -> NextRound | Ended | None:
        """Its one round, if that has not been yet; another one for what it has left out since."""
        if not standing.count(self.names) or standing.reopened.unswept:
            return NextRound()
        return Ended("every annotator has been over the pool") if self.last else None
