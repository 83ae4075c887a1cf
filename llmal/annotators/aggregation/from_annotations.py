"""Answers of several people from annotations, outside a run."""

from __future__ import annotations

from collections.abc import Iterable

from llmal.annotators.aggregation import REGISTRY
from llmal.annotators.aggregation.agreement import Agreement, agreement_of
from llmal.annotators.aggregation.protocol import Aggregated, Aggregator
from llmal.core.records import Annotation
from llmal.ledger.combining import WorkerAnswer, in_order
from llmal.task import Task
from llmal.task.spaces import kinds_of, refuse_unless


def people_answers(annotations: Iterable[Annotation]) -> dict[str, list[WorkerAnswer]]:
    """The answers of people, by item and in the order in which they were given: of each person the
    one that stands; nothing of who has skipped an item.
    """
    latest: dict[tuple[str, str], Annotation] = {}
    for one in annotations:
        if one.kind != "human":
            continue
        key = (one.item_id, one.annotator)
        if key not in latest or one.revision >= latest[key].revision:
            latest[key] = one
    found: dict[str, list[WorkerAnswer]] = {}
    for (item_id, worker), one in latest.items():
        if one.label is not None:
            vote = WorkerAnswer(worker, one.label, one.created, one.round)
            found.setdefault(item_id, []).append(vote)
    return {item_id: in_order(given) for item_id, given in sorted(found.items())}


def aggregate(
    annotations: Iterable[Annotation], task: Task, by: str | Aggregator = "majority"
) -> Aggregated:
    """Put the answers of people together.

    Args:
        annotations: Answers of people and others. Of machines the probabilities are read, if the
            aggregation wants any.
        task: What was labelled.
        by: An aggregation, or its name.

    Raises:
        ConfigError: There is no such aggregation, it does not work with the task, or its package is
            not installed.
        AnnotationError: There is not what it needs.
    """
    told = list(annotations)
    aggregator: Aggregator = REGISTRY.make(by) if isinstance(by, str) else by
    refuse_unless(task, kinds_of(aggregator), f"the aggregation {aggregator.name}")
    beliefs = {
        one.item_id: one.probabilities
        for one in told
        if one.kind != "human" and one.probabilities is not None
    }
    return aggregator.aggregate(people_answers(told), task.space, beliefs)


def measure_agreement(annotations: Iterable[Annotation], task: Task) -> Agreement:
    """How far people agree on what several of them have answered."""
    return agreement_of(people_answers(annotations), task.space)
