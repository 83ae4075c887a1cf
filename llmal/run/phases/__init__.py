"""The parts of a campaign. An objective is a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from llmal.run.budget import Budget
from llmal.run.phases.again import Again
from llmal.run.phases.audit import Audit
from llmal.run.phases.catalogue import REGISTRY
from llmal.run.phases.check import Check
from llmal.run.phases.complete import Complete
from llmal.run.phases.doubtful import Doubtful
from llmal.run.phases.looks import Looks
from llmal.run.phases.protocol import (
    Asked,
    ClosesCampaign,
    DrawnFrom,
    Ended,
    NextRound,
    Phase,
    Promising,
    Reopened,
    Standing,
    closes,
)
from llmal.run.phases.query import Query
from llmal.run.phases.review import Review
from llmal.run.phases.seed import Seed
from llmal.run.phases.start import Start
from llmal.run.phases.sweep import Sweep
from llmal.selectors.protocol import Selector
from llmal.stopping import StoppingRule

Objective = Literal["model", "labels"]

__all__ = [
    "REGISTRY",
    "Again",
    "Asked",
    "Audit",
    "Check",
    "ClosesCampaign",
    "Complete",
    "Doubtful",
    "DrawnFrom",
    "Ended",
    "Looks",
    "NextRound",
    "Objective",
    "Phase",
    "Promising",
    "Query",
    "Reopened",
    "Review",
    "Seed",
    "Standing",
    "Start",
    "Sweep",
    "closes",
    "phases_before_all",
    "phases_of",
]


def phases_before_all(*, people: bool, sweeps: bool) -> list[Phase]:
    """What comes first in every campaign: what has to be asked again or checked, if anything has.

    Args:
        people: Whether people answer.
        sweeps: Whether machines go over the whole pool, and so over what they had answered.
    """
    first: list[Phase] = [Again(), Check()] if people else []
    return first if sweeps else [*first, Again("everybody")]


def phases_of(
    objective: Objective,
    *,
    start: Selector,
    start_items: int,
    selector: Selector,
    budget: Budget,
    stop: Sequence[StoppingRule] = (),
    people: bool = True,
    machines: bool = False,
    certify: bool = False,
) -> list[Phase]:
    """The phases of an objective.

    Args:
        objective: "model" or "labels".
        start: Picks the first round.
        start_items: Items of the first round.
        selector: Picks the other rounds.
        budget: The size of a batch, and the limits.
        stop: Rules that end the campaign before the budget does.
        people: Whether people answer.
        machines: Whether annotators answer that are no people.
        certify: Whether a promise about the labels is worked for, where people and machines answer.
    """
    sweeps = objective == "labels" and machines
    first = phases_before_all(people=people, sweeps=sweeps)
    if not sweeps:
        return [*first, Start(start, start_items), Query(selector, start, budget, tuple(stop))]
    if not people:
        return [Sweep(last=True)]
    if certify:
        return [*first, Seed(), Sweep(), Doubtful(), Looks(), Complete()]
    return [
        *first,
        Start(start, start_items, asks="people"),
        Sweep(),
        Review(selector, start, budget, tuple(stop)),
    ]
