"""Figures on the rounds: what each picked, why, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from llmal.core.records import Annotation, Answer
from llmal.report.plain import shorten
from llmal.report.quality import known_gold, share
from llmal.report.record import RoundLike, RunRecord

LISTED_A_ROUND = 100
LISTED_AT_LEAST = 10
LISTED_IN_ALL = 1500
"""Items listed in the whole report; many rounds list fewer each, so that the file stays small."""

TEXT_LENGTH = 240
METRICS = (
    "labelled",
    "human_labels",
    "accuracy",
    "macro_f1",
    "nll",
    "test_items",
    "mean_entropy",
    "agreement",
    "seconds",
)


def rounds(record: RunRecord) -> list[dict[str, Any]]:
    """One entry for each round, with at most so many of its items as a report can hold."""
    last = {annotation.item_id: annotation for annotation in record.annotations}
    gold = known_gold(record)
    limit = LISTED_A_ROUND
    if record.rounds:
        limit = max(LISTED_AT_LEAST, min(limit, LISTED_IN_ALL // len(record.rounds)))
    made = []
    for one in record.rounds:
        listed = min(limit, len(one.item_ids))
        made.append(
            {
                "number": one.number,
                "phase": one.phase,
                "selector": one.selector,
                "picked": len(one.item_ids),
                "started": one.started,
                "finished": one.finished,
                "metrics": {name: one.metrics.get(name) for name in METRICS},
                "items": [_item(record, one, at, last, gold) for at in range(listed)],
                "not_listed": len(one.item_ids) - listed,
            }
        )
    return made


def pool_map(record: RunRecord) -> dict[str, Any] | None:
    """Where the picks lie on the map of the pool, each with the first round that picked it.

    Coordinates run from 0 to 1 along the longer side, y upwards, in steps that no screen shows.
    """
    drawn = record.map
    if drawn is None:
        return None
    by_round: dict[int, list[str]] = {}
    seen: set[str] = set()
    for one in record.rounds:
        fresh = [i for i in one.item_ids if i in drawn.picks and i not in seen]
        seen.update(fresh)
        if fresh:
            by_round[one.number] = fresh
    if not seen:
        return None
    everything = np.array([*drawn.background, *(drawn.picks[i] for i in seen)])
    low = everything.min(axis=0)
    extent = everything.max(axis=0) - low
    longest = float(extent.max()) or 1.0

    def placed(places: ArrayLike) -> Any:
        return np.round((np.reshape(places, (-1, 2)) - low) / longest, 4).tolist()

    return {
        "method": drawn.method,
        "explained": drawn.explained,
        "fitted": drawn.fitted,
        "width": float(extent[0]) / longest,
        "height": float(extent[1]) / longest,
        "background": placed(drawn.background),
        "rounds": [
            {
                "number": one.number,
                "phase": one.phase,
                "ids": by_round[one.number],
                "places": placed([drawn.picks[i] for i in by_round[one.number]]),
            }
            for one in record.rounds
            if one.number in by_round
        ],
    }


def learning_curve(record: RunRecord) -> dict[str, Any]:
    """Accuracy of the learner on the test set by number of labels, beside random picks."""
    points = []
    for one in record.rounds:
        accuracy, labelled = one.metrics.get("accuracy"), one.metrics.get("labelled")
        if accuracy is None or labelled is None:
            continue
        test_items = one.metrics.get("test_items")
        interval = share(round(accuracy * test_items), int(test_items)) if test_items else None
        points.append(
            {
                "round": one.number,
                "labelled": labelled,
                "human_labels": one.metrics.get("human_labels"),
                "accuracy": accuracy,
                "low": interval["low"] if interval else None,
                "high": interval["high"] if interval else None,
                "test_items": test_items,
                "macro_f1": one.metrics.get("macro_f1"),
                "nll": one.metrics.get("nll"),
            }
        )
    return {
        "points": points,
        "baseline": [dict(point) for point in record.baseline] if record.baseline else None,
        "baseline_note": record.baseline_note,
    }


def _item(
    record: RunRecord,
    of: RoundLike,
    position: int,
    last: Mapping[str, Annotation],
    gold: Mapping[str, Answer],
) -> dict[str, Any]:
    item_id = of.item_ids[position]
    decided, annotation = record.labels.get(item_id), last.get(item_id)
    if decided is not None:
        answer: dict[str, Any] = {
            "state": "labelled",
            "label": decided.label,
            "by": decided.annotator,
            "kind": decided.kind,
            "probability": decided.confidence,
        }
    elif annotation is not None:
        answer = {
            "state": "abstained" if annotation.label is None else annotation.decision,
            "label": annotation.label,
            "by": annotation.annotator,
            "kind": annotation.kind,
            "probability": annotation.confidence,
        }
    else:
        answer = {"state": "open", "label": None, "by": None, "kind": None, "probability": None}
    true, text = gold.get(item_id), record.texts.get(item_id)
    return {
        "id": item_id,
        "text": None if text is None else shorten(text, TEXT_LENGTH),
        "score": of.scores[position] if position < len(of.scores) else None,
        "why": of.why[position] if position < len(of.why) else None,
        **answer,
        "gold": true,
        "mismatch": None if true is None or answer["label"] is None else answer["label"] != true,
    }
