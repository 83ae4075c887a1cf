"""A campaign whose answers are told: always the same ones, in whatever order and by whomever."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from word_bayes import WordBayes

from llmal import Annotation, Budget, Campaign, Pool, Task, WorkOrder
from llmal.annotators import Outside, Router, Stage, Threshold
from llmal.core.records import Item
from llmal.ledger import Ledger
from llmal.selectors import Margin, Random

TASK = Task("farm", ["animal", "food"])
_ANIMALS = ["cat", "dog", "horse", "cow", "sheep", "goat", "hen", "duck"]
_FOODS = ["bread", "soup", "cheese", "pie", "rice", "salad", "stew", "cake"]
_PLACES = ["barn", "field", "river", "hill", "wood", "yard", "road", "bridge", "gate", "pond"]


def pool_of(count: int, cache: Path) -> Pool:
    """Texts of which no two are the same."""
    texts = []
    for n in range(count):
        names = _ANIMALS if n % 2 else _FOODS
        texts.append(f"{names[n // 2 % 8]} {_PLACES[n // 16 % 10]} {n // 160} {names[n % 7]}")
    return Pool.from_texts(texts, ids=[f"i{n:04d}" for n in range(count)], cache=cache)


def campaign_of(pool: Pool, directory: Path, **options: Any) -> Campaign:
    """A campaign of a machine that is often unsure, and of people."""
    given: dict[str, Any] = {
        "annotator": Router([Stage(Outside("llm", "llm"), Threshold(0.75)), Outside("human")]),
        "learner": WordBayes(),
        "selector": Margin(),
        "start": Random(),
        "guarantee": "off",
        "budget": Budget(batch=6),
        "seed": 3,
        **options,
    }
    return Campaign(TASK, pool, directory=directory, **given)


def answer_of(item: Item, stage: str, round: int | None = None) -> Annotation:
    """What a stage says about an item, whenever it is asked."""
    digest = hashlib.blake2b(f"{stage} {item.id}".encode(), digest_size=4).digest()
    truth = "animal" if int(item.id[1:]) % 2 else "food"
    other = "food" if truth == "animal" else "animal"
    if stage == "human":
        label = None if digest[0] % 16 == 0 else truth
        return Annotation(item.id, label, "human", "human", round=round)
    label = truth if digest[0] % 8 else other
    sure = 0.5 + digest[1] / 512
    return Annotation(
        item.id,
        label,
        "llm",
        "llm",
        probabilities={label: sure, (other if label == truth else truth): 1 - sure},
        round=round,
    )


def answers_to(order: WorkOrder, rng: random.Random) -> list[Annotation]:
    """All answers to an order, in any order; half of the times without the round."""
    number = rng.choice([None, order.round])
    answers = [answer_of(item, order.stage, number) for item in order.items]
    rng.shuffle(answers)
    return answers


def finish(campaign: Campaign) -> set[tuple[int, str]]:
    """Tell whole orders until the campaign has ended.

    Returns:
        The orders: round and stage of each.
    """
    orders = set()
    while (order := campaign.ask()) is not None:
        orders.add((order.round, order.stage))
        campaign.tell(answer_of(item, order.stage) for item in order.items)
    return orders


def tell_in_disorder(
    count: int, cache: Path, directory: Path, ledger: str, seed: int, options: dict[str, Any]
) -> None:
    """Work at a campaign that others may work at too: orders in part, again, out of order."""
    rng = random.Random(seed)
    before: list[Annotation] = []
    with campaign_of(pool_of(count, cache), directory, ledger=ledger, **options) as campaign:
        while (order := campaign.ask()) is not None:
            answers = answers_to(order, rng)
            part = answers[: rng.randint(1, len(answers))]
            told = part + rng.sample(before, min(len(before), rng.randint(0, 4)))
            rng.shuffle(told)
            campaign.tell(told)
            if rng.random() < 0.3:
                campaign.tell(reversed(part))
            before += part


def answer_by(item: Item, worker: str) -> Annotation:
    """What one of several people says about an item: all say the same, so that labels do not depend
    on who was asked.
    """
    return replace(answer_of(item, "human"), annotator=worker, stage="human")


def work(
    worker: str, count: int, cache: Path, directory: Path, ledger: str, options: dict[str, Any]
) -> None:
    """Ask for work as one of several people, a few items at a time, and answer it."""
    rng = random.Random(worker)
    with campaign_of(pool_of(count, cache), directory, ledger=ledger, **options) as campaign:
        while True:
            order = campaign.ask(worker=worker, at_most=rng.randint(1, 4), seconds=3600)
            if order is not None:
                campaign.tell(answer_by(item, worker) for item in order.items)
            elif campaign.reason is not None:
                return
            else:
                time.sleep(0.005)


def content_of(place: str | Path) -> dict[str, Any]:
    """All that a ledger holds, but for clocks and the order in which answers came."""
    with Ledger.open(place) as ledger:
        annotations: Sequence[Annotation] = list(ledger.annotations())
        return {
            "annotations": sorted(
                repr({**vars(one), "created": 0.0, "usage": one.usage.human_labels})
                for one in annotations
            ),
            "rounds": [
                (
                    one.number,
                    one.phase,
                    one.selector,
                    one.item_ids,
                    one.scores,
                    one.why,
                    {name: value for name, value in one.metrics.items() if name != "seconds"},
                )
                for one in ledger.rounds()
            ],
            "labels": {id: one.label for id, one in sorted(ledger.labels().items())},
            "usage": ledger.usage(),
        }
