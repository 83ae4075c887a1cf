"""Routing policies: who is asked about an item, and whose answer stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.annotators.policies.protocol import (
    Answers,
    Ask,
    FittedPolicy,
    Machine,
    People,
    PilotItem,
    Route,
    RoutingPolicy,
    Stands,
)
from llmal.core.lazy import attributes
from llmal.core.registry import Registry

if TYPE_CHECKING:
    from llmal.annotators.policies.band import Band
    from llmal.annotators.policies.cascade import Cascade
    from llmal.annotators.policies.in_turn import InTurn
    from llmal.annotators.policies.last_answer import LastAnswerStands, last_answer_stands
    from llmal.annotators.policies.learner import LearnerOrMachine
    from llmal.annotators.policies.three_way import ThreeWay

_HOMES = {
    "Band": "band",
    "Cascade": "cascade",
    "InTurn": "in_turn",
    "LastAnswerStands": "last_answer",
    "LearnerOrMachine": "learner",
    "ThreeWay": "three_way",
    "last_answer_stands": "last_answer",
}

REGISTRY = Registry(
    "policies",
    {
        "threshold": "llmal.annotators.policies.in_turn:InTurn",
        "band": "llmal.annotators.policies.band:Band",
        "cascade": "llmal.annotators.policies.cascade:Cascade",
        "learner": "llmal.annotators.policies.learner:LearnerOrMachine",
        "three_way": "llmal.annotators.policies.three_way:ThreeWay",
    },
)
"""Routing policies, by their names in a configuration."""

__all__ = [
    "REGISTRY",
    "Answers",
    "Ask",
    "Band",
    "Cascade",
    "FittedPolicy",
    "InTurn",
    "LastAnswerStands",
    "LearnerOrMachine",
    "Machine",
    "People",
    "PilotItem",
    "Route",
    "RoutingPolicy",
    "Stands",
    "ThreeWay",
    "last_answer_stands",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
