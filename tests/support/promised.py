"""A campaign that works for a promise, with a machine whose confidence says something."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from told_answers import TASK, content_of
from word_bayes import WordBayes

from llmal import Annotation, Budget, Campaign, Pool, WorkOrder
from llmal.annotators import Outside, Router
from llmal.guarantee import Evidence, Guarantee
from llmal.guarantee.audit_plan import AuditPlan
from llmal.guarantee.confidence_score import ConfidenceScore
from llmal.guarantee.scored import ScoredPool
from llmal.guarantee.seeding import UniformSeed
from llmal.ledger import Ledger
from llmal.selectors import Margin, Random


class Steady:
    """A plan of an audit, batches and looks that no tuning changes: people label three tenths of
    the pool before the audit, 15 at a time, and the audit looks at 20 items, then at 40.
    """

    def audit(self, probability_wrong: NDArray[np.float64], allowed: int) -> AuditPlan:
        half = len(probability_wrong) // 2
        return AuditPlan(kept=half, audited=40, saved=float(half))

    def size(self, items: int, rest: int, plan: AuditPlan) -> int:
        return 15 if items - rest < 0.3 * items else 0

    def plan(self, audited: int, rest: int) -> tuple[int, ...]:
        return tuple(sorted({min(rest, 20), min(rest, audited)}))


SMALL: dict[str, Any] = {
    "seed": UniformSeed(least=20, share=0.0),
    "score": ConfidenceScore(),
    **dict.fromkeys(("plan", "batch", "looks"), Steady()),
}
"""Parts of a procedure for pools of a hundred items or two."""


class PartlyLearnt(ConfidenceScore):
    """Where the machine is unsure, somebody else says that it is food."""

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> ScoredPool:
        scored = super().fit(evidence, rng)
        assert evidence.probabilities is not None
        unsure = evidence.probabilities.max(axis=1, initial=0.0) < 0.7
        labels = np.where(unsure, TASK.index("food"), scored.labels)
        return replace(scored, labels=labels, by=np.where(unsure, "learner", "machine"))


def truth_of(item_id: str) -> str:
    """What every person says."""
    return "animal" if int(item_id[1:]) % 2 else "food"


def machine_says(item_id: str) -> tuple[str, float]:
    """A label, wrong in one of six, and how sure it is: rightly so, more or less."""
    digest = hashlib.blake2b(f"machine {item_id}".encode(), digest_size=4).digest()
    sure = 0.5 + digest[0] / 512
    right = digest[1] / 256 < 0.62 + 0.76 * (sure - 0.5)
    truth = truth_of(item_id)
    return (truth if right else {"animal": "food", "food": "animal"}[truth]), sure


def campaign_of(pool: Pool, directory: Path, **options: Any) -> Campaign:
    """A campaign of a machine and people; by default with the usual promise."""
    given: dict[str, Any] = {
        "annotator": Router([Outside("llm", "llm"), Outside("human")]),
        "learner": WordBayes(),
        "selector": Margin(),
        "start": Random(),
        "objective": "labels",
        "guarantee": Guarantee(parts=SMALL),
        "budget": Budget(batch=5),
        "seed": 3,
        **options,
    }
    task = given.pop("task", TASK)
    return Campaign(task, pool, directory=directory, **given)


def answers_to(order: WorkOrder, skip: Iterable[str] = ()) -> list[Annotation]:
    """All answers to an order.

    Args:
        order: It.
        skip: Items that people have no answer for.
    """
    skipped = {*skip}
    if order.stage == "human":
        return [
            Annotation(i, None if i in skipped else truth_of(i), "human", "human")
            for i in order.items.ids()
        ]
    found = []
    for i in order.items.ids():
        label, sure = machine_says(i)
        other = {"animal": "food", "food": "animal"}[label]
        shares = {label: sure, other: 1 - sure}
        found.append(Annotation(i, label, order.stage, "llm", probabilities=shares))
    return found


def finish(
    campaign: Campaign, *, until: str | None = None, skip: Iterable[str] = ()
) -> list[WorkOrder]:
    """Tell whole orders until the campaign has ended, or a phase is asked about.

    Returns:
        The orders that were answered.
    """
    orders: list[WorkOrder] = []
    while (order := campaign.ask()) is not None and order.phase != until:
        orders.append(order)
        campaign.tell(answers_to(order, skip))
    return orders


def all_of(place: str | Path) -> dict[str, Any]:
    """All that a ledger holds, but for clocks and the order in which answers came."""
    with Ledger.open(place) as ledger:
        return {
            **content_of(place),
            "frozen": [replace(one, time=0.0) for one in ledger.frozen()],
            "certificates": [replace(one, time=0.0) for one in ledger.certificates()],
        }
