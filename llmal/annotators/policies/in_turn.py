"""The machines are asked in turn, until an answer passes the rule of its stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmal.annotators.policies.protocol import Answers, Ask, Machine, People, Route, Stands


@dataclass(frozen=True)
class InTurn:
    """Each machine's answer stands from the threshold of its stage on; else the next one is asked,
    and people at the end. A router without a policy does the same.
    """

    def check(self, machines: Sequence[Machine], *, people: bool) -> None:
        """It fits all."""

    def route(self, answers: Sequence[Answers], machines: Sequence[Machine]) -> list[Route]:
        """See `RoutingPolicy`."""
        return [_next(said, machines) for said in answers]


def _next(said: Answers, machines: Sequence[Machine]) -> Route:
    for place, machine in enumerate(machines):
        if place not in said:
            return Ask(place)
        if said[place].label is not None and machine.accepts(said[place]):
            return Stands(place)
    return People()
