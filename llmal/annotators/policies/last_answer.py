"""A policy under which nothing is left without a label, as an audit decides what may stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmal.annotators.policies.protocol import (
    Answers,
    FittedPolicy,
    Machine,
    People,
    PilotItem,
    Route,
    RoutingPolicy,
    Stands,
)


@dataclass(frozen=True)
class LastAnswerStands:
    """Has machines asked as another policy does; where that wants people, the last answer stands.

    Attributes:
        policy: The other policy.
    """

    policy: RoutingPolicy

    def check(self, machines: Sequence[Machine], *, people: bool) -> None:
        """As the other policy."""
        self.policy.check(machines, people=people)

    def route(self, answers: Sequence[Answers], machines: Sequence[Machine]) -> list[Route]:
        """See `RoutingPolicy`."""
        routes = self.policy.route(answers, machines)
        return [_kept(route, said) for route, said in zip(routes, answers, strict=True)]


@dataclass(frozen=True)
class LastFittedAnswerStands(LastAnswerStands):
    """The same of a policy that is fitted."""

    policy: RoutingPolicy
    of: FittedPolicy

    def fit(self, pilot: Sequence[PilotItem], machines: Sequence[Machine]) -> dict[str, Any]:
        """As the other policy."""
        return self.of.fit(pilot, machines)

    def fitted(self, fit: Mapping[str, Any]) -> RoutingPolicy:
        """As the other policy, with the last answer where that wants people."""
        return LastAnswerStands(self.of.fitted(fit))


def last_answer_stands(policy: RoutingPolicy) -> RoutingPolicy:
    """The policy under which nothing is left without a label."""
    if isinstance(policy, FittedPolicy):
        return LastFittedAnswerStands(policy, policy)
    return LastAnswerStands(policy)


def _kept(route: Route, said: Answers) -> Route:
    if not isinstance(route, People):
        return route
    labelled = [place for place, answer in said.items() if answer.label is not None]
    return Stands(max(labelled)) if labelled else route
