"""All figures of a report as plain data."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict
from typing import Any

from llmal.core.records import SyntheticItem
from llmal.report import notices, picks, quality
from llmal.report.agreement import agreement
from llmal.report.audit import audit
from llmal.report.guarantee import guarantee
from llmal.report.people import people
from llmal.report.plain import plain, shorten, without_secrets
from llmal.report.record import RunRecord
from llmal.report.spending import spending

FORMAT = 1
"""Version of the layout of `report.json`; it rises when a figure is renamed or removed."""

SYNTHETIC_LISTED = 40


def collect(record: RunRecord, *, written: float | None = None) -> dict[str, Any]:
    """Count everything that a report says.

    Shares are fractions of one, each with its 95 % Wilson interval ("low", "high") and the n that
    it is of; times are Unix seconds; a figure that cannot be had is None.

    Args:
        record: What the run left behind.
        written: Unix time to put on the report; now, if it is None.

    Returns:
        A dict that `json.dumps` takes as it is and gives back equal.
    """
    machines = quality.machine_labels(record)
    delivered = quality.delivered_labels(record)
    curve = picks.learning_curve(record)
    cost = spending(record)
    made = {
        "format": FORMAT,
        "written": time.time() if written is None else written,
        "task": record.task.as_dict(),
        "pool": {
            "source": without_secrets(record.pool_source),
            "items": record.pool_size,
            "duplicates": record.duplicates,
            "gold": len(quality.known_gold(record)),
        },
        "objective": record.objective,
        "status": record.status,
        "stop_reason": record.stop_reason,
        "guarantee": guarantee(record),
        "time": _time(record),
        "learning_curve": curve,
        "machines": machines,
        "delivered": delivered,
        "people": people(record),
        "agreement": agreement(record),
        "audit": audit(record),
        "spending": cost,
        "rounds": picks.rounds(record),
        "map": picks.pool_map(record),
        "distribution": _distribution(record),
        "synthetic": _synthetic(record),
        "notices": notices.notices(record),
        "config": without_secrets(plain(record.config)),
        "versions": dict(record.versions),
    }
    return dict(plain(made))


def _time(record: RunRecord) -> dict[str, Any]:
    finished = [one.finished for one in record.rounds if one.finished is not None]
    worked = 0.0
    for one in record.rounds:
        seconds = one.metrics.get("seconds")
        if seconds is None and one.finished is not None:
            seconds = one.finished - one.started
        worked += seconds or 0.0
    return {
        "started": min((one.started for one in record.rounds), default=None),
        "finished": max(finished, default=None),
        "worked_seconds": worked,
    }


def _distribution(record: RunRecord) -> dict[str, Any]:
    """How often each label was given, and how often it is true: of the same items, of all.

    Gold of the same items shows what the annotators lean towards; gold of the whole pool shows
    what the selector leaned towards.
    """
    gold = quality.known_gold(record)
    names_in = record.task.space.names_in
    judged = [i for i in record.labels if i in gold]
    delivered = Counter(name for label in record.labels.values() for name in names_in(label.label))
    same = Counter(name for i in judged for name in names_in(gold[i]))
    whole = Counter(name for answer in gold.values() for name in names_in(answer))
    return {
        "labels": [
            {
                "label": name,
                "delivered": delivered[name],
                "gold_same_items": same[name] if gold else None,
                "gold_pool": whole[name] if gold else None,
            }
            for name in record.task.names
        ],
        "delivered": len(record.labels),
        "gold_same_items": len(judged) if gold else None,
        "gold_pool": len(gold) if gold else None,
    }


def _synthetic(record: RunRecord) -> dict[str, Any] | None:
    if not record.synthetic:
        return None
    accepted = [item for item in record.synthetic if item.accepted]
    refused = [item for item in record.synthetic if not item.accepted]
    by_filter = Counter(one.refused_by or "unnamed filter" for one in refused)
    wanted, kept = (Counter(one.label for one in of) for of in (record.synthetic, accepted))
    half = SYNTHETIC_LISTED // 2
    listed = [*accepted[:half], *refused[:half]]
    return {
        "written": len(record.synthetic),
        "accepted": len(accepted),
        "refused": len(refused),
        "refused_by": [{"filter": name, "count": n} for name, n in by_filter.most_common()],
        "by_label": [
            {"label": name, "written": wanted[name], "accepted": kept[name]}
            for name in record.task.names
            if wanted[name]
        ],
        "judged": _judged(record),
        "items": [_synthetic_item(one) for one in listed],
        "not_listed": len(record.synthetic) - len(listed),
    }


def _judged(record: RunRecord) -> dict[str, Any] | None:
    """What the last judgement says, and the weight of each round."""
    if not record.judgements:
        return None
    last = record.judgements[-1]
    return {
        **last.as_dict(),
        "by_label": [
            {"label": name, **asdict(last.by_label[name])}
            for name in record.task.names
            if name in last.by_label
        ],
        "weights": [{"round": one.round, "weight": one.weight} for one in record.judgements],
    }


def _synthetic_item(one: SyntheticItem) -> dict[str, Any]:
    return {
        "text": shorten(one.text, picks.TEXT_LENGTH),
        "label": one.label,
        "generator": one.generator,
        "accepted": one.accepted,
        "refused_by": one.refused_by,
        "reason": one.reason,
    }
