"""Figures on what people had to do and what they left: notes, skipped items, items still open."""

from __future__ import annotations

from collections import Counter
from typing import Any

from llmal.report.plain import shorten
from llmal.report.record import RunRecord

LISTED_NOTES = 200
TEXT_LENGTH = 240
NOTE_LENGTH = 600


def people(record: RunRecord) -> dict[str, Any]:
    """Who was a person, who was simulated, what they remarked, and which items have no label."""
    human = [one for one in record.annotations if one.kind == "human" and one.purpose != "audit"]
    noted = [one for one in human if one.rationale]
    return {
        "annotations": len(human),
        # Their answers come from the gold column, so gold says nothing about them.
        "simulated": sum(bool(annotation.provenance.get("simulated")) for annotation in human),
        "skipped": sum(
            annotation.label is None and "skipped" in annotation.flags for annotation in human
        ),
        "notes": [
            {
                "id": one.item_id,
                "text": shorten(record.texts[one.item_id], TEXT_LENGTH)
                if one.item_id in record.texts
                else None,
                "label": one.label,
                "by": one.annotator,
                "round": one.round,
                "note": shorten(str(one.rationale), NOTE_LENGTH),
            }
            for one in noted[:LISTED_NOTES]
        ],
        "notes_not_listed": max(0, len(noted) - LISTED_NOTES),
        "unlabelled": _unlabelled(record),
    }


def _unlabelled(record: RunRecord) -> list[dict[str, Any]]:
    """How many items of the pool have no label, by the reason; those without any left out."""
    answers: dict[str, list[str]] = {i: [] for one in record.rounds for i in one.item_ids}
    for one in record.annotations:
        answers.setdefault(one.item_id, []).append(
            "skipped" if one.kind == "human" and one.label is None else "not settled"
        )
    reasons = Counter(
        "waiting" if not given else "skipped" if "skipped" in given else "not settled"
        for item, given in answers.items()
        if item not in record.labels
    )
    known = len(answers.keys() | record.labels.keys())
    reasons["never asked"] = max(0, record.pool_size - known)
    return [{"reason": name, "items": n} for name, n in reasons.items() if n]
