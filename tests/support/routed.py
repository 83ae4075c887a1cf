"""A campaign with three machines that differ, and people, behind a routing policy."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from told_answers import TASK
from word_bayes import WordBayes

from llmal import Annotation, Budget, Campaign, Pool, WorkOrder
from llmal.annotators import Outside, Router
from llmal.annotators.policies import Answers, PilotItem, RoutingPolicy
from llmal.selectors import Random

MACHINES = ("small", "middle", "large")
_RIGHT = {"small": 0.7, "middle": 0.8, "large": 0.95}
_OTHER = {"animal": "food", "food": "animal"}


def truth_of(item_id: str) -> str:
    """What every person says."""
    return "animal" if int(item_id[1:]) % 2 else "food"


def answer_of(item_id: str, stage: str) -> Annotation:
    """What a stage says about an item, whenever it is asked."""
    truth = truth_of(item_id)
    if stage == "human":
        return Annotation(item_id, truth, "human", "human")
    digest = hashlib.blake2b(f"{stage} {item_id}".encode(), digest_size=4).digest()
    sure = round(0.4 + 0.6 * digest[0] / 256, 3)
    right = digest[1] / 256 < _RIGHT[stage] + 0.5 * (sure - 0.7)
    label = None if digest[2] < 8 else truth if right else _OTHER[truth]
    shares = None if label is None else {label: sure, _OTHER[label]: 1 - sure}
    return Annotation(item_id, label, stage, "llm", probabilities=shares)


def all_said(item_id: str, machines: Sequence[str] = MACHINES) -> Answers:
    """What all machines say about an item, by place."""
    return {place: answer_of(item_id, stage) for place, stage in enumerate(machines)}


def pilot_of(item_ids: Sequence[str], machines: Sequence[str] = MACHINES) -> list[PilotItem]:
    """What a policy is fitted to where people have labelled these items."""
    return [PilotItem(truth_of(i), all_said(i, machines)) for i in item_ids]


def campaign_of(
    pool: Pool,
    directory: Path,
    policy: RoutingPolicy | None,
    machines: Sequence[str] = MACHINES,
    **options: Any,
) -> Campaign:
    """A campaign that finishes the pool; by default one that promises nothing."""
    given: dict[str, Any] = {
        "annotator": Router([*(Outside(one, "llm") for one in machines), Outside("human")], policy),
        "learner": WordBayes(),
        "selector": Random(),
        "start": Random(),
        "objective": "labels",
        "guarantee": "off",
        "budget": Budget(batch=40),
        "seed": 3,
        **options,
    }
    return Campaign(TASK, pool, directory=directory, **given)


def answers_to(order: WorkOrder) -> list[Annotation]:
    """All answers to an order."""
    return [answer_of(i, order.stage) for i in order.items.ids()]


def finish(campaign: Campaign, *, until: str | None = None) -> list[WorkOrder]:
    """Tell whole orders until the campaign has ended, or a phase is asked about.

    Returns:
        The orders that were answered.
    """
    orders: list[WorkOrder] = []
    while (order := campaign.ask()) is not None and order.phase != until:
        orders.append(order)
        campaign.tell(answers_to(order))
    return orders


def finish_with_kills(
    pool: Pool, directory: Path, policy: RoutingPolicy, seed: int, **options: Any
) -> int:
    """Tell orders in part and in disorder, each to a campaign that knows nothing but its ledger.

    Returns:
        How many items machines were asked about that had answered them already.
    """
    rng = random.Random(seed)
    asked: set[tuple[int, str, str]] = set()
    twice = 0
    while True:
        with campaign_of(pool, directory, policy, **options) as campaign:
            order = campaign.ask()
            if order is None:
                return twice
            answers = answers_to(order)
            rng.shuffle(answers)
            part = answers[: rng.randint(1, len(answers))]
            campaign.tell(part)
        keys = {(order.round, order.stage, one.item_id) for one in part}
        twice += len(keys & asked)
        asked |= keys
