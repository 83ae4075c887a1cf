"""Figures on items that several people have answered: how far they agree, who agrees with whom."""

from __future__ import annotations

from collections import Counter
from typing import Any

from llmal.annotators.aggregation import agreement_of
from llmal.errors import AnnotationError
from llmal.report.record import RunRecord

LISTED_WORKERS = 50


def agreement(record: RunRecord) -> dict[str, Any] | None:
    """Agreement and the estimated quality of each worker; None where nobody answered what another
    had answered.
    """
    if not record.several:
        return None
    found = agreement_of(record.several, record.task.space)
    counts = Counter(annotation.worker for given in record.several.values() for annotation in given)
    beliefs = {
        annotation.item_id: annotation.probabilities
        for annotation in record.annotations
        if annotation.kind != "human" and annotation.probabilities is not None
    }
    try:
        together = record.aggregation.aggregate(record.several, record.task.space, beliefs)
        quality = dict(together.workers)
    except AnnotationError:
        # It wants a machine, and these items have none; the run said so.
        quality = {}
    listed = [name for name, _ in counts.most_common(LISTED_WORKERS)]
    return {
        "items": found.items,
        "answers": found.answers,
        "workers": found.workers,
        "alpha": found.alpha,
        "aggregation": record.aggregation.name,
        "by_worker": [
            {"worker": name, "answers": counts[name], "quality": quality.get(name)}
            for name in listed
        ],
        "not_listed": len(counts) - len(listed),
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "items": pair.items,
                "same": pair.same,
                "kappa": pair.kappa,
            }
            for pair in found.pairs
        ],
    }
