"""Figures on who gave how many annotations, and what they cost."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from llmal.core.records import Annotation, Usage
from llmal.report.record import RunRecord


def spending(record: RunRecord) -> dict[str, Any]:
    """One row for each annotator and each other purpose that money went to, and their sum."""
    by_annotator: dict[str, list[Annotation]] = {}
    for annotation in record.annotations:
        by_annotator.setdefault(annotation.annotator, []).append(annotation)
    rows = [_row(name, of, record.usage.get(name)) for name, of in sorted(by_annotator.items())] + [
        _row(name, [], usage)
        for name, usage in sorted(record.usage.items())
        if name not in by_annotator
    ]
    numbers = ["annotations", "accepted", "deferred", "abstained", "tokens"]
    numbers += [field.name for field in fields(Usage)]
    return {"rows": rows, "total": {name: sum(row[name] for row in rows) for name in numbers}}


def _row(name: str, annotations: list[Annotation], usage: Usage | None) -> dict[str, Any]:
    if usage is None:
        usage = sum((annotation.usage for annotation in annotations), Usage())
    given = [annotation for annotation in annotations if annotation.label is not None]
    row = {
        "name": name,
        "kind": annotations[0].kind if annotations else None,
        "annotations": len(annotations),
        "accepted": sum(annotation.decision == "accepted" for annotation in given),
        "deferred": sum(annotation.decision == "deferred" for annotation in given),
        "abstained": len(annotations) - len(given),
        **usage.as_dict(),
        "tokens": usage.tokens,
    }
    if row["kind"] == "human":
        row["human_labels"] = len(given)
    return row
