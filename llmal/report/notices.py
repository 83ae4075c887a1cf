"""What a reader must know before believing the rest: fallbacks, warnings, flags, estimates."""

from __future__ import annotations

from collections import Counter
from typing import Any

from llmal.report.plain import shorten, without_secrets
from llmal.report.record import RunRecord

SHOWN_KINDS = ("error", "fallback", "warning", "changed")
MOST_NOTICES = 100


def notices(record: RunRecord) -> dict[str, Any]:
    """Fallbacks and warnings, equal ones counted together, the gravest first."""
    seen: dict[tuple[str, str], list[float]] = {}
    for one in record.events:
        if one.kind in SHOWN_KINDS:
            message = without_secrets(shorten(one.message, 600))
            seen.setdefault((one.kind, message), []).append(one.time)
    events = [
        {"kind": kind, "message": message, "count": len(times), "first": min(times)}
        for (kind, message), times in seen.items()
    ]
    events.sort(key=lambda one: (SHOWN_KINDS.index(str(one["kind"])), one["first"]))
    return {
        "stand_ins": _stand_ins(record),
        "events": events[:MOST_NOTICES],
        "not_listed": max(0, len(events) - MOST_NOTICES),
        "flags": dict(
            sorted(
                Counter(
                    flag for annotation in record.annotations for flag in annotation.flags
                ).items()
            )
        ),
        "events_by_kind": dict(sorted(Counter(event.kind for event in record.events).items())),
    }


def _stand_ins(record: RunRecord) -> list[dict[str, Any]]:
    """Annotators by text similarity, which only stand in where there is no language model."""
    counts = Counter(
        annotation.annotator for annotation in record.annotations if annotation.kind == "similarity"
    )
    return [{"annotator": name, "annotations": n} for name, n in sorted(counts.items())]
