"""A learner and a machine answer, and the surer of the two stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmal.annotators.policies.protocol import Answers, Ask, Machine, People, Route, Stands
from llmal.errors import ConfigError


@dataclass(frozen=True)
class LearnerOrMachine:
    """Lets a learner's label stand where it is surer than the machine, else the machine's.

    The first annotator is the learner (`learned`), the second the machine; both are asked. The
    learner's label stands if it reaches its threshold and is surer than the machine, or the machine
    does not say how sure it is; else the machine's if it reaches its own. Further machines, such as
    one with demonstrations, are asked after them in turn, and people at the end. After HybridAL
    (Rouzegar and Makrehchi 2024).
    """

    def check(self, machines: Sequence[Machine], *, people: bool) -> None:
        """See that there is a learner that says how sure it is, and a machine beside it.

        Raises:
            ConfigError: There is not.
        """
        if len(machines) < 2:
            raise ConfigError(
                "the routing learner takes a learner and a machine, and there is one annotator "
                "before people",
                fix="name both, the learner first: annotator: [learned, llm, human]",
            )
        if not machines[0].gives_confidence:
            raise ConfigError(
                f"the labels of {machines[0].name!r} come without confidence, by which the routing "
                "learner decides",
                fix="put the learner first",
            )

    def route(self, answers: Sequence[Answers], machines: Sequence[Machine]) -> list[Route]:
        """See `RoutingPolicy`."""
        return [_next(said, machines) for said in answers]


def _next(said: Answers, machines: Sequence[Machine]) -> Route:
    for place in (0, 1):
        if place not in said:
            return Ask(place)
    learner, machine = said[0], said[1]
    sure, other = learner.confidence, machine.confidence
    surer = sure is not None and (other is None or sure > other)
    if surer and machines[0].accepts(learner):
        return Stands(0)
    for place in range(1, len(machines)):
        if place not in said:
            return Ask(place)
        if said[place].label is not None and machines[place].accepts(said[place]):
            return Stands(place)
    return People()
