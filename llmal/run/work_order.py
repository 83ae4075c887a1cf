"""What is to be done next in a campaign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from llmal.core.records import Answer, Purpose
from llmal.pool import Pool


@dataclass(frozen=True)
class WorkOrder:
    """Items that a stage is to answer.

    Attributes:
        items: The items that lack answers of this stage, in the order in which they are wanted: a
            view of the pool, read from disk as it is gone through.
        phase: The part of the campaign, such as "start" or "review".
        round: Number of the round.
        purpose: What the answers are for; says who may see them.
        stage: Who answers: the name of an annotator of the campaign.
        wanted: Answers that are wanted of an item, each of another worker: so many at most, where
            only a share of the items gets several.
        why: For each item, why it was picked.
        answered: Items of the same order that this stage has answered already.
        missing: For each item, how many answers are still wanted.
        answered_by: For each item, the workers who have answered it; empty where one is wanted.
        earlier: For items that are asked about again since the task has changed what people had
            said, in the labels of then.
    """

    items: Pool
    phase: str
    round: int
    purpose: Purpose
    stage: str
    wanted: int
    why: Sequence[str]
    answered: int = 0
    missing: Sequence[int] = ()
    answered_by: Sequence[Set[str]] = field(default_factory=tuple)
    earlier: Mapping[str, Answer] = field(default_factory=dict)
