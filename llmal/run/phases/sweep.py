"""The round in which the machines go over the whole pool."""

from __future__ import annotations

from dataclasses import dataclass

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked, Ended, NextRound, Standing


@dataclass(frozen=True)
class Sweep:
    """One round over every item that no person has labelled.

    Attributes:
        last: Whether the campaign ends with it.
    """

    last: bool = False
    asks: Asked = "machines"
    names: tuple[str, ...] = ("sweep",)
    purpose: Purpose = "train"
    stays_open: bool = True

    def next(self, standing: Standing) -> NextRound | Ended | None:
        """Its one round, if that has not been yet."""
        if not standing.count(self.names):
            return NextRound()
        return Ended("every annotator has been over the pool") if self.last else None
