"""One machine decides what is clear; what is less clear is put to the vote of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from llmal.annotators.policies.protocol import Answers, Ask, Machine, People, Route, Stands
from llmal.errors import ConfigError


@dataclass(frozen=True)
class Band:
    """Lets the first machine's answer stand where it is sure, and others vote where it is not.

    From `high` on the first machine's answer stands, and below `low` the item goes to people. In
    between, the other machines (other prompts, demonstrations or models) are asked one by one,
    until `agree` answers are the same, of which the last one stands; where that cannot be reached
    any more, people are asked. Where the first machine has no label, the others vote.

    Attributes:
        low: Below this confidence the item goes to people.
        high: From this confidence on the answer stands.
        agree: How many answers have to be the same, the first machine's among them.

    Raises:
        ConfigError: No band, or fewer than two votes.
    """

    low: float = 0.5
    high: float = 0.9
    agree: int = 2

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1:
            raise ConfigError(
                f"low is {self.low} and high is {self.high}",
                fix="give probabilities, the lower one first, such as 0.5 and 0.9",
            )
        if self.agree < 2:
            raise ConfigError(f"agree is {self.agree}", fix="use 2 or more")

    def check(self, machines: Sequence[Machine], *, people: bool) -> None:
        """See that there are enough to vote, people behind them, and a first one that is sure or
        not.
        """
        if not people:
            raise ConfigError(
                "the routing band sends items to people, and no annotator is one", fix="add people"
            )
        if len(machines) < self.agree:
            raise ConfigError(
                f"{self.agree} answers can not agree where {len(machines)} machines are asked",
                fix="lower agree, or name more annotators: other prompts or models",
            )
        if not machines[0].gives_confidence:
            raise ConfigError(
                f"the labels of {machines[0].name!r} come without confidence, by which the routing "
                "band decides",
                fix="name the column with the confidences, or put another annotator first",
            )

    def route(self, answers: Sequence[Answers], machines: Sequence[Machine]) -> list[Route]:
        """See `RoutingPolicy`."""
        return [self._next(said, len(machines)) for said in answers]

    def _next(self, said: Answers, machines: int) -> Route:
        if 0 not in said:
            return Ask(0)
        if said[0].label is not None:
            # Without probabilities it is as unsure as can be.
            confidence = said[0].confidence or 0.0
            if confidence >= self.high:
                return Stands(0)
            if confidence < self.low:
                return People()
        votes: Counter[object] = Counter()
        for place in range(machines):
            if place not in said:
                still = machines - place
                within_reach = max(votes.values(), default=0) + still >= self.agree
                return Ask(place) if within_reach else People()
            label = said[place].label
            if label is not None:
                votes[label] += 1
                if votes[label] == self.agree:
                    return Stands(place)
        return People()
